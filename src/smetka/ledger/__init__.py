"""The shop's own database, read-only: customers, payments and what they add up to."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smetka.ledger.customers import Customer, CustomerSpending, CustomerYear, Payment, YearSpending
    from smetka.ledger.glance import Glance
    from smetka.ledger.ledger import Ledger
    from smetka.ledger.spending import (
        AgeRow,
        CustomerTotal,
        GroupRow,
        Person,
        SpendingByAge,
        SpendingByGroup,
        Spent,
    )

__all__ = [
    "AgeRow",
    "Customer",
    "CustomerSpending",
    "CustomerTotal",
    "CustomerYear",
    "Glance",
    "GroupRow",
    "Ledger",
    "Payment",
    "Person",
    "SpendingByAge",
    "SpendingByGroup",
    "Spent",
    "YearSpending",
]

_MODULES = {
    "customers": {"Customer", "CustomerSpending", "CustomerYear", "Payment", "YearSpending"},
    "glance": {"Glance"},
    "ledger": {"Ledger"},
}


def __getattr__(name: str) -> Any:
    # Imported when asked for: the process that reads a workbook starts ten times faster without SQLAlchemy.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = next((each for each, names in _MODULES.items() if name in names), "spending")
    return getattr(import_module(f"{__name__}.{module}"), name)
