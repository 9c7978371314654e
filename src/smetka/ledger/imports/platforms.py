"""The order exports of e-shop platforms, known by their columns, and what an order's state means.

Columns as the platforms document them: Shopify's `orders_export.csv`
(https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders), and of WooCommerce the
extensions Customer/Order/Coupon Export and Import Export Suite (woocommerce.com/document) and the plugin
Advanced Order Export. WooCommerce's own Analytics has no e-mail addresses, and so nobody to whom an order
could be counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smetka.ledger.imports.refused import Refused


@dataclass(frozen=True, slots=True)
class Platform:
    """One export.

    Attributes:
        signs: the columns that stand in every such file and together in no other.
        fields: our fields and their columns; of a name's columns all count, of others the first that says
            something. Columns that a file lacks are passed over.
        hint: why the file cannot be taken, when it cannot.
    """

    name: str
    signs: frozenset[str]
    fields: Mapping[str, tuple[str, ...]]
    hint: str | None = None


_PLATFORMS = (
    Platform(
        "Shopify orders",
        frozenset({"Name", "Email", "Financial Status", "Total", "Lineitem name"}),
        {
            "email": ("Email",),
            "name": ("Billing Name",),
            "money_spent": ("Total",),
            "date": ("Paid at", "Created at"),
            "order_id": ("Name",),
            "currency": ("Currency",),
            "status": ("Financial Status",),
            "refunded": ("Refunded Amount",),
            "outstanding": ("Outstanding Balance",),
            "cancelled_at": ("Cancelled at",),
            "payment_method": ("Payment Method",),
        },
    ),
    Platform(
        "WooCommerce orders (Customer/Order/Coupon Export)",
        frozenset({"order_id", "status", "order_total", "billing_email"}),
        {
            "email": ("billing_email", "customer_email"),
            "name": ("billing_first_name", "billing_last_name"),
            "money_spent": ("order_total",),
            "date": ("date", "order_date"),
            "order_id": ("order_id",),
            "currency": ("order_currency",),
            "status": ("status",),
            "refunded": ("refunded_total",),
        },
    ),
    Platform(
        "WooCommerce orders (Advanced Order Export)",
        frozenset({"Order Number", "Order Status", "Order Date", "Order Total Amount", "Email (Billing)"}),
        {
            "email": ("Email (Billing)",),
            "name": ("First Name (Billing)", "Last Name (Billing)"),
            "money_spent": ("Order Total Amount",),
            "date": ("Order Date",),
            "order_id": ("Order Number",),
            "currency": ("Order Currency",),
            "status": ("Order Status",),
            "refunded": ("Order Refund Amount",),
        },
    ),
    Platform(
        "WooCommerce Analytics",
        frozenset({"Date", "Order #", "Status", "Customer"}),
        {},
        "is a download of WooCommerce Analytics, which has no e-mail addresses to know customers by. "
        "Export the orders with Customer/Order/Coupon Export or Advanced Order Export instead",
    ),
)


def recognise(header: Sequence[str]) -> Platform | None:
    """The platform whose export has such a header."""
    columns = frozenset(header)
    return next((platform for platform in _PLATFORMS if platform.signs <= columns), None)


COUNTS = "counts"
PARTLY = "partly"
ALL_BACK = "all back"
SOME_BACK = "some back"
STATES = frozenset({COUNTS, PARTLY, ALL_BACK, SOME_BACK})


def is_test(payment_method: str) -> bool:
    """Nobody paid: the shop tried its checkout by Shopify's gateway for tests."""
    plain = payment_method.lower()
    return "bogus gateway" in plain or plain.startswith("(for testing)")


_MEANINGS = {
    "paid": COUNTS,
    "completed": COUNTS,
    "processing": COUNTS,
    "partially_paid": PARTLY,
    "partially_refunded": SOME_BACK,
    "refunded": ALL_BACK,
    "cancelled": "cancelled",
    "canceled": "cancelled",
} | dict.fromkeys(
    "authorized voided expired pending pending_payment on_hold failed trash draft checkout_draft".split()
)


def meaning(status: str) -> str:
    """What an order's state says about its money: one of `STATES`, or why it is left out.

    Raises:
        Refused: it is none of the states of Shopify and WooCommerce.
    """
    plain = status.lower().removeprefix("wc-").replace(" ", "_").replace("-", "_")
    if plain not in _MEANINGS:
        raise Refused(
            "is none of the states of Shopify or WooCommerce, such as paid or completed; "
            "to count every order, map no status"
        )
    return _MEANINGS[plain] or f"not paid ({plain.replace('_', ' ')})"
