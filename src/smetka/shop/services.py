"""Builds, pings and closes the parts of a web process; the only place that knows them all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from smetka.bonus.audit import Audit
from smetka.bonus.campaigns import Campaigns
from smetka.bonus.customers import BonusRules
from smetka.bonus.figures import CampaignFigures
from smetka.bonus.records import BonusCustomers
from smetka.bonus.redemptions import Redemptions
from smetka.core.errors import Unavailable, WrongUsage
from smetka.core.periods import OpenYear, open_year
from smetka.ledger import Glance, Ledger, Spent, YearSpending
from smetka.settings import Settings, as_text, named_ledger
from smetka.shop.figures import ShopFigures
from smetka.spending.averages import Averages, average_by_age_group
from smetka.spending.ranking import Order, Ranking, by_age_group
from smetka.spending.remembered import Remembered
from smetka.storage import Storage
from smetka.telegram.chats import Chats
from smetka.telegram.deliveries import Deliveries
from smetka.telegram.invites import Invites
from smetka.telegram.outbox import Outbox
from smetka.telegram.schedules import Schedules
from smetka.telegram.state import WorkerState, worker_state

WARM_UP_SECONDS = 10.0

MOST_KEPT = 6
"""Periods whose customers are remembered one by one: 42 bytes a customer each."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Services:
    """What the views call. Made once a process, safe for all its threads."""

    settings: Settings
    ledger: Ledger
    storage: Storage
    averages: Remembered[int | None, Averages]
    spent: Remembered[int | None, Spent]
    rankings: Remembered[int | None, Ranking]
    orders: Remembered[int | None, Order]
    group_rankings: Remembered[int | None, dict[str | None, Ranking]]
    years: Remembered[None, tuple[YearSpending, ...]]
    bonus_rules: BonusRules
    bonus_customers: BonusCustomers
    campaigns: Campaigns
    campaign_figures: CampaignFigures
    redemptions: Redemptions
    audit: Audit
    deliveries: Deliveries
    outbox: Outbox
    chats: Chats
    invites: Invites
    schedules: Schedules
    figures: ShopFigures
    now: Callable[[], datetime]

    def warm_up(self) -> None:
        """Open and connect what can be, so that the first question does not pay for it."""
        try:
            self.ledger.ping()
        except Unavailable as error:
            _log.warning("the ledger cannot be read yet", reason=error.reason)
        with suppress(Unavailable):  # the storage itself tells when it is away
            self.storage.ping(WARM_UP_SECONDS)

    def average_spending(self, year: int | None, glance: Glance | None) -> Averages:
        """The averages of one year or of all, remembered while the ledger stays the same.

        Raises:
            LedgerUnavailable: it cannot be read.
            NotAtOnce: they are not known for the ledger as the glance sees it.
        """
        return self.averages(year) if glance is None else self.averages.at_once(year, glance.version)

    def period(self, year: int | None) -> OpenYear | None:
        """The year as it is now in the shop's time zone, if it is not over."""
        return None if year is None else open_year(year, self.figures.today)

    def worker_and_telegram(self) -> WorkerState:
        """How the worker is and how it finds Telegram, as it last wrote down. Never raises."""
        return worker_state(self.storage, self.now())

    def close(self) -> None:
        """Let go of files and connections. Safe to repeat."""
        self.storage.close()
        self.ledger.close()


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def build_services(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> Services:
    """Wire the parts together. Nothing is opened or connected yet: a part may be away and come later.

    Raises:
        WrongUsage: no ledger or no MongoDB is named.
    """
    if settings.mongodb_uri is None:
        raise WrongUsage(
            "SMETKA_MONGODB_URI is not set. `smetka serve` runs an embedded MongoDB without it; "
            "the application alone needs it."
        )
    ledger = Ledger(named_ledger(settings))
    storage = Storage(as_text(settings.mongodb_uri), data_dir=settings.data_dir)
    audit = Audit(storage, now=now)
    averages: Remembered[int | None, Averages] = Remembered(
        ledger.version, lambda year: average_by_age_group(ledger, settings.age_groups, year)
    )
    spent = Remembered(ledger.version, ledger.spending_by_customer, most=MOST_KEPT)
    return Services(
        settings=settings,
        ledger=ledger,
        storage=storage,
        averages=averages,
        spent=spent,
        rankings=Remembered(ledger.version, lambda year: Ranking.of(spent(year)), most=MOST_KEPT),
        orders=Remembered(ledger.version, lambda year: Order(spent(year)), most=MOST_KEPT),
        group_rankings=Remembered(
            ledger.version, lambda year: by_age_group(spent(year), settings.age_groups), most=MOST_KEPT
        ),
        years=Remembered(ledger.version, lambda _: ledger.spending_by_year()),
        bonus_rules=BonusRules(
            threshold=settings.bonus_threshold,
            verify=settings.bonus_verify,
            currency=settings.currency,
            timezone=settings.timezone,
            now=now,
        ),
        bonus_customers=BonusCustomers(storage, now=now),
        campaigns=Campaigns(storage, now=now),
        campaign_figures=CampaignFigures(spent, storage, groups=settings.age_groups, now=now),
        redemptions=Redemptions(storage, audit, now=now),
        audit=audit,
        deliveries=Deliveries(
            storage,
            recipients=settings.recipients,
            cooldown_seconds=settings.notify_cooldown_seconds,
            now=now,
        ),
        outbox=Outbox(storage, now=now),
        chats=Chats(storage, now=now),
        invites=Invites(storage, now=now),
        schedules=Schedules(storage, recipients=settings.recipients, timezone=settings.timezone, now=now),
        figures=ShopFigures(settings, now=now, ledger=ledger, averages=averages),
        now=now,
    )
