"""Why rows cannot be imported, in the visit's language."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from smetka.language.translations import mark
from smetka.web import importing
from smetka.web.pages import render

_REASONS = (
    mark("is empty"),
    mark("is no amount"),
    mark("is a formula; save the values that it gives instead"),
    mark("is a formula that was never calculated; open the file in Excel or LibreOffice and save it there"),
    mark("is {0}, a spreadsheet error; correct the cell, or clear it"),
    mark("is a spreadsheet error; correct the cell, or clear it"),
    mark("looks like the total of the rows above; remove this row"),
    mark("is a percentage"),
    mark("is marked CR or DR, whose sign depends on who writes it; write a minus sign instead"),
    mark("is written with an exponent; a plain number is expected"),
    mark("is no number"),
    mark("is in {0}, the shop's currency is {1}"),
    mark("is in {0}, the shop's currency is {1}; two currencies cannot be added"),
    mark("has marks that do not part it into groups of three digits"),
    mark("is not written with {0} as decimal mark, as the others are"),
    mark("has another mark before three digits than an amount before it"),
    mark("has more than two decimals"),
    mark("is beyond {0} {1}"),
    mark("is no year from {0} to {1}"),
    mark("is no age; whole years from 0 to {0} are expected"),
    mark("is no e-mail address"),
    mark("is no day or time that there is"),
    mark("has its day first, unlike the others"),
    mark("has its month first, unlike the others"),
    mark("is before {0}; a date of 1970 often stands for none"),
    mark("is before {0}"),
    mark("is later than today"),
    mark("has a two-digit year first; write years with four digits"),
    mark("has a two-digit year that may be first or last; write years with four digits"),
    mark("has a two-digit year that may be of either century; write years with four digits"),
    mark("has a month whose name is that of another month in another language; write it as a number"),
    mark("is a number, which means {0} in Excel; format the column as dates there and save the file again"),
    mark(
        "is a number, which may be a date in Excel; format the column as dates there and save the file again"
    ),
    mark("is a Unix timestamp; a date such as 2024-12-31 or 31.12.2024 is expected"),
    mark("is a number; a date such as 2024-12-31 or 31.12.2024 is expected"),
    mark("is no date; a date such as 2024-12-31 or 31.12.2024 is expected"),
    mark("has 1 cell where the header has {0}"),
    mark("has {0} cells where the header has {1}"),
    mark("says nothing, though the order was refunded in part; how much is not known"),
    mark("says nothing, though the order was paid in part; how much is not known"),
    mark("does not fit the order's total, which it is a part of"),
    mark("is more than was paid"),
    mark("lists refunds in a way that is not known: amount:…|reason:…|date:… is expected"),
    mark(
        "says that money went back, but the amount is above zero; write such amounts below zero, or leave "
        "the row out"
    ),
    mark(
        "says cancelled or refunded, and the column of the order's state does not; use this column for the "
        "state, or leave the row out"
    ),
    mark("is less than was paid, though the order was refunded in full"),
    mark("is empty; every payment needs its order"),
    mark("is empty; a customer without an id is known by an e-mail address"),
    mark("is longer than {0} characters"),
    mark("has more than {0} characters"),
    mark("is another than on line {0}; one id has two names"),
    mark("stands on line {0} too, with another amount; give one line an order, with its total"),
    mark("stands on line {0} too, in another state; keep the line with the order's last state alone"),
    mark(
        "has a refund on line {0} that does not fit its refunded amount; correct the file, or export it "
        "without refund rows"
    ),
    mark("is another than on line {0}; one id has two e-mails"),
    mark("customer {0} has another e-mail in the ledger"),
    mark("is customer {0}'s e-mail in the ledger"),
    mark("number {0} was given to another customer by an import without numbers"),
    mark("has text beyond the last column with a name, {0}"),
    mark("is a number of more than 15 digits, which Excel does not keep; store it as text"),
)
_IN_THE_FORM = {
    "is no whole number from 1 to {0}; where ids are something else, map no user_id and let email say "
    "who the customer is": mark(
        "is no whole number from 1 to {0}; if your customer numbers look like this, choose “none” as "
        "customer number below, and the e-mail says who the customer is"
    ),
    "is none of the states that are known, such as paid or completed; say what it means by --state "
    "WORD=paid, unpaid, cancelled or refunded, or, to count every order, map no status": mark(
        "is not a known state of an order; choose below what it means"
    ),
    "is mapped to nothing, and this order has something there; map it as {0}, or say that it does not "
    "matter ({0}=)": mark(
        "is not used, and this order has something there; choose this column below for what it is, or "
        "“none” if it does not matter"
    ),
    "is a number, not a name; map another column as name, or none (name=)": mark(
        "is a number, not a name; choose another column as name below, or “none”"
    ),
    "stands on line {0} already; keep one line of an order, or map item if its lines repeat its total": mark(
        "stands on line {0} already; keep one line of an order, or choose below the column with the item "
        "if the lines of an order repeat its total"
    ),
    "is negative, so a refund in a row of its own, and may already be taken off the order it belongs to. "
    "Leave such rows out, or map no refunded if refunds stand in such rows alone": mark(
        "is negative, so a refund in a row of its own, and may already be taken off the order it belongs to. "
        "Leave such rows out, or choose “none” as amount paid back below if refunds stand in such rows alone"
    ),
    "is another year than that of the date, in the shop's time zone; map one of them": mark(
        "is another year than that of the date, in the shop's time zone; choose “none” below for one of them"
    ),
    "does not fit the age, by more than a year; map one of them": mark(
        "does not fit the age, by more than a year; choose “none” below for one of them"
    ),
    "is that of two customers; map user_id, or correct the ledger": mark(
        "is that of two customers; choose the column with the customer number below, or correct the ledger"
    ),
}
"""Those that say what to do: on the page by what stands below them, not by options of a command."""
_PATTERNS = tuple(
    (text, re.compile(re.sub(r"\\\{[01]\\\}", "(.+?)", re.escape(text)), re.DOTALL))
    for text in (*_REASONS, *_IN_THE_FORM)
)


def reason(text: str) -> Markup:
    """Why a row cannot be imported; in English, and marked as that, where the catalogue does not have it."""
    said = _said(text)
    return (
        Markup('<span lang="en">{}</span>').format(importing.plainly(text)) if said is None else escape(said)
    )


def plain_reason(text: str) -> str:
    """The same for a file."""
    return _said(text) or importing.plainly(text)


def _said(text: str) -> str | None:
    for pattern, found in ((known, each.fullmatch(text)) for known, each in _PATTERNS):
        if found:
            said = render.said().gettext(_IN_THE_FORM.get(pattern, pattern)).format(*found.groups())
            return importing.plainly(said)
    return None
