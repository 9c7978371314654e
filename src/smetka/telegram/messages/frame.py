"""What every report has around its figures: a title, and where and when it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from smetka.core.shown_text import bare
from smetka.language.formats import local_time
from smetka.language.words import CATALOGUES, Catalogue
from smetka.telegram.delivery import Delivery
from smetka.telegram.layout import escaped


@dataclass(frozen=True)
class Frame:
    """One delivery in one language."""

    delivery: Delivery
    language: Literal["en", "mk"]
    timezone: ZoneInfo

    @property
    def words(self) -> Catalogue:
        """What is said in this language."""
        return CATALOGUES[self.language]

    def head(self, title: str, *lines: str) -> str:
        """The first lines, as HTML; `lines` are HTML already."""
        return "\n".join([f"<b>{escaped(title)}</b>", *lines])

    def tail(self, *lines: str) -> str:
        """The last lines, as HTML: remarks, whether it is late, the report's id and time."""
        words, schedule = self.words, self.delivery.schedule
        notes = list(lines)
        if schedule and schedule.get("late"):
            notes.append(words.late.format(time=local_time(schedule["period"], self.timezone, words)))
        source = [words.by_schedule.format(name=escaped(bare(schedule["name"])))] if schedule else []
        time = local_time(self.delivery.created_at, self.timezone, words)
        source.append(words.report.format(report_id=escaped(self.delivery.report_id), time=time))
        return "\n".join([*notes, "", " · ".join(source)])
