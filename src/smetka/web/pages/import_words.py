"""What the page about imports calls things by."""

from __future__ import annotations

import re
from datetime import datetime

from smetka.language.translations import mark
from smetka.ledger.imports.reasons import (
    CHANGED_ORDER,
    FURTHER_LINES,
    KNOWN_ORDER,
    ONLY_FAULTS,
    REFUND_TOLD,
    TEST_ORDER,
)
from smetka.ledger.imports.refused import Code

FIELDS = {
    "user_id": mark("Customer number"),
    "email": mark("E-mail"),
    "name": mark("Name"),
    "age": mark("Age"),
    "birth_date": mark("Date of birth"),
    "money_spent": mark("Amount paid"),
    "date": mark("Day of payment"),
    "year": mark("Year of payment"),
    "order_id": mark("Order number"),
    "currency": mark("Currency"),
    "status": mark("State of the order"),
    "refunded": mark("Amount paid back"),
    "outstanding": mark("Amount not paid yet"),
    "cancelled_at": mark("Day of cancelling"),
    "item": mark("Item, where the lines of an order repeat its total"),
}

KINDS = {
    "csv": mark("Text with separators (CSV)"),
    "tsv": mark("Text with tabs (TSV)"),
    "xlsx": mark("Excel workbook"),
    "jsonl": mark("JSON Lines"),
}

DELIMITERS = {
    ",": mark("comma"),
    ";": mark("semicolon"),
    "|": mark("vertical bar"),
    "tab": mark("tab"),
}

ENCODINGS = {
    "utf-8": "UTF-8",
    "windows-1250": mark("Windows-1250, Central European (Č, Š, Ž)"),
    "windows-1251": mark("Windows-1251, Cyrillic"),
    "windows-1252": mark("Windows-1252, Western European"),
    "utf-16": "UTF-16",
}

MEANINGS = {
    "paid": mark("paid"),
    "unpaid": mark("not paid"),
    "cancelled": mark("cancelled"),
    "refunded": mark("refunded in full"),
}

MISSING = {
    "user_id": mark(
        "No column identifies the customer. Choose the one with the customer number or the e-mail below."
    ),
    "money_spent": mark("Neither amounts nor anything about customers was found. Choose the columns below."),
    "date": mark(
        "It is not known when the amounts were paid. Choose the column with the day or the year below."
    ),
}

ASKED: dict[Code, str] = {
    "orders_or_customers": mark(
        "By its columns {0} the file looks like a list of orders. Choose the amount paid and its date below. "
        "If it is a list of customers, choose “none” for the amount paid."
    ),
    "columns_cut": mark(
        "The file looks like {0}, but without {1}, so what takes money off an order may be lost. "
        "Export every column. Or choose below the columns that say the same, or “none” if there is nothing "
        "to lose."
    ),
    "items_or_payments": mark(
        "The column {0} is about items, and the lines {1} and {2} have the same customer, day and amount: "
        "perhaps one order, with its total on each line. Choose below the column with the order number, and "
        "the one with the item if the lines of an order repeat its total. Or choose “none” as order number "
        "if each line is a payment of its own."
    ),
}
"""What is asked about the columns of a file that is refused without an answer."""

_SAMPLE = re.compile(r"for example '(.*)'")
_NOT_PAID = re.compile(r"not paid \((.+)\)")
_LEFT_OUT = {
    FURTHER_LINES: mark("further lines of an order that is counted"),
    KNOWN_ORDER: mark("orders that are in the ledger already"),
    CHANGED_ORDER: mark(
        "orders that are in the ledger already with another amount, state, year or customer, left as they "
        "are there"
    ),
    REFUND_TOLD: mark("refunds that the order's own line has taken off"),
    TEST_ORDER: mark("test orders"),
    ONLY_FAULTS: mark("rows with nothing but spreadsheet errors"),
    "cancelled": mark("cancelled orders"),
    "refunded in full": mark("orders that were paid back in full"),
    "not paid in full": mark("orders that are not paid in full"),
    "without a customer": mark("orders without an e-mail, and so of nobody who is known"),
}

CHANGED = {
    "cancelled": mark("cancelled orders"),
    "refunded": mark("orders that were paid back in full"),
    "partly_paid": mark("orders that are not paid in full"),
    "unpaid": mark("orders that are no longer paid"),
    "test": mark("test orders"),
    "amount": mark("orders with another amount"),
    "year": mark("orders in another year"),
    "customer": mark("orders of another customer"),
}


def left_out(reason: str) -> tuple[str, str]:
    """Why rows were left out, in words of the catalogue, and a platform's own word in them."""
    if match := _NOT_PAID.fullmatch(reason):
        return mark("orders that are not paid ({0})"), match[1]
    return _LEFT_OUT.get(reason, reason), ""


def sample(found: list[str]) -> str | None:
    """Letters as they are read in an encoding that was found out, if it was by them."""
    for sentence in found:
        if match := _SAMPLE.search(sentence):
            return match[1]
    return None


def instant(text: str) -> datetime | None:
    """When a file was imported; None for what is no instant."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
