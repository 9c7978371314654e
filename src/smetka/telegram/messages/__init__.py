"""What people read: deliveries of every kind as parts for Telegram, in English and Macedonian."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any, Literal
from zoneinfo import ZoneInfo

from smetka.language.words import CATALOGUES
from smetka.telegram.delivery import Delivery
from smetka.telegram.figures import Figures
from smetka.telegram.messages.averages import averages_parts
from smetka.telegram.messages.frame import Frame
from smetka.telegram.messages.replies import customer_parts, reply_parts
from smetka.telegram.messages.summaries import bonus_parts, campaign_parts, shop_parts
from smetka.telegram.parts import Document, Part

__all__ = ["compose", "trial_message", "trial_picture"]

KINDS: dict[str, Callable[[dict[str, Any], Frame, Figures | None], tuple[Part, ...]]] = {
    "averages": averages_parts,
    "asked": averages_parts,
    "bonus": lambda report, frame, _: bonus_parts(report, frame),
    "campaign": lambda report, frame, _: campaign_parts(report, frame),
    "shop": lambda report, frame, _: shop_parts(report, frame),
    "customer": customer_parts,
    "reply": lambda report, frame, _: reply_parts(report, frame),
}
"""How each kind of delivery is written."""


def compose(
    delivery: Delivery, language: Literal["en", "mk"], timezone: ZoneInfo, figures: Figures | None
) -> tuple[Part, ...]:
    """The parts that a delivery is sent as. Their names are the same each time for the same record.

    Args:
        figures: what is asked for beside the record: the year before, a customer's name.

    Raises:
        KeyError: the kind is a later version's.
    """
    parts = KINDS[delivery.kind](delivery.report, Frame(delivery, language, timezone), figures)
    return tuple(p for p in parts if not (isinstance(p, Document) and "file" in delivery.without))


def trial_message(language: Literal["en", "mk"]) -> str:
    """What `smetka telegram test` sends."""
    return CATALOGUES[language].trial


def trial_picture() -> bytes:
    """A small PNG of four bars, to see whether a chat takes pictures; drawn without the charts' library."""
    width, height = 320, 160
    margin, bar = b"\xf0" * 20, b"\x50" * 60
    rows = [
        b"\0" + b"".join(margin + (bar if height - y < top else b"\xf0" * 60) for top in (60, 100, 140, 80))
        for y in range(height)
    ]
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
