"""Rows of a file with nothing but ids and payments, read many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from operator import itemgetter, truediv

from smetka.ledger.imports.cells import Seen, plain_cents, user_id, user_ids
from smetka.ledger.imports.delimited import Row
from smetka.ledger.imports.refused import LeftOut, ReadAgain, Refused
from smetka.ledger.imports.rows import Advance, Rows

_CHUNK, _CELLS = 500, 50_000


class PlainRows(Rows):
    """As `Rows`, of a file whose columns are plain. `plain` takes the place of `staged`."""

    def plain(self, advance: Advance) -> Iterator[tuple[set[int], list[int | float]]]:
        """Rows of a file with nothing but ids and payments, many at a time and column by column.

        Each time, the ids that are new, and user_id, money_spent and year of one row after the other.
        """
        at = self.columns.at
        pick = itemgetter(at["user_id"][0], at["money_spent"][0], self._when.at)
        year_of, seen = self._when.year, Seen()
        rows = self._source.rows(advance, self._refuse)
        together = max(1, min(_CHUNK, _CELLS // len(self._source.header)))
        while chunk := list(islice(rows, together)):
            self.told.rows += len(chunk)
            users, amounts, whens = zip(*map(pick, map(itemgetter(1), chunk)), strict=True)
            try:
                taken = user_ids(users), self._many_cents(amounts), list(map(year_of, whens))
            except ReadAgain:
                raise
            except Refused:
                taken = self._one_by_one(chunk)
            self.cents += sum(taken[1])
            self.years.update(taken[2])
            payments = zip(taken[0], map(truediv, taken[1], repeat(100)), taken[2], strict=True)
            yield seen.new(taken[0]), list(chain.from_iterable(payments))

    def _many_cents(self, texts: Sequence[str]) -> list[int]:
        cents = self._amounts.cents
        # The first shows whether the column's decimal mark is a point, and then holds for its like.
        if (many := plain_cents(texts)) is not None and cents(texts[0]) == many[0]:
            return many
        return list(map(cents, texts))

    def _one_by_one(self, rows: Iterable[Row]) -> tuple[list[int], list[int], list[int]]:
        """The columns of those rows that break no rule."""
        taken: tuple[list[int], list[int], list[int]] = [], [], []
        for line, cells in rows:
            try:
                self._check_not_only_faults(cells)
                number = user_id(self._cell("user_id", cells))
                paid = self._amounts.cents(self._cell("money_spent", cells))
                year = self._when.year(self._cell("date" if "date" in self.columns.at else "year", cells))
            except LeftOut as reason:
                self.told.left_out[str(reason)] += 1
                continue
            except ReadAgain:
                raise
            except Refused as refused:
                self._turn_down(line, cells, refused, sum(taken[1]))
                continue
            for column, value in zip(taken, (number, paid, year), strict=True):
                column.append(value)
        return taken
