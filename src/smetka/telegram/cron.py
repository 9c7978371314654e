"""Cron expressions: when they come, in a time zone; of clocks that change, see docs/decisions/0007."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from smetka.core.errors import WrongUsage

_LONGEST_WAIT = timedelta(days=366 * 8 + 1)
"""29 February may be eight years away."""


class NeverComes(WrongUsage):
    """A cron expression that can be read, and that no day fits."""


def checked_cron(text: str, now: datetime, timezone: ZoneInfo) -> str:
    """The expression in its plainest form.

    Raises:
        WrongUsage: it cannot be read.
        NeverComes: it can, and no day fits it.
    """
    expression = " ".join(text.upper().split())
    if len(expression.split()) != 5:
        raise WrongUsage(
            f"{text!r} is no schedule: five fields are needed (minute, hour, day, month, weekday), "
            'for example "0 9 * * MON" for Mondays at nine.'
        )
    try:
        if after(expression, now, timezone) is None:
            raise NeverComes(f"{text!r} does not come within the next eight years.")
    except CronSimError as error:
        if _is_only_at_odds(expression):
            raise NeverComes(f"{text!r} never comes: no month that it names has such a day.") from None
        what = str(error).removeprefix("Bad ")
        raise WrongUsage(f"{text!r} is no schedule: its {what} cannot be read.") from None
    return expression


def _is_only_at_odds(cron: str) -> bool:
    """Whether day and month can be read, each by itself: cronsim says of both faults that the day is bad."""
    minute, hour, day, month, weekday = cron.split()
    try:
        for each in (f"{day} *", f"* {month}"):
            CronSim(f"{minute} {hour} {each} {weekday}", datetime.now(UTC))
    except CronSimError:
        return False
    return True


def after(cron: str, now: datetime, timezone: ZoneInfo) -> datetime | None:
    """The first time after now that fits; None when there is none within eight years."""
    return next(iter(upcoming(cron, now, timezone, 1)), None)


def upcoming(cron: str, now: datetime, timezone: ZoneInfo, count: int) -> list[datetime]:
    """The next times after now that fit, so many at most, within eight years."""
    times, coming = CronSim(cron, now.astimezone(timezone)), [now]
    while len(coming) <= count and (found := _found(times, now)) is not None:
        # What is skipped by clocks that are set forward comes after the gap, with what is due there; and
        # asked in the second of two equal hours, it begins with those of the first.
        if found > coming[-1]:
            coming.append(found)
    return coming[1:]


def before(cron: str, now: datetime, timezone: ZoneInfo) -> datetime | None:
    """The latest time up to now that fits, now included; None when there is none within eight years."""
    # From an hour ahead, and what lies after now passed over: looking back from the second of two
    # equal hours (when clocks are set back) it would not find what came in the first.
    times = CronSim(cron, (now + timedelta(minutes=61)).astimezone(timezone), reverse=True)
    while (found := _found(times, now)) is not None and found > now:
        pass
    return found


def _found(times: CronSim, now: datetime) -> datetime | None:
    try:
        found: datetime = next(times)
    except StopIteration:  # it looked fifty years far
        return None
    return found.astimezone(UTC) if abs(found.astimezone(UTC) - now) < _LONGEST_WAIT else None
