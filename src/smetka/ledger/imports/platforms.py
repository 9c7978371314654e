"""The order exports of e-shop platforms, known by their columns.

Columns as the platforms document them: Shopify's `orders_export.csv`
(https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders), and of WooCommerce the
extension Customer/Order/Coupon Export, the plugin Advanced Order Export, and WebToffee's Order Export
(https://woocommerce.com/document/import-and-export-of-woocommerce-orders/). WooCommerce's own Analytics has
no e-mail addresses, and so nobody to whom an order could be counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Platform:
    """One export.

    Attributes:
        signs: the columns that such a file is known by, whatever else was cut from it.
        fields: our fields and their columns; of a name's columns all count, of others the first that says
            something. Columns that a file lacks are passed over.
        needs: the fields without which money would count that went back: no file of its is without.
        should_have: the fields that seldom change an amount. A file from which they were cut is taken, and
            what it lacks is told.
        hint: why the file cannot be taken, when it cannot.
    """

    name: str
    signs: frozenset[str]
    fields: Mapping[str, tuple[str, ...]]
    needs: tuple[str, ...] = ()
    should_have: tuple[str, ...] = ()
    hint: str | None = None


_PLATFORMS = (
    Platform(
        "Shopify orders",
        frozenset({"Name", "Financial Status"}),
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
        needs=("refunded",),
        should_have=("currency", "outstanding", "cancelled_at"),
    ),
    Platform(
        "Squarespace orders",
        frozenset({"Order ID", "Email", "Financial Status"}),
        {
            "email": ("Email",),
            "name": ("Billing Name",),
            "money_spent": ("Total",),
            "date": ("Paid at", "Created at"),
            "order_id": ("Order ID",),
            "currency": ("Currency",),
            "status": ("Financial Status",),
            "refunded": ("Amount Refunded",),
            "cancelled_at": ("Cancelled at",),
        },
        needs=("refunded",),
        should_have=("currency", "cancelled_at"),
    ),
    Platform(
        "BigCommerce orders",
        frozenset({"Order ID", "Customer Email", "Order Status", "Order Total (inc tax)"}),
        {
            "email": ("Customer Email",),
            "name": ("Customer Name",),
            "money_spent": ("Order Total (inc tax)",),
            "date": ("Order Date",),
            "order_id": ("Order ID",),
            "currency": ("Order Currency Code",),
            "status": ("Order Status",),
            "refunded": ("Refund Amount",),
        },
        needs=("refunded",),
        should_have=("currency",),
    ),
    Platform(
        "Wix orders",
        frozenset({"Order number", "Date created", "Contact email", "Payment status", "Total"}),
        {
            "email": ("Contact email",),
            "name": ("Billing name",),
            "money_spent": ("Total",),
            "date": ("Date created",),
            "order_id": ("Order number",),
            "currency": ("Currency",),
            "status": ("Payment status",),
            "refunded": ("Refunded amount",),
        },
        needs=("refunded",),
        should_have=("currency",),
    ),
    Platform(
        "Magento orders",
        frozenset({"ID", "Purchase Date", "Grand Total (Base)", "Grand Total (Purchased)", "Status"}),
        {
            "email": ("Customer Email",),
            "name": ("Customer Name",),
            "money_spent": ("Grand Total (Purchased)",),
            "date": ("Purchase Date",),
            "order_id": ("ID",),
            "status": ("Status",),
            "refunded": ("Total Refunded",),
        },
        needs=("email", "refunded"),
    ),
    Platform(
        "Stripe payments",
        frozenset({"id", "Amount", "Currency", "Captured", "Status"}),
        {
            "email": ("Customer Email",),
            "money_spent": ("Amount",),
            "date": ("Created date (UTC)", "Created (UTC)"),
            "order_id": ("id",),
            "currency": ("Currency",),
            "status": ("Status",),
            "refunded": ("Amount Refunded",),
        },
        needs=("refunded",),
    ),
    Platform(
        "WooCommerce orders (WebToffee)",
        frozenset({"order_id", "status", "order_total", "refund_items"}),
        {
            "email": ("billing_email", "customer_email"),
            "name": ("billing_first_name", "billing_last_name"),
            "money_spent": ("order_total",),
            "date": ("paid_date", "order_date"),
            "order_id": ("order_id",),
            "currency": ("order_currency",),
            "status": ("status",),
            "refunded": ("refund_items",),
        },
        should_have=("currency",),
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
        needs=("refunded",),
        should_have=("currency",),
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
        # The currency is none of the columns that it writes unless told to.
        needs=("refunded",),
    ),
    Platform(
        "WooCommerce Analytics",
        frozenset({"Date", "Order #", "Status", "Customer"}),
        {},
        hint="is a download of WooCommerce Analytics, which has no e-mail addresses to know customers by. "
        "Export the orders with Customer/Order/Coupon Export or Advanced Order Export instead",
    ),
    Platform(
        "PrestaShop's list of orders",
        frozenset({"ID", "Reference", "New client", "Customer", "Total", "Status", "Date"}),
        {},
        hint="is PrestaShop's list of orders, which has no e-mail addresses to know customers by. Export the "
        "orders with a query on ps_orders and ps_customer (Advanced Parameters › Database) instead",
    ),
)


def recognise(header: Sequence[str]) -> Platform | None:
    """The platform whose export has such a header."""
    columns = frozenset(header)
    return next((platform for platform in _PLATFORMS if platform.signs <= columns), None)


def is_test(payment_method: str) -> bool:
    """Nobody paid: the shop tried its checkout by Shopify's gateway for tests."""
    plain = payment_method.lower()
    return "bogus gateway" in plain or plain.startswith("(for testing)")
