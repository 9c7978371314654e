"""What others made and browsers run here is what they published: every file has a version and a checksum."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = tomllib.loads((ROOT / "docs" / "vendored.toml").read_text(encoding="utf-8"))["package"]
ENDINGS = {".js", ".css", ".ttf", ".woff2", ".svg", ".png"}
OURS = {"docs.css", "docs.js", "icon.svg", "smetka.css"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_every_file_is_the_one_that_was_published(package):
    folder = ROOT / package["folder"]

    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}

    assert found == package["sha256"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_the_version_is_the_one_that_the_files_tell(package):
    assert package["version"] in package["shows"]
    files = [(ROOT / package["folder"] / name).read_bytes() for name in package["sha256"]]
    assert any(package["shows"].encode() in content for content in files)


def test_nothing_else_of_others_is_sent_to_browsers():
    listed = {ROOT / package["folder"] / name for package in PACKAGES for name in package["sha256"]}

    carried = {file for file in (ROOT / "src").rglob("*") if file.suffix in ENDINGS}

    assert {file.name for file in carried - listed} == OURS
