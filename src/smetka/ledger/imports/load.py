"""A shop's files into a ledger: all of them, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from smetka.core.errors import CommandFailed
from smetka.core.progress import Count, Progress, unseen
from smetka.ledger.faults import explain
from smetka.ledger.imports.columns import Columns, find_columns
from smetka.ledger.imports.mapping import Mapped
from smetka.ledger.imports.outcome import FileOutcome, Outcome
from smetka.ledger.imports.plain_rows import PlainRows
from smetka.ledger.imports.refused import ReadAgain, Refused
from smetka.ledger.imports.resolve import check_overlaps, resolve
from smetka.ledger.imports.rows import Rows
from smetka.ledger.imports.rules import Rules
from smetka.ledger.imports.source import Reading, Source, open_source
from smetka.ledger.imports.staging import cut, marks, open_staging, stage
from smetka.ledger.imports.target import (
    Earlier,
    attach,
    earlier_imports,
    encoding_of,
    make_own_tables,
    reading_mode,
    stands,
    writing,
)
from smetka.ledger.imports.write import write

_AS_FOUND = Reading()
_NOTHING_MAPPED: Mapped = {}
_CACHE_KIB = 4096
_UNWRITTEN_KIB = 256 * 1024
"""Changed pages kept until the end: to write one sooner, SQLite locks out those who read the ledger."""


def import_files(
    paths: Sequence[Path],
    into: Path,
    rules: Rules,
    *,
    mapped: Mapped = _NOTHING_MAPPED,
    reading: Reading = _AS_FOUND,
    skip_rejected: bool = False,
    despite_overlap: bool = False,
    dry_run: bool = False,
    progress: Progress = unseen,
) -> Outcome:
    """Add the payments and customers of files to a ledger, which is made if there is none.

    Safe to repeat: a file that was imported is known by its bytes, an order by its id. Bytes of which
    rows were rejected then can be given again where order ids keep the others from counting twice. Killed at
    any point, it leaves the ledger as it was or with everything.

    Args:
        into: the ledger's path. While it is written, `marker(into)` stands beside it.
        skip_rejected: take the other rows where some are rejected. Otherwise nothing is written then, and
            the outcome says so by `written`.
        despite_overlap: add payments of days that have some, though no order ids tell which are new.
        dry_run: only say what would happen.
        progress: told how many of the bytes of the files were read.

    Raises:
        CommandFailed: a file cannot be taken, or the ledger not written; nothing was written.
        WrongUsage: a column that was mapped is not there, or was mapped to two fields.
    """
    into = into.resolve()
    outcome = Outcome([FileOutcome(path.name) for path in paths])
    try:
        told = frozenset(column for columns in mapped.values() for column in columns)
        sources = _open(paths, replace(reading, columns=told), into, mapped, outcome)
        sizes = [path.stat().st_size for path, source in zip(paths, sources, strict=True) if source]
        advance = Count(progress, of=sum(sizes))
        with closing(open_staging(encoding_of(into) if stands(into) else "UTF-8")) as db:
            read = [
                _read(db, _rows(source, _columns(source, mapped), rules, outcome, number), advance)
                for number, source in enumerate(sources)
                if source is not None
            ]
            if not read:
                return outcome
            outcome.states_unmet = sorted(set.intersection(*(rows.states_unmet for rows in read)))
            hashes = [source.sha256 for source in sources if source is not None]
            only_look = dry_run or (outcome.rejected > 0 and not skip_rejected)
            if only_look:
                _look(db, into, read, outcome, overlap_matters=dry_run and not despite_overlap)
            else:
                _write(
                    db,
                    into,
                    read,
                    hashes,
                    outcome,
                    overlap_matters=not despite_overlap,
                    skip_rejected=skip_rejected,
                )
    except sqlite3.IntegrityError as error:
        raise CommandFailed(
            f"{into} does not allow what was to be added ({error}); nothing was written."
        ) from None
    except sqlite3.Error as error:
        raise CommandFailed(f"{explain(error, into)} Nothing was written.") from None
    except OSError as error:
        raise CommandFailed(f"{error.filename or into}: {error.strerror}. Nothing was written.") from None
    return outcome


def _open(
    paths: Sequence[Path], reading: Reading, into: Path, mapped: Mapped, outcome: Outcome
) -> list[Source | None]:
    """The files that are new to the ledger; None for those that are not."""
    there = stands(into)
    sources: list[Source | None] = []
    seen: set[str] = set()
    for path, told in zip(paths, outcome.files, strict=True):
        with _named(path.name):
            source = open_source(path, reading)
        told.kind, told.encoding, told.delimiter = source.kind, source.encoding, source.delimiter
        told.found = list(source.found)
        if there and (earlier := earlier_imports(into, source.sha256)):
            told.in_part = all(each.rejected for each in earlier)
            if not told.in_part or _may_repeat(source, mapped, earlier):
                told.already = earlier[0].at
        if source.sha256 in seen:
            told.already, told.in_part = "another file of this command", False
        seen.add(source.sha256)
        sources.append(None if told.already else source)
    return sources


def _may_repeat(source: Source, mapped: Mapped, earlier: list[Earlier]) -> bool:
    """Whether rows that were taken from these bytes could be taken twice: no order number tells them."""
    columns = {each.order_column for each in earlier if each.payments}
    if not columns:
        return False
    try:
        now = find_columns(source.header, mapped).named.get("order_id", "")
    except Refused:
        return True
    return not now or columns != {now}


def _columns(source: Source, mapped: Mapped) -> Columns:
    with _named(source.name):
        try:
            return find_columns(source.header, mapped)
        except Refused as refused:
            if refused.column:
                refused.line = source.header_row
            raise


def _rows(source: Source, columns: Columns, rules: Rules, outcome: Outcome, number: int) -> Rows:
    kind = PlainRows if columns.is_plain else Rows
    return kind(source, columns, rules, outcome, number)


def _read(db: sqlite3.Connection, rows: Rows, advance: Callable[[int], None] | None) -> Rows:
    rows.told.recognised, rows.told.mapping = rows.columns.recognised, rows.columns.named
    rows.told.dates_unused = rows.columns.dates_unused
    rows.told.columns_missing = rows.columns.missing
    before = marks(db)
    with _named(rows.told.name):
        while True:
            try:
                stage(db, rows, advance)
                break
            except ReadAgain:
                cut(db, before)
                rows.forget()
                advance = None  # the file's bytes were counted once
        rows.undecided()
    return rows


@contextmanager
def _named(file: str) -> Iterator[None]:
    """What is refused, said with the file it is about."""
    try:
        yield
    except Refused as refused:
        raise CommandFailed(f"{file}: {refused} Nothing was written.") from None


def _look(
    db: sqlite3.Connection, into: Path, read: list[Rows], outcome: Outcome, *, overlap_matters: bool
) -> None:
    """Count what would be written."""
    if stands(into):
        attach(db, into, reading_mode(into))
    else:
        attach(db, None, "")
        db.execute("CREATE TABLE ledger.user_info (user_id INTEGER PRIMARY KEY, name, email, age)")
        db.execute("CREATE TABLE ledger.user_spending (user_id, money_spent, year)")
    db.execute("BEGIN")
    make_own_tables(db, "main")
    resolve(db, read, outcome)
    if overlap_matters:
        check_overlaps(db, read)


def _write(
    db: sqlite3.Connection,
    into: Path,
    read: list[Rows],
    hashes: list[str],
    outcome: Outcome,
    *,
    overlap_matters: bool,
    skip_rejected: bool,
) -> None:
    with suppress(_Rejected), writing(into) as (path, is_new):
        attach(db, path, "rw")
        db.execute(f"PRAGMA ledger.cache_size = -{_CACHE_KIB}")
        if is_new:
            # Nobody sees it before it is complete and on the disk.
            db.execute("PRAGMA ledger.journal_mode = OFF")
            db.execute("PRAGMA ledger.synchronous = OFF")
        else:
            db.execute(f"PRAGMA ledger.cache_spill = -{_UNWRITTEN_KIB}")
        db.execute("BEGIN IMMEDIATE")
        try:
            make_own_tables(db, "ledger")
            resolve(db, read, outcome)
            if outcome.rejected and not skip_rejected:
                raise _Rejected  # noqa: TRY301 - out of the transaction and of `writing`, which undo all
            if overlap_matters:
                check_overlaps(db, read)
            write(db, read, hashes)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        db.execute("DETACH ledger")
        outcome.written = True


class _Rejected(Exception):
    """Rows contradict each other or the ledger: all is rolled back."""
