"""Exports of platforms, each by a small sample of its own: what is taken, and what counts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smetka.ledger.imports.columns import find_columns
from smetka.ledger.imports.load import import_files
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.rules import Rules

FILES = Path(__file__).parent / "files"
RULES = Rules(currency="MKD", zone=ZoneInfo("Europe/Skopje"), today=date(2025, 6, 15))


@pytest.fixture
def taken(tmp_path):
    """Import a sample: what the platform is called, each payment with its customer, and what is left out."""

    def taken(name):
        (file,) = import_files([FILES / name], tmp_path / "ledger.db", RULES).files
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
            payments = db.execute(
                "SELECT email, CAST(round(money_spent * 100) AS INTEGER), year "
                "FROM user_spending JOIN user_info USING (user_id) ORDER BY user_spending.rowid"
            ).fetchall()
        return file.recognised, payments, dict(file.left_out)

    return taken


def test_squarespace_orders(taken):
    assert taken("squarespace_orders.csv") == (
        "Squarespace orders",
        [("mira@example.com", 100000, 2024), ("goran@example.com", 37950, 2025)],
        {
            "as a further line of an order": 1,
            "refunded in full": 1,
            "not paid (pending)": 1,
            "cancelled": 1,
        },
    )


def test_bigcommerce_orders(taken):
    assert taken("bigcommerce_orders.csv") == (
        "BigCommerce orders",
        [
            ("mira@example.com", 100000, 2024),
            ("goran@example.com", 50000, 2025),
            ("goran@example.com", 57950, 2025),
        ],
        {"refunded in full": 1, "not paid (awaiting payment)": 1, "cancelled": 1},
    )


def test_stripe_payments_are_of_the_year_on_the_shop_s_clock(taken):
    assert taken("stripe_payments.csv") == (
        "Stripe payments",
        [
            ("mira@example.com", 100000, 2024),
            ("goran@example.com", 50000, 2025),
            ("goran@example.com", 57950, 2025),
        ],
        {"refunded in full": 1, "not paid (failed)": 1, "not paid (uncaptured)": 1},
    )


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("squarespace_orders.csv", "Amount Refunded"),
        ("bigcommerce_orders.csv", "Refund Amount"),
        ("stripe_payments.csv", "Amount Refunded"),
    ],
)
def test_without_its_column_of_refunds_an_export_is_refused_by_its_name(name, column):
    header = (FILES / name).read_text().splitlines()[0].split(",")
    header.remove(column)

    with pytest.raises(Refused, match=f"without '{column}'"):
        find_columns(header, {})


def test_prestashop_s_list_of_orders_is_refused_with_what_to_export_instead():
    header = "ID;Reference;New client;Delivery;Customer;Total;Payment;Status;Date".split(";")

    with pytest.raises(Refused, match="ps_customer"):
        find_columns(header, {})
    assert find_columns(
        [*header, "Mail"], {"email": ["Mail"], "date": ["Date"], "money_spent": ["Total"]}
    ).by_email


def test_wix_orders(taken):
    assert taken("wix_orders.csv") == (
        "Wix orders",
        [("mira@example.com", 100000, 2024), ("goran@example.com", 37950, 2025)],
        {"as a further line of an order": 1, "not paid (unpaid)": 1},
    )


def test_magento_orders(taken):
    assert taken("magento_orders.csv") == (
        "Magento orders",
        [("mira@example.com", 100000, 2024), ("goran@example.com", 37950, 2025)],
        {"refunded in full": 1, "not paid (pending)": 1},
    )
