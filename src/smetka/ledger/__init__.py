"""The shop's own database, read-only: customers, payments and what they add up to."""

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
