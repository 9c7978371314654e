"""Contestants taking turns under the same load."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.load import Answers, Load, WrongAnswer, fire
from bench.servers import Server


@dataclass(frozen=True)
class Contestant:
    """A server and the question it is asked.

    Attributes:
        check: path and the answer's JSON to whether it is right; asked once, before the load.
    """

    server: Server
    load: Load
    check: Callable[[Any], bool]


def best(contestants: list[Contestant], rounds: int) -> list[Answers]:
    """Each contestant's best round, by rate; the order in a round is another each time.

    Raises:
        WrongAnswer: one contestant answered wrongly.
    """
    for contestant in contestants:
        prove(contestant)
    chance = random.Random(0)
    found: list[list[Answers]] = [[] for _ in contestants]
    for _ in range(rounds):
        for place in chance.sample(range(len(contestants)), len(contestants)):
            contestant = contestants[place]
            found[place].append(fire(contestant.server, contestant.load))
    return [max(answers, key=lambda answer: answer.rate) for answers in found]


def prove(contestant: Contestant) -> None:
    """See that it answers what it should.

    Raises:
        WrongAnswer: it does not.
    """
    load, server = contestant.load, contestant.server
    status, body = server.ask(load.path.replace("{id}", str(load.ids[0])))
    if status != 200 or not contestant.check(json.loads(body)):
        raise WrongAnswer(f"{server.name} answered {status} with {body[:300]!r}")
