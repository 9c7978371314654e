"""What is known of a shop's files beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from smetka.ledger.imports.amounts import Mark
from smetka.ledger.imports.date_notation import Order
from smetka.ledger.imports.states import Told


@dataclass(frozen=True, slots=True)
class Rules:
    """How cells are read.

    Attributes:
        currency: the shop's, ISO 4217.
        zone: the shop's; days and years are its.
        today: the shop's day.
        states: what the shop said of states of orders, see `parse_states`.
        decimal, date_order: what is told of amounts and dates that can be read in two ways.
    """

    currency: str
    zone: ZoneInfo
    today: date
    decimal: Mark | None = None
    date_order: Order | None = None
    states: Told = field(default_factory=dict)
