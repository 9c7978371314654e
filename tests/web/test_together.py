"""Totals of a database server: those who ask at the same time are asked for in one go."""

from __future__ import annotations

import asyncio
import threading

import pytest

from smetka.core.errors import LedgerUnavailable
from smetka.core.money import Money
from smetka.ledger import CustomerTotal
from smetka.web.together import MOST_TOGETHER, Together


class Server:
    """Knows the customers below 1,000, and can be held up."""

    def __init__(self):
        self.questions, self.may_answer, self.is_away = [], threading.Event(), False
        self.may_answer.set()

    def totals(self, user_ids, year):
        self.questions.append((sorted(user_ids), year))
        assert self.may_answer.wait(20)
        if self.is_away:
            raise LedgerUnavailable("away")
        return {
            user_id: CustomerTotal(user_id, Money(user_id * len(self.questions)), 1)
            for user_id in user_ids
            if user_id < 1000
        }


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def run(server):
    """Runs an async function with a Together that asks the server."""

    def run(visit):
        async def main():
            together = Together(server.totals)
            try:
                return await visit(together)
            finally:
                together.close()

        return asyncio.run(main())

    return run


def test_those_who_ask_at_the_same_time_are_asked_for_in_one_go(server, run):
    async def visit(together):
        return await asyncio.gather(*(together.total_spent(user_id, None) for user_id in (1, 2, 3, 2)))

    assert [total.total.cents for total in run(visit)] == [1, 2, 3, 2]
    assert server.questions == [([1, 2, 3], None)]


def test_each_year_is_a_question_of_its_own(server, run):
    async def visit(together):
        return await asyncio.gather(together.total_spent(1, None), together.total_spent(1, 2026))

    run(visit)

    assert sorted(server.questions, key=str) == [([1], 2026), ([1], None)]


def test_an_answer_is_never_older_than_its_question(server, run):
    """Whoever comes while a question is under way is not answered by it, though it is about the same."""

    async def visit(together):
        server.may_answer.clear()
        first = asyncio.ensure_future(together.total_spent(5, None))
        while not server.questions:  # noqa: ASYNC110 - asked in a thread
            await asyncio.sleep(0.01)
        second = asyncio.ensure_future(together.total_spent(5, None))
        await asyncio.sleep(0.05)
        server.may_answer.set()
        return await first, await second

    first, second = run(visit)

    assert (first.total.cents, second.total.cents) == (5, 10)
    assert len(server.questions) == 2


def test_a_client_that_goes_away_takes_nobody_elses_answer_with_it(server, run):
    async def visit(together):
        gone, stays = (asyncio.ensure_future(together.total_spent(7, None)) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert run(visit).total.cents == 7


def test_who_is_unknown_or_whose_server_is_away_is_left_to_flask(server, run):
    async def visit(together):
        unknown = await together.total_spent(5000, None)
        server.is_away = True
        return unknown, await together.total_spent(1, None)

    assert run(visit) == (None, None)


def test_too_many_are_left_to_the_queues(server, run):
    async def visit(together):
        server.may_answer.clear()
        waiting = [asyncio.ensure_future(together.total_spent(n, None)) for n in range(MOST_TOGETHER)]
        await asyncio.sleep(0.05)  # these are under way
        waiting += [asyncio.ensure_future(together.total_spent(n, None)) for n in range(MOST_TOGETHER)]
        await asyncio.sleep(0)
        too_many = await together.total_spent(999, None)
        server.may_answer.set()
        return too_many, await asyncio.gather(*waiting)

    too_many, others = run(visit)

    assert too_many is None
    assert None not in others
