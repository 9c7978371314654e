"""Log lines are one JSON object each away from a terminal, and hold no secret."""

from __future__ import annotations

import errno
import io
import json
import logging

import pytest
import structlog

from smetka.core.logs import configure_logging, scrub, tell_many

TOKEN = "123456:AAECanaryCanaryCanaryCanaryCanaryCan"


@pytest.fixture
def lines():
    """What was logged since, as parsed lines."""
    stream = io.StringIO()
    configure_logging("web", secrets=["hush-hush"], stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_with_its_values(lines):
    structlog.get_logger("t").info("stored", user_id=1)
    logging.getLogger("library").warning("odd %s", "thing")

    first, second = lines()
    assert (first["event"], first["user_id"], first["process"], first["level"]) == (
        "stored",
        1,
        "web",
        "info",
    )
    assert (second["event"], second["process"]) == ("odd thing", "web")


def test_secrets_are_masked_wherever_they_stand(lines):
    try:
        raise ValueError(f"https://api/bot{TOKEN}/getMe")
    except ValueError:
        structlog.get_logger("t").exception(
            "hush-hush", uri="mongodb://u:canary@h/d", nested={"key": ["smk_canary-canary"]}
        )

    (line,) = lines()
    text = json.dumps(line)
    assert "canary" not in text.lower()
    assert "hush" not in text
    assert "ValueError" in text


def test_what_is_no_secret_stays_readable():
    text = "GET http://127.0.0.1:8000/total_spent/1 at 12:30:45"

    assert scrub(text) == text


class Failing(io.StringIO):
    """A stream whose reader leaves and comes back."""

    def __init__(self):
        super().__init__()
        self.fault = None

    def write(self, text):
        if self.fault:
            raise self.fault
        return super().write(text)

    def flush(self):
        if self.fault:
            raise self.fault


@pytest.mark.parametrize(
    "fault",
    [OSError(errno.ENOSPC, "full"), BrokenPipeError(), BlockingIOError(), ValueError("closed")],
    ids=repr,
)
def test_what_cannot_be_written_ends_nobody(fault):
    stream = Failing()
    configure_logging("web", stream=stream)
    stream.fault = fault
    structlog.get_logger("lost").info("lost")
    logging.getLogger("lost").warning("lost")
    tell_many("lost", ["n"], [(1,)])
    stream.fault = None
    structlog.get_logger("there").info("there")
    tell_many("there", ["n"], [(1,), (2,)])

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["there"] * 3
