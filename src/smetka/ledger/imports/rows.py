"""A row of a file becomes a payment and what is known of its customer, or a reason why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta

from smetka.ledger.imports import reasons
from smetka.ledger.imports.amounts import Amounts, Mark
from smetka.ledger.imports.births import Births
from smetka.ledger.imports.cells import (
    DASHES,
    NULLS,
    check_currency,
    check_name,
    customer_name,
    order_number,
    user_id,
)
from smetka.ledger.imports.cells import age as whole_age
from smetka.ledger.imports.cells import email as email_address
from smetka.ledger.imports.columns import Columns
from smetka.ledger.imports.date_notation import Order
from smetka.ledger.imports.dates import Dates
from smetka.ledger.imports.defused import MARKS, bare
from smetka.ledger.imports.kept import NOT_IN_FULL, is_refund_list, kept_cents, listed_cents, paid_cents
from smetka.ledger.imports.outcome import FileOutcome, Outcome
from smetka.ledger.imports.platforms import is_test
from smetka.ledger.imports.refused import LeftOut, ReadAgain, Refused
from smetka.ledger.imports.rules import Rules
from smetka.ledger.imports.source import Source
from smetka.ledger.imports.spreadsheet_faults import BEGINNINGS, check_value, is_fault
from smetka.ledger.imports.staging import Staged
from smetka.ledger.imports.states import ALL_BACK, COUNTS, PARTLY, SOME_BACK, STATES, States
from smetka.ledger.imports.totals import IS_TOTAL, Totals
from smetka.ledger.imports.watched import check_watched, says_something
from smetka.ledger.imports.when import When

Advance = Callable[[int], None] | None

_LOOKED_INTO = BEGINNINGS | frozenset(MARKS)


class Rows:
    """One file's rows, each read by its columns and rules; what does not pass is counted in the outcome.

    Raises, from its iterators:
        ReadAgain: begin again, with the same object, after `forget`.
        Refused: the rest of the file cannot be read.
    """

    def __init__(self, source: Source, columns: Columns, rules: Rules, outcome: Outcome, number: int) -> None:
        self.columns = columns
        self.number = number
        self.told: FileOutcome = outcome.files[number]
        self._source, self._rules, self._outcome = source, rules, outcome
        order: Order | None = rules.date_order
        decimal: Mark | None = "." if source.typed else rules.decimal
        self._amounts = Amounts(decimal, rules.currency)
        self._dates = Dates(rules.zone, order, rules.today)
        self._states = States(rules.states, source.header)
        self._births = Births(rules.zone, order, rules.today)
        self._rejects_before = len(outcome.rejects)
        self._field = ""
        self._used = [place for places in columns.at.values() for place in places]
        if columns.has_payments:
            # Somewhere it is tomorrow already.
            self._when = When(columns, self._dates, (rules.today + timedelta(days=1)).year)
        self.forget()

    def forget(self) -> None:
        """Begin again: nothing was counted."""
        self.years: Counter[int] = Counter()
        self.cents = 0
        self._of_unknown_state: tuple[str, str] | None = None
        if self.columns.has_payments:
            self._when.forget()
        self._totals = Totals(self.columns, self._amounts)
        self.told.forget()
        del self._outcome.rejects[self._rejects_before :]

    def undecided(self) -> None:
        """See to it that nothing was read in one of two ways by guess.

        Raises:
            Refused: something was; the reason says how to tell.
        """
        if self._amounts.undecided is not None:
            raise Refused(
                f"has amounts like {self._amounts.undecided}, which can be read in two ways; "
                "say which mark parts decimals by --decimal . or --decimal ,",
                column=self.columns.named.get("money_spent"),
            )
        # Mostly the year is the same either way. What days tell, beside it, is which files overlap.
        days_matter = "order_id" not in self.columns.at
        for field, dates in (("date", self._dates), ("birth_date", self._births.dates)):
            matters = field == "birth_date" or days_matter or dates.undecided_year
            if dates.undecided is not None and matters:
                or_else = ", or write years with four digits" * dates.undecided_year
                raise Refused(
                    f"has dates like {dates.undecided}, which can be read in two ways; "
                    f"say what comes first by --dates dmy or --dates mdy{or_else}",
                    column=self.columns.named[field],
                )

    def staged(self, advance: Advance) -> Iterator[Staged]:
        """Rows of any file."""
        for line, cells in self._source.rows(advance, self._refuse):
            self.told.rows += 1
            try:
                yield self._row(line, cells)
            except LeftOut as left_out:
                if (reason := str(left_out)) in {reasons.FURTHER_LINES, reasons.ONLY_FAULTS}:
                    self.told.left_out[reason] += 1
                elif reason == reasons.WITHOUT_CUSTOMER and self._totals.has(cells, self.cents):
                    self._reject(line, "money_spent", Refused(IS_TOTAL))
                else:
                    yield self._left_out(line, cells, reason)
            except ReadAgain:
                raise
            except Refused as refused:
                self._turn_down(line, cells, refused)

    @property
    def states_unmet(self) -> set[str]:
        """States that were told, and that no row has."""
        return self._states.unmet

    def days(self) -> tuple[date, date] | None:
        """The first and the last day of the payments; whole years where only these are known."""
        return self._when.days(self.years) if self.columns.has_payments else None

    def _row(self, line: int, cells: list[str]) -> Staged:
        columns = self.columns
        self._check_not_only_faults(cells)
        cents = total = year = order_id = None
        day = 0
        if columns.has_payments:
            cents, total = self._amount(cells)
            order_id = self._order_id(cells)
            year, day = self._year_and_day(cells)
        user_id, email = self._identity(cells)
        name = self._name(cells)
        age = self._age(cells)
        if cents is not None and year is not None:
            self.years[year] += 1
            self.cents += cents
            self._totals.above += total or 0
        name_key = name.casefold() if name else None
        of_customer = (user_id, email, name, name_key, age)
        return Staged(
            self.number, line, *of_customer, cents, year, day, order_id, columns.has_payments, total
        )

    def _left_out(self, line: int, cells: list[str], reason: str) -> Staged:
        """A row that is no payment, and what can be read of its order: the ledger may have that."""
        cents = total = year = order_id = None
        with suppress(Refused):
            order_id = self._order_id(cells)
        if reason == reasons.WITHOUT_CUSTOMER:
            cents, total = self._amount(cells)
            year, _ = self._year_and_day(cells)
        else:
            total = self._glance(cells)
            if reason != NOT_IN_FULL or "outstanding" in self.columns.at:
                cents = 0
        self._totals.above += total or 0
        return Staged(
            self.number, line, None, None, None, None, None, cents, year, 0, order_id, True, total, reason
        )

    def _glance(self, cells: list[str]) -> int | None:
        """The total of an order that does not count, in cents, where it can be read."""
        with suppress(Refused):
            currency = self._cell("currency", cells)
            if not currency or currency.upper() == self._rules.currency:
                return self._amounts.glance(self._cell("money_spent", cells))
        return None

    def _check_not_only_faults(self, cells: list[str]) -> None:
        """Formulas are often filled down beyond the last row; what they give beside it is no row."""
        if next((cells[place] for place in self._used if cells[place]), "#")[0] not in BEGINNINGS:
            return
        used = [place for place in self._used if cells[place].strip()]
        if all(is_fault(cells[place]) for place in used) and any(map(is_fault, cells)):
            for place in used:
                check_value(cells[place], self._source.header[place])
            raise LeftOut(reasons.ONLY_FAULTS)

    def _cell(self, field: str, cells: list[str]) -> str:
        """The first of the field's columns that says something.

        Raises:
            Refused: that has no value: taken for empty, an error in a refund would be no refund.
        """
        self._field = field
        for place in self.columns.at.get(field, ()):
            if (text := cells[place].strip()) and text[0] in _LOOKED_INTO:
                check_value(cells[place], self._source.header[place])
                text = bare(text)
                check_value(text, self._source.header[place])
            if text and text not in NULLS:
                return text
        return ""

    def _given(self, field: str, cells: list[str]) -> str:
        """The same of a field that may be missing, where a dash says as much as an empty cell."""
        text = self._cell(field, cells)
        return "" if text in DASHES else text

    def _amount(self, cells: list[str]) -> tuple[int, int]:
        """What was paid and stays paid, in cents, and the total that it is of."""
        columns = self.columns
        status, money = self._cell("status", cells), self._cell("money_spent", cells)
        if "status" in columns.at:
            if not status and not money:
                raise LeftOut(reasons.FURTHER_LINES)
            if is_test(self._cell("payment_method", cells)):
                raise LeftOut(reasons.TEST_ORDER)
            self._field = "status"
            state = self._states.meaning(status)
            if state not in STATES:
                raise LeftOut(state)
        else:
            state = COUNTS
        cancelled = self._cell("cancelled_at", cells)
        if cancelled and says_something("cancelled_at", cancelled, ""):
            raise LeftOut(reasons.CANCELLED)
        check_currency(self._cell("currency", cells), self._rules.currency)
        if state == PARTLY and "outstanding" not in columns.at:
            raise LeftOut(NOT_IN_FULL)
        self._field = "money_spent"
        total = self._amounts.cents(money)
        check_watched(columns.watched, self._source.header, cells, self._rules.currency, total)
        if total < 0 and (state in {ALL_BACK, SOME_BACK} or "refunded" in columns.at):
            raise LeftOut(reasons.REFUND_ROW)
        paid = paid_cents(state, total, self._optional_cents("outstanding", cells))
        # Exports write what was refunded with a minus, or without.
        kept = kept_cents(state, paid, abs(self._refunded(cells)))
        if total and not paid:
            raise LeftOut(NOT_IN_FULL)
        return kept, total

    def _optional_cents(self, field: str, cells: list[str]) -> int:
        """An amount, and none where the cell is empty or a dash; what is refused next is about it."""
        text = self._cell(field, cells)
        return self._amounts.cents_if_any(text) if text else 0

    def _refunded(self, cells: list[str]) -> int:
        text = self._cell("refunded", cells)
        return listed_cents(text) if is_refund_list(text) else self._optional_cents("refunded", cells)

    def _order_id(self, cells: list[str]) -> str | None:
        return order_number(self._cell("order_id", cells)) if "order_id" in self.columns.at else None

    def _year_and_day(self, cells: list[str]) -> tuple[int, int]:
        when = self._cell("date", cells) if self._when.has_days else self._cell("year", cells)
        self._field = "date"
        year, day = self._when.year(when), self._when.day(when)
        other = self._cell("year", cells) if self._when.has_days else ""
        if other and self._when.whole_year(other) != year:
            raise Refused("is another year than that of the date, in the shop's time zone; map one of them")
        return year, day

    def _identity(self, cells: list[str]) -> tuple[int | None, str | None]:
        email = self._cell("email", cells)
        if not self.columns.by_email:
            if email:
                email_address(email)
            return user_id(self._cell("user_id", cells)), email or None
        if not email:
            if self.columns.has_payments:
                raise LeftOut(reasons.WITHOUT_CUSTOMER)
            raise Refused("is empty; a customer without an id is known by an e-mail address")
        return None, email_address(email)

    def _name(self, cells: list[str]) -> str | None:
        self._field = "name"
        places = self.columns.at.get("name", ())
        for place in places:
            if cells[place].lstrip()[:1] in BEGINNINGS:
                check_value(cells[place], self._source.header[place])
        name = customer_name([cells[place] for place in places])
        if name:
            check_name(name, of_orders=self.columns.has_payments)
        return name

    def _age(self, cells: list[str]) -> int | None:
        told, born = self._given("age", cells), self._given("birth_date", cells)
        self._field = "age"
        age = whole_age(told) if told else None
        self._field = "birth_date"
        by_birth = self._births.age(born) if born else None
        if age is not None and by_birth is not None and abs(age - by_birth) > 1:
            raise Refused("does not fit the age, by more than a year; map one of them")
        found = age if by_birth is None else by_birth
        if found is None and (told or born):
            self.told.ages_unknown += 1
        return found

    def _turn_down(self, line: int, cells: list[str], refused: Refused, uncounted: int = 0) -> None:
        """Reject a row that breaks a rule. `uncounted`: cents of rows above it that are counted later."""
        if self._totals.has(cells, self.cents + uncounted):
            self._reject(line, "money_spent", Refused(IS_TOTAL))
        else:
            self._reject(line, self._field, refused)
            if refused.code == "unknown_state":
                self._note_state(cells, *refused.values)

    def _note_state(self, cells: list[str], word: str) -> None:
        """Count an order once: each of its lines repeats its total."""
        order_id = None
        with suppress(Refused):
            order_id = self._order_id(cells)
        order = None if order_id is None else (order_id, word)
        if order is None or order != self._of_unknown_state:
            self.told.note_state(word, self._glance(cells))
        self._of_unknown_state = order

    def _refuse(self, refused: Refused) -> None:
        self.told.rows += 1
        self._reject(refused.line or 0, "", refused)

    def _reject(self, line: int, field: str, refused: Refused) -> None:
        named = self.columns.named
        column = refused.column or named.get(field) or (named.get("year", "") if field == "date" else "")
        self._outcome.reject(self.told, refused.line or line, column, refused.reason)
