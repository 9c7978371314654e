"""Documentation cannot lie: generated pages are current, links lead somewhere, the README's lines work."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from smetka.cli import run

REPOSITORY = Path(__file__).parent.parent
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "README.mk.md",
    REPOSITORY / "CONTRIBUTING.md",
    *(REPOSITORY / "docs").rglob("*.md"),
]


@pytest.fixture(scope="module")
def generated():
    specification = importlib.util.spec_from_file_location("generate", REPOSITORY / "docs" / "generate.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.PAGES


@pytest.mark.parametrize("name", ["settings.md", "commands.md"])
def test_pages_made_from_the_code_are_current(generated, name):
    assert (REPOSITORY / "docs" / name).read_text() == generated[name](), "run `make docs`"


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_inside_of_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        assert (page.parent / path).exists(), target
        assert not anchor or anchor in anchors(page.parent / path if path else page), target


def test_both_readmes_have_the_same_parts():
    english, macedonian = ((REPOSITORY / name).read_text() for name in ("README.md", "README.mk.md"))

    for pattern in (r"^#+ ", r"^```\w*$", r"^- ", r"^\|"):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(
            re.findall(pattern, macedonian, re.MULTILINE)
        )
    assert set(re.findall(r"SMETKA_\w+", english)) == set(re.findall(r"SMETKA_\w+", macedonian))


def test_every_command_is_in_the_help(capsys):
    assert run(["--help"]) == 0

    shown = capsys.readouterr().out
    assert all(f"  {name}" in shown for name in ("demo", "serve", "status", "ledger", "telegram", "key"))


def test_nothing_names_a_registry_host_or_a_machines_path():
    # Spelled in pieces, so that this file does not name them either.
    words = [
        "pypi" + ".org",
        "python" + "hosted",
        "registry." + "npmjs",
        "deb." + "debian.org",
        "/" + "work/",
        "/" + "root/",
    ]
    suffixes = {".py", ".md", ".toml", ".txt", ".svg", ".html", ".css", ".yml", ""}
    files = [
        file
        for folder in ("src", "tests", "docs", "requirements", ".ci")
        for file in (REPOSITORY / folder).rglob("*")
    ]
    files += [file for file in REPOSITORY.iterdir() if file.is_file() and file.name != ".coverage"]
    found = [
        f"{file.relative_to(REPOSITORY)}: {word}"
        for file in files
        if file.is_file() and file.suffix in suffixes and "__pycache__" not in file.parts
        for word in words
        if word in file.read_text(errors="replace")
    ]

    assert found == []


def test_locks_hold_every_dependency_with_hashes():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    locked = (REPOSITORY / "requirements" / "runtime.txt").read_text()

    for dependency in project["dependencies"]:
        name = re.match(r"[\w-]+", dependency)[0]
        assert re.search(rf"^{name}==", locked, re.MULTILINE), name
    assert locked.count("--hash=sha256:") > locked.count("==")
