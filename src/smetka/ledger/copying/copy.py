"""A ledger copied into another database: planned, carried out batch by batch, verified."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from smetka.core.errors import CommandFailed, LedgerUnavailable, WrongUsage
from smetka.ledger.copying.batches import Batch, Plan, plan
from smetka.ledger.copying.differences import Sums, differences, sums_of
from smetka.ledger.copying.readings import Readings
from smetka.ledger.copying.target import Packed, Target
from smetka.ledger.layout import CUSTOMERS
from smetka.ledger.ledger import Ledger
from smetka.ledger.limits import Limits
from smetka.ledger.source import Opened
from smetka.settings.ledger_location import Server, ledger_location

T = TypeVar("T")

_DIFFERENCES_SHOWN = 5
_LIMITS = Limits(file_question=3600)  # nobody waits at a page, and the file may be too large to be served


@dataclass(frozen=True, slots=True)
class Begun:
    """A copy that can be carried out.

    Attributes:
        done_rows: what a former attempt copied.
        is_finished: the target is a copy already; there is nothing to do.
    """

    customers: int
    payments: int
    done_rows: int
    is_finished: bool = False


class Copy:
    """One copy: `begin`, `carry_out`, `verify`. Ended in any way, a new one goes on where it stopped.

    Every method raises CommandFailed, with a sentence about what to do.

    Raises:
        WrongUsage: a location is none, or both are the same.
    """

    def __init__(self, source: str, target: str) -> None:
        self._target: Target | None = None
        self._source = Ledger(source, limits=_LIMITS)
        self._copy = Ledger(target, even_unfinished=True, limits=_LIMITS)  # as it will be asked
        if _is_same(self._source, self._copy):
            raise WrongUsage("The source and the target are the same ledger.")
        self._target = _target(target)
        self._plan = Plan(0, 0, 0, ())
        self._done: dict[int, int] = {}
        self._sums: Future[Sums] | None = None

    @property
    def shown(self) -> tuple[str, str]:
        """The source and the target, for people: no password is in them."""
        return self._source.shown, self._copy.shown

    def begin(self) -> Begun:
        """Plan the copy, or find the plan of one that was not finished."""
        with self._told() as target:
            notes = target.progress()
            if not notes and not target.is_empty():
                return self._as_finished()
            kept = json.loads(notes[0]) if 0 in notes else self._begun_now(target)
        if kept["source"] != self._source.shown:
            raise CommandFailed(
                f"{self._copy.shown} has an unfinished copy of {kept['source']}. Finish that one, or drop "
                "the tables user_info, user_spending and smetka_copy there."
            )
        self._plan = Plan.of_json(kept)
        self._done = {number: int(rows) for number, rows in notes.items() if number}
        return Begun(self._plan.customers, self._plan.payments, sum(self._done.values()))

    def carry_out(self, advance: Callable[[int], object] | None = None) -> int:
        """Copy what is left, calling `advance` with the rows of each batch. Returns how many they were."""
        left = [each for each in enumerate(self._plan.batches, start=1) if each[0] not in self._done]
        copied = 0
        with self._told("What was copied is kept: the same command goes on from there.") as target:
            # Beside the reading: databases sum up without Python.
            self._sums = _in_background(lambda: sums_of(self._source))
            for number, batch, packed in self._read_ahead(target, left):
                target.write(number, batch.table, packed)
                copied += packed.count
                if advance is not None:
                    advance(packed.count)
            target.complete()
        return copied

    def verify(self) -> Sums:
        """Compare the copy with the source as it was when `carry_out` began; when equal, drop the notes."""
        with self._told("The same command verifies again.") as target:
            assert self._sums is not None
            copied = sums_of(self._copy)
            found = differences(self._sums.result(), copied)
            if found:
                raise CommandFailed(
                    "The copy differs from the source, which was perhaps changed meanwhile: "
                    f"{'; '.join(found[:_DIFFERENCES_SHOWN])}. Drop the tables user_info, user_spending and "
                    f"smetka_copy in {self._copy.shown}, or the file, and copy again."
                )
            target.forget()
        return copied

    def close(self) -> None:
        """Close all connections."""
        self._source.close()
        self._copy.close()
        if self._target is not None:
            self._target.close()

    def _begun_now(self, target: Target) -> dict[str, Any]:
        planned = self._source.read(plan, long=True)
        kept = {"copy": uuid.uuid4().hex, "source": self._source.shown, **planned.as_json()}
        target.begin(kept)
        return kept

    def _as_finished(self) -> Begun:
        there = sums_of(self._copy)
        found = differences(sums_of(self._source), there)
        if found:
            raise CommandFailed(
                f"{self._copy.shown} holds customers or payments already, which are not a copy of "
                f"{self._source.shown} ({found[0]}). Nothing was changed; copy into an empty database."
            )
        return Begun(there.customers, there.payments, there.customers + there.payments, is_finished=True)

    def _read_ahead(
        self, target: Target, batches: Sequence[tuple[int, Batch]]
    ) -> Iterator[tuple[int, Batch, Packed]]:
        """The batches with their rows, the next one being read while one is written."""
        with ThreadPoolExecutor(1) as reader:
            reading: Future[Packed] | None = None
            for place, (number, batch) in enumerate(batches):
                packed = (reading or reader.submit(self._read, target, batch)).result()
                following = batches[place + 1 : place + 2]
                reading = reader.submit(self._read, target, following[0][1]) if following else None
                yield number, batch, packed

    def _read(self, target: Target, batch: Batch) -> Packed:
        def read(opened: Opened) -> Packed:
            statement, parameters = Readings(opened.layout).rows(batch)
            as_text = _customers if batch.table == CUSTOMERS else iter
            return opened.fold(statement, parameters, lambda rows: target.pack(batch.table, as_text(rows)))

        return self._source.read(read, long=True)

    @contextmanager
    def _told(self, advice: str = "") -> Iterator[Target]:
        """The target, foreign errors of which become sentences. Those of the source are already."""
        assert self._target is not None
        try:
            yield self._target
        except LedgerUnavailable as error:
            raise CommandFailed(f"{error.reason} {advice}".strip()) from None
        except self._target.foreign_errors as error:
            # Not chained: a driver's own words may hold what must not be shown.
            raise CommandFailed(f"{self._target.explain(error)} {advice}".strip()) from None


def _is_same(one: Ledger, other: Ledger) -> bool:
    if one.path is None or other.path is None:
        return one.shown == other.shown
    return one.path == other.path or (
        other.path.exists() and one.path.exists() and one.path.samefile(other.path)
    )


def _target(location: str) -> Target:
    place = ledger_location(location)
    if isinstance(place, Path):
        from smetka.ledger.copying.sqlite_target import SQLiteTarget

        return SQLiteTarget(place)
    return _server(place)


def _server(place: Server) -> Target:
    # Late: drivers of databases that most shops do not have.
    if place.engine == "postgresql":
        from smetka.ledger.copying.postgresql_target import PostgreSQLTarget

        return PostgreSQLTarget(place)
    from smetka.ledger.copying.clickhouse_target import ClickHouseTarget

    return ClickHouseTarget(place)


def _customers(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    return ((user_id, _text(name), _text(email), age) for user_id, name, email, age in rows)


def _text(value: Any) -> str | None:
    # Columns of SQLite hold whatever was put in.
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, str) else str(value)


def _in_background(do: Callable[[], T]) -> Future[T]:
    """Begin something that does not keep the process from ending."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(do())
        except BaseException as error:  # noqa: BLE001 - raised where the outcome is asked for
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome
