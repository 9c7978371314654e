"""What our records weigh in MongoDB, and how fast they are written: `python -m bench.mongodb_sizes`.

Prints the tables of docs/scaling.md. Every record is written by the code that writes it in a shop, into an
embedded server of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import bson

from bench.figures import conditions
from bench.ledgers import PAYMENTS_EACH, ledger
from smetka.bonus.audit import Audit
from smetka.bonus.campaigns import Campaigns
from smetka.bonus.collection import collect
from smetka.bonus.issuing import Issuing
from smetka.bonus.records import BonusCustomers
from smetka.bonus.redemptions import Order, Redemptions
from smetka.bonus.rules import Rules
from smetka.bonus.vouchers import of_campaign
from smetka.core.money import NOTHING, Money
from smetka.ledger import Ledger
from smetka.settings import Settings
from smetka.shop.figures import ShopFigures
from smetka.storage import Storage
from smetka.storage.embedded import EmbeddedMongoDB
from smetka.telegram.delivery import DELIVERED
from smetka.telegram.outbox import Outbox

FIRST_YEAR, YEAR, YEARS = 2023, 2026, 4
CHATS = 50
SAMPLE = 500
UNHURRIED_SECONDS = 600.0
MILLIONS = (10, 100)

Table = list[list[str]]


@dataclass(frozen=True)
class Weight:
    """A collection: how many records, their bytes as BSON, the bytes of all entries of each index."""

    name: str
    records: int
    size: int
    indexes: dict[str, int]

    @property
    def of_record(self) -> float:
        return self.size / self.records

    @property
    def of_indexes(self) -> float:
        return sum(self.indexes.values()) / self.records

    @property
    def cells(self) -> list[str]:
        entries = ", ".join(f"{name} {size / self.records:.0f}" for name, size in self.indexes.items())
        return [
            f"`{self.name}`",
            f"{self.records:,}",
            f"{self.of_record:,.0f}",
            entries,
            f"{self.of_indexes:,.0f}",
        ]


@dataclass(frozen=True)
class Work:
    """What one client did: from when to when on the clock all processes share, and its own CPU time."""

    count: int
    begin: float
    end: float
    cpu: float


def main() -> None:
    """Measure and print."""
    options = _options()
    with TemporaryDirectory(prefix="smetka-sizes-") as folder:
        server = EmbeddedMongoDB(Path(folder) / "data")
        server.start()
        try:
            shop = ledger(Path(folder), options.records * PAYMENTS_EACH)
            weights, stages, vouchers = _weigh(server, shop, options.records)
            small = ledger(Path(folder), options.each * 10 * PAYMENTS_EACH)
            rates = _rates(server, small, options.clients, options.each)
        finally:
            server.stop()
    print(conditions(f"{options.records:,} customers, {options.each:,} single writes a client"))
    _print(["collection", "records", "bytes a record", "bytes an index entry", "all indexes"], weights)
    _print(["what was written", "records", "files grew by", "bytes a record on disk", "a second"], stages)
    head = ["what is written", *(f"{clients} client(s)" for clients in options.clients)]
    _print([*head, "client's CPU, ms each"], rates)
    head = ["vouchers", "records and lists", "index entries", "issuing them"]
    _print([*head, "of it the client's own CPU"], [_predicted(each, vouchers) for each in MILLIONS])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.mongodb_sizes", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="customers whose records are weighed")
    parser.add_argument("--each", type=int, default=2_000, help="single writes of each client")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4], help="how many write at once")
    return parser.parse_args()


def _weigh(server: EmbeddedMongoDB, shop: Path, count: int) -> tuple[Table, Table, tuple[float, ...]]:
    """The weights of the collections, what the files grew by, and what one voucher takes of everything."""
    weights, stages, of_voucher = Table(), Table(), tuple[float, ...]()
    before = _files(server)
    for what, write, weighed in (
        ("bonus customers, collected", _collect, ["bonus_customers"]),
        ("vouchers, issued (their lists included)", _issue, ["vouchers", "issues"]),
        ("vouchers, redeemed (every 20th; audit included)", _redeem, ["audit"]),
        ("deliveries, queued (every 20th sent)", _queue, ["deliveries"]),
    ):
        print(f"{what}…", file=sys.stderr, flush=True)
        with closing(Storage(_uri(server, "sizes"), patience=UNHURRIED_SECONDS)) as storage:
            storage.ping(UNHURRIED_SECONDS)
            work = _timed(write, storage, shop, 0, count)
            found = [_weight(storage, name) for name in weighed]
            extra = _extra(storage, what)
        after = _files(server)
        seconds, grown = work.end - work.begin, after - before
        before = after
        stages.append(
            [
                what,
                f"{work.count:,}",
                f"{grown / 1e6:,.1f} MB",
                f"{grown / work.count:,.0f}",
                f"{work.count / seconds:,.0f}",
            ]
        )
        weights += [weight.cells for weight in found] + extra
        if write is _issue:
            vouchers, lists = found
            of_voucher = (
                vouchers.of_record + lists.size / work.count,
                vouchers.of_indexes,
                seconds / work.count,
                work.cpu / work.count,
            )
    return weights, stages, of_voucher


def _extra(storage: Storage, what: str) -> Table:
    """The mean of a sample of the records that were changed since, which the means of all would hide."""
    for word, name, state in (("redeemed", "vouchers", "status"), ("sent", "deliveries", "state")):
        if word not in what:
            continue
        value = word if word == "redeemed" else DELIVERED
        with storage.within(UNHURRIED_SECONDS):
            found = list(storage.collection(name).find({state: value}).limit(SAMPLE))
        mean = sum(len(bson.encode(record)) for record in found) / len(found)
        return [[f"`{name}` that are {value}", f"sample of {len(found)}", f"{mean:,.0f}", "as above", ""]]
    return []


def _weight(storage: Storage, name: str) -> Weight:
    with storage.within(UNHURRIED_SECONDS):
        told = storage.collection(name).database.command("collStats", name)
    return Weight(name, told["count"], told["size"], told["indexSizes"])


def _files(server: EmbeddedMongoDB) -> int:
    """Bytes of the server's files once it was stopped, which writes all of them out; its log is left out."""
    server.stop()
    files = [file for file in server.home.storage.iterdir() if not file.name.startswith("WiredTigerLog")]
    size = sum(file.stat().st_size for file in files)
    server.start()
    return size


def _rates(server: EmbeddedMongoDB, shop: Path, clients: Sequence[int], each: int) -> Table:
    """Writes a second by the number of clients, which are processes, and what one takes of the CPU."""
    kinds: dict[str, Callable[..., int]] = {
        "bonus customers, one by one (`POST /write_to_mongodb` without HTTP)": _store,
        "bonus customers, collected, each client a year": _collect,
        "vouchers, issued, each client a campaign": _issue,
        "vouchers, redeemed": _redeem_each,
    }
    rows = {what: [what] for what in kinds}
    cpu = dict.fromkeys(kinds, 0.0)
    for number in clients:
        uri = _uri(server, f"rates_{number}")
        with closing(Storage(uri, patience=UNHURRIED_SECONDS)) as storage:
            storage.ping(UNHURRIED_SECONDS)
        for what, write in kinds.items():
            print(f"{what}: {number}…", file=sys.stderr, flush=True)
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(number, context) as processes:
                begun = [processes.submit(_client, write, uri, shop, n, each) for n in range(number)]
                done = [work.result() for work in begun]
            count = sum(work.count for work in done)
            rate = count / (max(work.end for work in done) - min(work.begin for work in done))
            rows[what].append(f"{rate:,.0f}/s")
            if number == clients[0]:
                cpu[what] = sum(work.cpu for work in done) / count
    return [[*row, f"{cpu[what] * 1000:.2f}"] for what, row in rows.items()]


def _client(write: Callable[..., int], uri: str, shop: Path, number: int, count: int) -> Work:
    with closing(Storage(uri, patience=UNHURRIED_SECONDS)) as storage:
        storage.ping(UNHURRIED_SECONDS)
        return _timed(write, storage, shop, number, count)


def _timed(write: Callable[..., int], storage: Storage, shop: Path, number: int, count: int) -> Work:
    begin, cpu = time.monotonic(), time.process_time()
    written = write(storage, shop, number, count)
    return Work(written, begin, time.monotonic(), time.process_time() - cpu)


def _predicted(millions: int, voucher: tuple[float, ...]) -> list[str]:
    count = millions * 1e6
    sizes = [f"{count * each / 1e9:,.1f} GB" for each in voucher[:2]]
    hours, least = (count * each / 3600 for each in voucher[2:])
    return [f"{millions}M", *sizes, f"{hours:,.1f} h", f"{least:,.1f} h"]


def _store(storage: Storage, _shop: Path, number: int, count: int) -> int:
    customers, first = BonusCustomers(storage, _now), 10**9 + number * count
    for user_id in range(first, first + count):
        total = Money(1_000_00 + user_id % 500_000)
        customers.store(user_id, YEAR, total, threshold=Money(1_000_00), ledger_total=total)
    return count


def _collect(storage: Storage, shop: Path, number: int, _count: int) -> int:
    year = FIRST_YEAR + (YEARS - 1 - number) % YEARS
    with closing(Ledger(str(shop))) as payments:
        return collect(payments, storage, year=year, threshold=NOTHING, now=_now).stored


def _issue(storage: Storage, shop: Path, number: int, _count: int) -> int:
    rules = Rules(
        name=_campaign(number),
        year=YEAR,
        threshold=NOTHING,
        voucher_value=Money(500_00),
        first_day=date(YEAR, 1, 1),
        last_day=date(2099, 12, 31),
    )
    Campaigns(storage, now=_now).create(rules, timezone="Europe/Skopje", currency="MKD")
    with closing(Ledger(str(shop))) as payments:
        return Issuing(payments, storage, now=_now).issue(_campaign(number), "bench").vouchers


def _redeem(storage: Storage, shop: Path, number: int, count: int) -> int:
    return _redeem_each(storage, shop, number, count // 20)


def _redeem_each(storage: Storage, _shop: Path, number: int, count: int) -> int:
    redemptions = Redemptions(storage, Audit(storage, now=_now), now=_now)
    for voucher in islice(of_campaign(storage, _campaign(number)), count):
        order = Order("redeem", "desk-1", reference=f"order-{voucher.user_id}", key=f"key-{voucher.user_id}")
        redemptions.carry_out(voucher.code, order)
    return count


def _queue(storage: Storage, shop: Path, _number: int, count: int) -> int:
    """Reports of averages to `CHATS` chats at a time, a fifth of `count` messages; every 20th is sent."""
    outbox, sendings = Outbox(storage, now=_now), max(count // 5 // CHATS, 1)
    figures = ShopFigures(Settings(ledger=str(shop)), now=_now)
    with closing(figures):
        report = figures.averages(YEAR)
    for sending in range(sendings):
        chats = range(-1001000000000 - CHATS, -1001000000000)
        queued = outbox.queue(f"schedule weekly {sending}", "averages", report, chats)
        _deliver(outbox, queued[::20])
    return sendings * CHATS


def _deliver(outbox: Outbox, ids: Iterable[str]) -> None:
    for place, each in enumerate(ids):
        claimed = outbox.claim(outbox.get(each), f"machine:4026531836/4711/812345/0a1b2c3d#{place}")
        if claimed is not None:
            sent = [{"part": "message", "message_id": 123456}]
            outbox.settle(claimed, DELIVERED, delivered_at=_now(), message_id=123456, sent=sent)


def _campaign(number: int) -> str:
    return f"year-end-{YEAR}-{number}"


def _uri(server: EmbeddedMongoDB, database: str) -> str:
    return urlsplit(server.uri)._replace(path=f"/{database}").geturl()


def _now() -> datetime:
    return datetime.now(UTC)


def _print(head: list[str], rows: Table) -> None:
    lines = [head, ["---"] * len(head), *rows]
    print("".join(f"| {' | '.join(row)} |\n" for row in lines))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
