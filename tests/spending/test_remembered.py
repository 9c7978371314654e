from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from smetka.spending.remembered import MOST_ANSWERS, Remembered
from tests.waiting import eventually


class Slow:
    """Computations that last until they are let go, over something that can change."""

    def __init__(self) -> None:
        self.state = 1
        self.computed = []
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)

    def version(self):
        return self.state

    def compute(self, question):
        seen = self.state
        self.computed.append(question)
        self.begun.release()
        assert self.let_go.acquire(timeout=30)
        return question, seen


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
def threads():
    with ThreadPoolExecutor(20) as pool:
        yield pool


def waiting(remembered, question):
    """How many computations of the question run or wait."""
    return len(remembered._computations.get(question, []))


def test_an_unchanged_answer_is_not_computed_again(slow):
    slow.let_go.release()
    remembered = Remembered(slow.version, slow.compute)

    assert [remembered("q") for _ in range(3)] == [("q", 1)] * 3
    assert slow.computed == ["q"]


def test_a_change_makes_every_answer_new(slow):
    remembered = Remembered(slow.version, slow.compute)
    slow.let_go.release(4)
    remembered("q"), remembered("r")

    slow.state = 2

    assert (remembered("q"), remembered("r")) == (("q", 2), ("r", 2))


def test_those_who_ask_at_once_share_one_computation(slow, threads):
    remembered = Remembered(slow.version, slow.compute)
    answers = [threads.submit(remembered, "q") for _ in range(16)]
    assert slow.begun.acquire(timeout=30)

    slow.let_go.release()

    assert {answer.result(30) for answer in answers} == {("q", 1)}
    assert slow.computed == ["q"]


def test_who_asks_after_a_change_does_not_share_the_older_computation(slow, threads):
    remembered = Remembered(slow.version, slow.compute)
    first = threads.submit(remembered, "q")
    assert slow.begun.acquire(timeout=30)
    slow.state = 2
    later = [threads.submit(remembered, "q") for _ in range(5)]
    eventually(lambda: waiting(remembered, "q") == 2)
    slow.state = 3  # and still they share: the next computation has not begun
    later += [threads.submit(remembered, "q") for _ in range(5)]

    slow.let_go.release()
    assert slow.begun.acquire(timeout=30)
    assert first.result(30) == ("q", 1)
    slow.let_go.release()

    assert {answer.result(30) for answer in later} == {("q", 3)}
    assert slow.computed == ["q", "q"]
    assert waiting(remembered, "q") == 0


def test_questions_do_not_wait_for_each_other(slow, threads):
    remembered = Remembered(slow.version, slow.compute)
    answers = [threads.submit(remembered, question) for question in "qr"]

    assert slow.begun.acquire(timeout=30)
    assert slow.begun.acquire(timeout=30)
    slow.let_go.release(2)

    assert {answer.result(30) for answer in answers} == {("q", 1), ("r", 1)}


def test_an_error_goes_to_all_who_share_and_is_forgotten(threads):
    begun, let_go = threading.Event(), threading.Event()
    faults = [ValueError("once")]

    def compute(question):
        begun.set()
        assert let_go.wait(30)
        if faults:
            raise faults.pop()
        return "fine"

    remembered = Remembered(lambda: 1, compute)
    answers = [threads.submit(remembered, None)]
    assert begun.wait(30)
    joined = threading.Barrier(2, timeout=30)
    answers.append(threads.submit(lambda: (joined.wait(), remembered(None))))
    joined.wait()
    threading.Event().wait(0.2)
    let_go.set()

    assert isinstance(answers[0].exception(30), ValueError)
    assert remembered(None) == "fine"


def test_an_error_of_the_version_is_passed_on():
    def gone():
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        Remembered(gone, lambda question: question)(1)


def test_an_empty_answer_is_remembered_too():
    computed = []
    remembered = Remembered(lambda: 1, computed.append)

    assert remembered("q") is None
    assert remembered("q") is None
    assert computed == ["q"]


def test_the_number_of_remembered_answers_is_bounded():
    computed = []
    remembered = Remembered(lambda: 1, computed.append)
    for question in range(MOST_ANSWERS):
        remembered(question)
    remembered(0)  # asked again, so that 1 is now the one not asked for the longest
    remembered("one more")
    computed.clear()

    remembered(0), remembered(2), remembered(1)

    assert computed == [1]
