"""What people read: deliveries of every kind as parts for Telegram, in English and Macedonian."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from smetka.telegram.figures import Figures
from smetka.telegram.messages.averages import averages_message
from smetka.telegram.messages.words import CATALOGUES
from smetka.telegram.outbox import Delivery
from smetka.telegram.parts import Part, Text

__all__ = ["averages_message", "compose", "trial_message"]


def compose(
    delivery: Delivery, language: Literal["en", "mk"], timezone: ZoneInfo, figures: Figures | None
) -> tuple[Part, ...]:
    """The parts that a delivery is sent as. Their names are the same each time for the same record.

    Args:
        figures: what is asked for beside the record: the year before, a customer's name.
    """
    del figures
    text = averages_message(delivery.report, delivery.report_id, language, delivery.created_at, timezone)
    return (Text("text", text),)


def trial_message(language: Literal["en", "mk"]) -> str:
    """What `smetka telegram test` sends."""
    return CATALOGUES[language].trial
