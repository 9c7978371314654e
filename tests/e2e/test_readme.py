"""The README's three lines, as they stand there, against the demo; the demo as it prints itself."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import requests

from tests.fixtures.product import Shop

README = Path(__file__).parent.parent.parent / "README.md"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    # A real shop's settings around it must not matter: no real bot, ledger or MongoDB is touched.
    real = {
        "SMETKA_LEDGER": "/nowhere/shop.db",
        "SMETKA_MONGODB_URI": "mongodb://127.0.0.1:1/shop",
        "SMETKA_TELEGRAM_BOT_TOKEN": "123456:ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi",
        "SMETKA_TELEGRAM_CHAT_IDS": "4242",
        "SMETKA_BONUS_THRESHOLD": "999999",
    }
    shop = Shop(tmp_path_factory.mktemp("demo"), ["demo"], real)
    shop.data_dir = shop.data_dir / "demo"
    environment = shop.environment
    shop.start(wait=False)
    shop.environment = {**environment, "SMETKA_DATA_DIR": str(shop.data_dir)}
    shop.wait_until_ready()
    shop.wait_until(lambda: "curl -i" in shop.log.read_text())
    shop.environment = environment
    yield shop
    shop.close()


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

    for line, shown in examples:
        head, answer = curl(line.replace("http://127.0.0.1:8000", demo.url))
        body = shown.strip().splitlines()[-1]
        if "…" in body and "stored_at" not in body:  # the README cuts this answer short
            assert json.dumps(answer, separators=(",", ":")).startswith(body.partition("…")[0])
        else:
            assert same_but_for_time(answer) == same_but_for_time(json.loads(body))
        if head:
            assert head.startswith("HTTP/1.1 201 Created")


def test_the_lines_that_the_demo_prints_work_and_the_third_is_a_201_at_every_start(demo):
    lines = re.findall(r"^ +(curl .+)$", demo.log.read_text(), re.MULTILINE)
    assert len(lines) == 3
    assert curl(lines[0])[1]["total_spending"] == 1031.29
    told = curl(lines[1])[1]["notification"]
    assert told["status"] in {"queued", "already_sent"}
    page = re.search(r"managers read.*\n +(http://\S+)", demo.log.read_text())[1]
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
