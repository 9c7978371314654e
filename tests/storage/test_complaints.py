from __future__ import annotations

from pathlib import Path

import pytest

from smetka.storage.complaints import explain


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param("WiredTigerError: Device or resource busy", "already runs on /data/mongodb", id="busy"),
        pytest.param(
            "WT_PANIC ... No space left on device", "disk that holds /data/mongodb is full", id="full"
        ),
        pytest.param("OSError: [Errno 98] Address already in use", "Port 15001", id="port"),
        pytest.param("[Errno 13] Permission denied: 'x'", "cannot write", id="mode"),
        pytest.param("WT_TRY_SALVAGE: database corruption detected", "are damaged", id="salvage"),
        pytest.param("No module named secantus", "pip install 'smetka[all]'", id="extra"),
        pytest.param("Something else.", "ended with status 1: Something else.", id="unknown"),
    ],
)
def test_last_words_become_one_sentence(words, told):
    sentence = explain(
        ["Traceback (most recent call last):\n", words + "\n"], 1, home=Path("/data/mongodb"), port=15001
    )

    assert told in sentence
    assert "\n" not in sentence
    assert "Traceback" not in sentence


def test_a_server_that_said_nothing_is_told_by_its_status():
    sentence = explain([], -9, home=Path("/d"), port=1)

    assert sentence.startswith("The embedded MongoDB ended with status -9: it said nothing.")
    assert "move it away to start anew" in sentence
