"""How far long work is."""

from __future__ import annotations

import weakref

import pytest

from smetka.core.progress import EVERY, Count


class Thing:
    """Something whose end can be seen."""


@pytest.mark.parametrize(
    ("many", "told"),
    [
        (0, [0]),
        (1, [1]),
        (EVERY - 1, [EVERY - 1]),
        (EVERY, [EVERY, EVERY]),
        (2 * EVERY + 1, [EVERY, 2 * EVERY, 2 * EVERY + 1]),
    ],
)
def test_it_is_told_of_in_hundreds_and_at_the_end(many, told):
    heard = []

    assert list(Count(lambda *now: heard.append(now), of=7).over(range(many))) == list(range(many))
    assert heard == [(done, 7) for done in told]


def test_what_is_done_in_several_steps_adds_up():
    heard = []
    count = Count(lambda *now: heard.append(now))

    count(3)
    list(count.over("ab"))

    assert heard == [(3, 0), (5, 0)]


def test_nothing_that_passed_is_held():
    there = weakref.WeakSet()

    def things():
        for _ in range(3 * EVERY):
            thing = Thing()
            there.add(thing)
            yield thing

    assert max(len(there) for _ in Count(lambda *_: None).over(things())) <= 2
