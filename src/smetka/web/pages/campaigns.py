"""Campaigns: made, looked at before issuing, issued with progress, and what became of their vouchers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Response

from smetka.bonus import vouchers as kept
from smetka.bonus.campaigns import Campaign
from smetka.bonus.errors import CampaignExists
from smetka.bonus.exports import VOUCHER_COLUMNS, voucher_cell
from smetka.bonus.issuing import Confirmed, written
from smetka.bonus.preview import comes_to, preview
from smetka.bonus.rules import Rules, Tier
from smetka.bonus.vouchers import STATUSES
from smetka.core.errors import Changed, InvalidValue
from smetka.core.progress import Progress, unseen
from smetka.keys import Permission
from smetka.language.translations import mark
from smetka.shop.year_end import issue_and_tell
from smetka.web import guards
from smetka.web.pages import declared, forms, render, visit
from smetka.web.pages.files import file
from smetka.web.pages.people import person_of
from smetka.web.parts import parts, services
from smetka.web.works import Work, issue_work, preview_work

SHOWN = 50
TIERS = (1, 2, 3)

_RULES = {
    "name": mark(
        "must be 1 to 64 Latin letters, digits, dots, dashes and underscores, a letter or digit first"
    ),
    "valid_until": mark("must not be before the first day, nor too far away"),
    "tiers": mark("higher steps must begin above the threshold, ascend, and be worth more"),
}
"""What `Rules.check` finds, in words of the form."""


@declared.get("/bonus/new-campaign", needs=Permission.MANAGE)
def new_campaign() -> Any:
    """The form for a campaign, filled in by the plan it comes from."""
    fields = forms.asked("year", "threshold", "value", "budget")
    return render.page("campaign_new.html", fields=fields, **_usual(fields))


@declared.post("/bonus/campaigns", needs=Permission.MANAGE)
def make_campaign() -> Any:
    """Set the rules; nothing is issued yet. The same form sent twice is one campaign."""
    fields = forms.posted()
    rules = rules_of(fields)
    if rules is None:
        return render.page("campaign_new.html", 422, fields=fields, **_usual(fields))
    shop = services()
    shop.audit.note("create-campaign", guards.caller(), campaign=rules.name)
    try:
        shop.campaigns.create(rules, timezone=str(shop.settings.timezone), currency=shop.settings.currency)
    except CampaignExists:
        fields.complain("name", mark("is the name of another campaign already"))
    except InvalidValue as error:
        for fault in error.faults:
            fields.complain(fault.name, _RULES.get(fault.name, mark("breaks a rule")))
    if fields.faults:
        return render.page("campaign_new.html", 422, fields=fields, **_usual(fields))
    return visit.go_to(
        f"/bonus/campaigns/{rules.name}",
        render.said().gettext("The campaign is made. Nothing is issued yet: look at the preview first."),
    )


@declared.get("/bonus/campaigns/<name>", needs=Permission.READ, reads_all=True)
def campaign_page(name: str) -> Any:
    """A campaign: its rules, how far its issue is, and what became of its vouchers."""
    fields = forms.asked("after")
    after = fields.whole("after")
    fields.check()
    shop = services()
    work = parts().works.get(issue_work(name))  # first: what it has done by its end is read after it
    found = shop.campaigns.get(name)
    is_busy = bool(work and work.is_running)
    elsewhere = None
    if found.issue and not found.issued and not is_busy:
        elsewhere = Work(written(shop.storage, found, found.issue), found.issue.vouchers)
    figures = None
    if not is_busy and found.number:
        figures = shop.campaign_figures.of(found)
    return render.page(
        "campaign.html",
        campaign=found,
        work=work,
        is_busy=is_busy,
        elsewhere=elsewhere,
        figures=figures,
        statuses=STATUSES,
        now=shop.now(),
        person_of=person_of(),
        **_vouchers(found, after if not is_busy else None, shown=not is_busy),
    )


@declared.get("/bonus/campaigns/<name>/preview", needs=Permission.READ, reads_all=True)
def campaign_look(name: str) -> Any:
    """Who would get a voucher now, what it costs, and what to look at first; or how far finding out is.

    Whoever comes without the id of one that was begun gets a new one.
    """
    id_ = forms.asked("work").typed.get("work")
    found, works = services().campaigns.get(name), parts().works
    if id_:
        work = works.get(preview_work(name, id_))
    else:
        id_ = secrets.token_urlsafe(16)
        works.begin(preview_work(name, id_), _previewing(found))
        work = works.end_of(preview_work(name, id_))
        if work is not None and work.is_running:
            return visit.go_to(f"/bonus/campaigns/{name}/preview?work={id_}")
    if work is None:  # it was shown; it may be another by now
        return visit.go_to(f"/bonus/campaigns/{name}/preview")
    if work.is_running:
        return render.page("campaign_previewing.html", campaign=found, work=work)
    works.forget(preview_work(name, id_))
    if work.failure is not None:
        raise work.failure
    return render.page("campaign_preview.html", campaign=found, preview=work.result, confirmed=None)


@declared.post("/bonus/campaigns/<name>/issue", needs=Permission.MANAGE, reads_all=True)
def issue(name: str) -> Any:
    """Issue by the figures that were seen, in the background; safe to repeat, and told to the chats once."""
    fields, shop, by = forms.posted(), services(), guards.caller()
    found = shop.campaigns.get(name)
    fields.needed("customers_reached", "cost_within_budget")
    confirmed = Confirmed(fields.whole("customers_reached", least=0), fields.figure("cost_within_budget"))
    fields.check()
    # Told at once where it can be; what counts is compared once more, with the very list that is written.
    now = _previewing(found)(unseen)
    try:
        confirmed.check(found, *comes_to(now))
    except Changed:
        return render.page("campaign_preview.html", 409, campaign=found, preview=now, confirmed=confirmed)
    parts().works.begin(
        issue_work(name),
        lambda tell: issue_and_tell(
            name,
            by,
            ledger=shop.ledger,
            storage=shop.storage,
            outbox=shop.outbox,
            chats=shop.settings.recipients,
            now=shop.now,
            confirmed=confirmed,
            progress=tell,
        ),
    )
    return visit.go_to(f"/bonus/campaigns/{name}")


def _previewing(found: Campaign) -> Callable[[Progress], dict[str, Any]]:
    """What looks at all that a campaign would do, while this request may be over."""
    shop, language = services(), visit.language()
    return lambda tell: preview(
        found,
        shop.ledger,
        shop.storage,
        groups=shop.settings.age_groups,
        now=shop.now(),
        language=language,
        progress=tell,
    )


@declared.get("/bonus/campaigns/<name>/vouchers.csv", needs=Permission.MANAGE, reads_all=True)
def vouchers_file(name: str) -> Response:
    """The vouchers with their codes as a file; with names for those who may see them."""
    fields = forms.asked("status", "excel")
    status = fields.one_of("status", STATUSES)
    fields.check()
    shop = services()
    found, now = shop.campaigns.get(name), shop.now()
    shop.audit.note("export", guards.caller(), campaign=name)
    rows = (
        (voucher.user_id, [voucher_cell(column, voucher, now) for column in VOUCHER_COLUMNS])
        for voucher in kept.of_campaign(shop.storage, found.name)
        if status is None or voucher.status_at(now) == status
    )
    return file(VOUCHER_COLUMNS, rows, f"{name}.csv", excel=bool(fields.typed["excel"]))


def _usual(fields: forms.Fields) -> dict[str, Any]:
    """What the form begins with."""
    shop = services()
    year = shop.bonus_rules.current_year
    return {
        "year": fields.typed.get("year") or year,
        "threshold": fields.typed.get("threshold") or render.short(shop.settings.bonus_threshold),
        "value": fields.typed.get("value") or "500",
        "today": shop.now().astimezone(shop.settings.timezone).date(),
        "last_day": date(year + 1, 1, 31),
        "tiers": TIERS,
    }


def rules_of(fields: forms.Fields) -> Rules | None:
    """The rules that the form says; None, and its faults noted, when it says none."""
    fields.needed("name", "year", "threshold", "value", "valid_from", "valid_until")
    name, year = fields.text("name", most=64), fields.year()
    threshold, value = fields.amount("threshold"), fields.amount("value", positive=True)
    first, last = fields.day("valid_from"), fields.day("valid_until")
    budget, most = fields.amount("budget"), fields.whole("most_vouchers", most=10**9)
    tiers = []
    for number in TIERS:
        names = f"above_{number}", f"value_{number}"
        if fields.typed.get(names[0]) or fields.typed.get(names[1]):
            fields.needed(*names)
            above, worth = fields.amount(names[0]), fields.amount(names[1], positive=True)
            if above is not None and worth is not None:
                tiers.append(Tier(above, worth))
    if fields.faults or not (name and year and first and last) or threshold is None or value is None:
        return None
    return Rules(name, year, threshold, value, first, last, tuple(tiers), budget, most)


def _vouchers(found: Campaign, after: int | None, *, shown: bool) -> dict[str, Any]:
    """A page of the campaign's vouchers, with their codes, for those who may manage."""
    if not shown or not guards.may(Permission.MANAGE):
        return {"vouchers": [], "next": None}
    page = kept.page(services().storage, found.name, SHOWN + 1, after=after)
    return {
        "vouchers": page[:SHOWN],
        "next": page[SHOWN - 1].user_id if len(page) > SHOWN else None,
    }
