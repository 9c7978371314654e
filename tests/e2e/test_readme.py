"""The README's three lines, as they stand there, against the demo of the built wheel; the demo as it prints itself."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
import requests
from packaging.requirements import Requirement

from tests.fixtures.product import Shop

REPOSITORY = Path(__file__).parent.parent.parent
README = REPOSITORY / "README.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The `smetka` command of an environment that has only `smetka[all]` in it, installed from the built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = folder.glob("smetka-*.whl")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "install"]
    subprocess.run([*pip, "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (own,) = (folder / "venv").glob("lib/python*/site-packages")
    for name in needed_by(Distribution.at(next(own.glob("smetka-*.dist-info"))), {"all"}):
        # What is installed here already stands for what pip would fetch: the locked versions, no others beside them.
        there = distribution(name)
        for top in {file.parts[0] for file in there.files if file.parts[0] not in {"..", "__pycache__"}}:
            if not (own / top).exists():  # two may share a folder
                (own / top).symlink_to(there.locate_file(top))
    imported = [python, "-c", "import smetka; print(smetka.__file__)"]
    assert subprocess.check_output(imported, text=True).startswith(str(own))
    return python.with_name("smetka")


def needed_by(package: Distribution, extras: set[str], known: frozenset = frozenset()) -> set[str]:
    """The names of all that a package with these extras says it needs, and of what those need."""
    found = set()
    for requirement in map(Requirement, package.requires or ()):
        if not any(
            requirement.marker is None or requirement.marker.evaluate({"extra": e}) for e in extras | {""}
        ):
            continue
        own = requirement.name == "smetka"
        if own and requirement.extras - extras:
            found |= needed_by(package, {*requirement.extras}, known | found)
        elif not own and requirement.name not in known | found:
            found.add(requirement.name)
            found |= needed_by(distribution(requirement.name), {*requirement.extras}, known | found)
    return found


@pytest.fixture(scope="module")
def demo(installed, tmp_path_factory):
    # A real shop's settings around it must not matter: no real bot, ledger or MongoDB is touched.
    real = {
        "SMETKA_LEDGER": "/nowhere/shop.db",
        "SMETKA_MONGODB_URI": "mongodb://127.0.0.1:1/shop",
        "SMETKA_TELEGRAM_BOT_TOKEN": "123456:ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi",
        "SMETKA_TELEGRAM_CHAT_IDS": "4242",
        "SMETKA_BONUS_THRESHOLD": "999999",
    }
    demo = Shop(tmp_path_factory.mktemp("demo"), ["demo"], real, command=[str(installed)])
    demo.data_dir = demo.data_dir / "demo"
    demo.start()
    demo.wait_until(lambda: "curl -i" in demo.log.read_text())
    yield demo
    demo.close()


def curl(line: str) -> tuple[str, dict]:
    done = subprocess.run(
        [*shlex.split(line), "--silent", "--show-error"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    head, _, body = done.stdout.rstrip().rpartition("\n")
    return head, json.loads(body)


def same_but_for_time(answer: dict) -> dict:
    told = {name: value for name, value in answer.items() if name not in {"stored_at", "year", "message"}}
    return json.loads(re.sub(r"(?<= in )20\d\d\b", "this year", json.dumps(told)))


def test_the_lines_of_the_readme_answer_what_it_says(demo):
    examples = re.findall(r"```console\n\$ (curl .+?)\n(.+?)```", README.read_text(), re.DOTALL)
    assert len(examples) == 3
    stored = f"{demo.url}/api/v1/bonus-customers"
    for each in requests.get(stored, timeout=10).json()["items"]:
        if each["user_id"] == 1:  # by a test that ran before
            requests.delete(f"{stored}/{each['year']}/1", timeout=10)

    for line, shown in examples:
        head, answer = curl(line.replace("http://127.0.0.1:8000", demo.url))
        body = shown.strip().splitlines()[-1]
        if "…" in body and "stored_at" not in body:  # the README cuts this answer short
            assert json.dumps(answer, separators=(",", ":")).startswith(body.partition("…")[0])
        else:
            assert same_but_for_time(answer) == same_but_for_time(json.loads(body))
        if head:
            assert head.startswith("HTTP/1.1 201 Created")


def test_the_wheel_holds_all_that_it_needs(demo, installed):
    assert str(installed) in demo.family()[0].cmdline()
    for path in ("/", "/docs", "/problems/below-threshold", "/openapi.json"):
        assert requests.get(demo.url + path, timeout=10).status_code == 200
    assert requests.get(f"{demo.url}/average_spending_by_age", timeout=10).status_code == 200
    page = telegrams_page(demo)
    demo.wait_until(lambda: requests.get(f"{page}/photo/1", timeout=10).content[:4] == b"\x89PNG")


def telegrams_page(demo) -> str:
    return re.search(r"managers read.*\n +(http://\S+)", demo.log.read_text())[1]


def test_the_lines_that_the_demo_prints_work_and_the_third_is_a_201_at_every_start(demo):
    lines = re.findall(r"^ +(curl .+)$", demo.log.read_text(), re.MULTILINE)
    assert len(lines) == 3
    assert curl(lines[0])[1]["total_spending"] == 1031.29
    told = curl(lines[1])[1]["notification"]
    assert told["status"] in {"queued", "already_sent"}
    page = telegrams_page(demo)
    arrived = demo.wait_until(
        lambda: len(found := requests.get(f"{page}/control/messages").json()) > 1 and found
    )
    assert {message["chat_id"] for message in arrived} == {1001, -1002001}
    assert all(told["report_id"] in message["text"] for message in arrived)

    assert demo.stop() == 0
    demo.log.unlink()
    demo.start(wait=False)
    demo.wait_until(lambda: "curl -i" in demo.log.read_text())

    third = re.findall(r"^ +(curl -i .+)$", demo.log.read_text(), re.MULTILINE)[0]
    assert curl(third)[0].startswith("HTTP/1.1 201 Created")
