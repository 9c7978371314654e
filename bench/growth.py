"""How a ledger's figures grow with it, on each engine: `python -m bench.growth --folder F`.

Prints what stands in docs/scaling.md under "The ledger: curves". Measured and computed figures are in
tables of their own.
"""

from __future__ import annotations

import argparse
import math
import random
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import databases
from bench.figures import conditions
from bench.ledgers import GROUPS, PAYMENTS_EACH, customers, ledger
from bench.rows.sizes import count
from smetka.core.errors import LedgerUnavailable
from smetka.ledger import Ledger

SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)
SHOWN = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "clickhouse": "ClickHouse"}
HOW_FILLED = {
    "sqlite": "SQLite by recursive SQL",
    "postgresql": "PostgreSQL by `generate_series`",
    "clickhouse": "ClickHouse by `numbers()`, merged to the end",
}
ROUNDS = 3
CUSTOMERS_ASKED = 200
BILLION = 10**9
MACHINES, CORES = 8, 32
BYTES_OF_CUSTOMER = 18
"""What `Spent` keeps of each."""

GIVEN_UP = "given up"


@dataclass(frozen=True)
class Point:
    """What was measured of one ledger: seconds, but for `size`, which is bytes. None was given up, or kept.

    Attributes:
        averages: computed afresh.
        total: of one customer.
        everybody: what each customer spent.
        filling: making the ledger, its index too; None where it was there before.
    """

    payments: int
    averages: float | None
    total: float | None
    everybody: float | None
    size: float
    filling: float | None


@dataclass(frozen=True)
class Curve:
    """A figure by the number of payments: the straight line, and the slope of the logarithms."""

    points: Sequence[tuple[int, float]]

    @property
    def line(self) -> tuple[float, float]:
        """What it is at zero, and more by a payment."""
        return _least_squares(self.points)

    @property
    def by_tenfold(self) -> tuple[float, float]:
        """The same by tenfolds of payments."""
        return _least_squares([(math.log10(payments), value) for payments, value in self.points])

    @property
    def slope(self) -> float:
        """The exponent: 1 grows as the payments do, 0 not at all."""
        return _least_squares([(math.log10(payments), math.log10(value)) for payments, value in self.points])[
            1
        ]

    def at(self, payments: int) -> float:
        """On the line, or by the exponent from the last point on, whichever is more; never less than that."""
        at_zero, more = self.line
        last, value = self.points[-1]
        return max(at_zero + more * payments, value * (payments / last) ** self.slope, value)

    def at_logarithm(self, payments: int) -> float:
        """What a search in something sorted takes, never less than what the last point did."""
        at_one, more = self.by_tenfold
        return max(at_one + more * math.log10(payments), self.points[-1][1])


@dataclass(frozen=True)
class Measure:
    """One kind of figure."""

    name: str
    of: Callable[[Point], float | None]
    is_search: bool = False
    is_size: bool = False

    def shown(self, value: float | None) -> str:
        if value is None:
            return GIVEN_UP
        return _bytes(value) if self.is_size else _seconds(value)

    def curve(self, points: Sequence[Point]) -> Curve | None:
        found = [(point.payments, self.of(point)) for point in points]
        known = [(payments, value) for payments, value in found if value is not None]
        return Curve(known) if len(known) > 1 else None

    def growth(self, curve: Curve) -> str:
        if self.is_search:
            return f"{_seconds(max(curve.by_tenfold[1], 0.0))} by each tenfold"
        more = curve.line[1] * 1e6
        return f"{self.shown(more)} by each million"

    def predicted(self, curve: Curve, payments: int) -> str:
        return self.shown(curve.at_logarithm(payments) if self.is_search else curve.at(payments))


AVERAGES = Measure("averages computed afresh", lambda point: point.averages)
MEASURES = (
    AVERAGES,
    Measure("total of one customer", lambda point: point.total, is_search=True),
    Measure("what each customer spent", lambda point: point.everybody),
    Measure("on disk", lambda point: point.size, is_size=True),
)
FILLING = Measure("filling it", lambda point: point.filling)


def main() -> None:
    """Measure and print."""
    options = _options()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sizes = [size for size in SIZES if size <= options.most]
    found: dict[str, list[Point]] = {}
    notes: list[str] = []
    for engine in options.engines.split(","):
        if engine == "clickhouse" and not databases.has_clickhouse():
            continue
        with _ledgers(engine, folder, notes) as make:
            for payments in sizes:
                print(f"{engine}, {count(payments)}…", file=sys.stderr, flush=True)
                found.setdefault(engine, []).append(_measured(payments, make))
    print(_measured_text(found, notes))
    print(_computed_text(found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="for the ledgers; files are kept there")
    parser.add_argument("--most", type=int, default=SIZES[-2], help=f"payments, at least {SIZES[1]:,}")
    parser.add_argument("--engines", default=",".join(SHOWN), help="by commas")
    options = parser.parse_args()
    if options.most < SIZES[1]:
        parser.error(f"--most is at least {SIZES[1]:,}: a curve has two points.")
    if unknown := set(options.engines.split(",")) - SHOWN.keys():
        parser.error(f"no such engine: {', '.join(sorted(unknown))}.")
    return options


@dataclass(frozen=True)
class Made:
    """A ledger that is there: where, its bytes, how long it took to make unless it was there before."""

    location: str
    size: int
    seconds: float | None


Make = Callable[[int], Made]


@contextmanager
def _ledgers(engine: str, folder: Path, notes: list[str]) -> Iterator[Make]:
    """What makes a ledger of an engine; each takes the place of the one before on a server.

    Args:
        notes: takes what a reader must know of the server.
    """
    if engine == "sqlite":
        yield lambda payments: _file(folder, payments)
        return
    with databases.serving(engine, folder) as server:
        notes.append(_note(server))
        made: list[databases.Database] = []

        def make(payments: int) -> Made:
            if made:
                server.drop_database(made.pop().name)
            made.append(server.make_database())
            began = time.perf_counter()
            databases.fill(made[0], payments)
            seconds = time.perf_counter() - began
            return Made(made[0].url, databases.bytes_on_disk(made[0]), seconds)

        yield make


def _note(server: databases.Server) -> str:
    database = server.make_database()
    try:
        if server.name == "postgresql":
            [(number,)] = database.execute("SHOW server_version")
            return f"PostgreSQL is {number} with `shared_buffers` of 1 GB and `work_mem` of 64 MB."
        with closing(server.connect(database.name)) as client:
            took = _median(lambda: client.query("SELECT 1"), CUSTOMERS_ASKED)
            [(number,)] = client.query("SELECT version()").result_rows
    finally:
        server.drop_database(database.name)
    return (
        f"ClickHouse is {number}, the engine as a library behind the tests' own HTTP front, "
        f"where `SELECT 1` alone takes {_seconds(took or 0.0)}."
    )


def _file(folder: Path, payments: int) -> Made:
    path = folder / f"shop{payments}.db"
    is_there, began = path.exists(), time.perf_counter()
    ledger(folder, payments)
    seconds = time.perf_counter() - began
    return Made(str(path), path.stat().st_size, None if is_there else seconds)


def _measured(payments: int, make: Make) -> Point:
    """Ask as Smetka does, by `Ledger` in this process, which remembers none of these answers."""
    made = make(payments)
    ids = random.Random(1).sample(range(1, customers(payments) + 1), CUSTOMERS_ASKED)
    with closing(Ledger(made.location)) as asked:
        asked.ping()
        return Point(
            payments,
            averages=_median(lambda: asked.spending_by_group(GROUPS), ROUNDS),
            total=_median(lambda: asked.total_spent(ids.pop()), CUSTOMERS_ASKED),
            everybody=_median(asked.spending_by_customer, 1),
            size=made.size,
            filling=made.seconds,
        )


def _median(question: Callable[[], object], times: int) -> float | None:
    """The median of so many times in seconds; None when the ledger gave up."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        try:
            question()
        except LedgerUnavailable as error:
            print(error, file=sys.stderr, flush=True)
            return None
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _measured_text(found: dict[str, list[Point]], notes: list[str]) -> str:
    how = (
        f"averages are the median of {ROUNDS}, totals of {CUSTOMERS_ASKED} different customers, what each "
        "customer spent was asked once, all by `Ledger` in one process"
    )
    filled = ", ".join(HOW_FILLED[engine] for engine in found)
    rows = [
        [SHOWN[engine], count(point.payments)]
        + [measure.shown(measure.of(point)) for measure in MEASURES]
        + ["there before" if point.filling is None else _seconds(point.filling)]
        for engine, points in found.items()
        for point in points
    ]
    head = ["engine", "payments", *(measure.name for measure in MEASURES), FILLING.name]
    return (
        f"**Measured** by `python -m bench.growth`, {PAYMENTS_EACH} payments a customer. {conditions(how)}"
        f"The ledgers were filled, with their indexes: {filled}; tables on servers are as `smetka ledger "
        f"copy` makes them. {' '.join(notes)}\n\n" + _table(head, rows)
    )


def _computed_text(found: dict[str, list[Point]]) -> str:
    here = psutil.cpu_count() or 1
    curves = [
        (engine, measure, curve)
        for engine, points in found.items()
        for measure in (*MEASURES, FILLING)
        if (curve := measure.curve(points)) is not None
    ]
    fits = [
        [SHOWN[engine], measure.name, f"{curve.slope:.2f}", measure.growth(curve)]
        for engine, measure, curve in curves
    ]
    predictions = [
        [SHOWN[engine], measure.name, *(measure.predicted(curve, n) for n in (BILLION, 100 * BILLION))]
        for engine, measure, curve in curves
    ]
    kept = [_bytes(payments / PAYMENTS_EACH * BYTES_OF_CUSTOMER) for payments in (BILLION, 100 * BILLION)]
    text = (
        "**Computed** from the table above, the fit by least squares. The exponent is the slope of the "
        "logarithms: 1 grows as the payments do, 0 not at all.\n\n"
        + _table(["engine", "what", "exponent", "grows"], fits)
        + f"\n**Computed**: what that comes to on the same {here} cores, on the straight line or by the "
        "exponent, whichever is more; totals of one customer by tenfolds. Nobody has run it. It holds as "
        "long as what is read stays in memory as it did here, or the disk gives it as fast.\n\n"
        + _table(["engine", "what", "1 billion", "100 billion"], predictions)
        + f"\nWhat each customer spent is kept in one process at {BYTES_OF_CUSTOMER} bytes a customer: "
        f"{kept[0]} at 1 billion payments, {kept[1]} at 100 billion, which is beyond it.\n"
    )
    curve = AVERAGES.curve(found.get("clickhouse", []))
    return text if curve is None or curve.line[1] <= 0 else f"{text}\n{_cluster_text(curve, here)}"


def _cluster_text(curve: Curve, here: int) -> str:
    """ClickHouse's scan on many cores: each reads as many payments a second as one does here."""
    rate = 1e-6 / curve.line[1] / here
    cores = MACHINES * CORES
    rows = [
        [name, _seconds(curve.at(payments) * here / cores)]
        for name, payments in (("1 billion", BILLION), ("100 billion", 100 * BILLION))
    ]
    return (
        f"**Computed**: averages on a ClickHouse cluster of {MACHINES} machines with {CORES} cores each. "
        f"Here one core reads {rate:,.1f} million payments a second, {cores} such cores {rate * cores:,.0f} "
        "million, when each machine has all payments of its customers. What the machines tell each other, "
        "and disks that are slower than memory, come on top. **Not tried.**\n\n"
        + _table(["payments", "averages computed afresh"], rows)
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *rows])


def _least_squares(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The line through points: its value at zero, and its slope."""
    slope, at_zero = statistics.linear_regression(*zip(*points, strict=True))
    return at_zero, slope


def _seconds(value: float) -> str:
    for least, of, unit in ((86400 * 2, 86400, "days"), (7200, 3600, "h"), (120, 60, "min"), (1, 1, "s")):
        if value >= least:
            return f"{_digits(value / of)} {unit}"
    return f"{_digits(value * 1e3)} ms"


def _bytes(value: float) -> str:
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= size:
            return f"{_digits(value / size)} {unit}"
    return f"{value:.0f} bytes"


def _digits(value: float) -> str:
    """Three digits that count, or all of a longer whole number."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
