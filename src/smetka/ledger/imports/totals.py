"""Rows of a sheet that sum up those above them, which are no payments."""

from __future__ import annotations

import re
from collections.abc import Sequence

from smetka.ledger.imports.amounts import Amounts
from smetka.ledger.imports.columns import Columns

IS_TOTAL = "looks like the total of the rows above; remove this row"

_WORDS = frozenset(
    "total totals subtotal grand sum sums вкупно вкупен вкупна сума суми збир vkupno suma zbir ukupno укупно "
    "svega свега sveukupno skupaj skupno gesamt gesamtsumme summe insgesamt zwischensumme totale totaal "
    "totaux razem celkem spolu összesen итого всего общо всичко toplam gjithsej σύνολο σ".split()
)
_FIRST_WORD = re.compile(r"\W*(\w+)")


class Totals:
    """Knows the totals among the rows that break a rule: an order has a customer, and a day.

    `above` is what the amounts above come to in cents, before refunds and with those of orders left out.
    """

    def __init__(self, columns: Columns, amounts: Amounts) -> None:
        self.above = 0
        self._amounts = amounts
        self._money = columns.at.get("money_spent", ())
        self._who, self._when = (
            [place for field in fields for place in columns.at.get(field, ())]
            for fields in (("user_id", "email", "order_id", "name"), ("date", "year"))
        )

    def has(self, cells: Sequence[str], taken: int) -> bool:
        """Whether the row is a total: it is nobody's, and says so, or has the sum of the others and no day.

        Args:
            taken: what the payments above come to in cents.
        """
        if not self._money:
            return False
        named = [text for place in self._who if (text := cells[place].strip())]
        if not all(map(_says_total, named)):
            return False
        first = next((text for cell in cells if (text := cell.strip())), "")
        return bool(named) or _says_total(first) or self._is_sum(cells, taken)

    def _is_sum(self, cells: Sequence[str], taken: int) -> bool:
        if any(cells[place].strip() for place in self._when):
            return False
        text = next((cells[place] for place in self._money if cells[place].strip()), "")
        amount = self._amounts.glance(text)
        return bool(amount) and amount in {taken, self.above}


def _says_total(text: str) -> bool:
    word = _FIRST_WORD.match(text)
    return word is not None and word[1].casefold() in _WORDS
