"""Campaigns and their vouchers, under /api/v1/campaigns."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from smetka.bonus import vouchers
from smetka.bonus.errors import CampaignExists
from smetka.bonus.preview import preview
from smetka.bonus.rules import Rules, Tier
from smetka.core.errors import BonusStoreUnavailable, Changed, LedgerUnavailable, NotFound
from smetka.keys import Permission
from smetka.shop.services import Services
from smetka.shop.year_end import issue_and_tell
from smetka.web.guards import caller
from smetka.web.operations import Operations
from smetka.web.parts import parts
from smetka.web.voucher_schemas import (
    CampaignFigures,
    CampaignIn,
    CampaignList,
    CampaignOut,
    CampaignPath,
    CampaignPreview,
    CampaignVouchersQuery,
    ConfirmedIn,
    IssuedOut,
    VoucherList,
)
from smetka.web.works import issue_work

campaigns = Operations("Campaigns")

_ONE = "/api/v1/campaigns/<name>"
_BY_NAME = {"name": "/name"}


@campaigns.post(
    "/api/v1/campaigns",
    needs=Permission.MANAGE,
    body=CampaignIn,
    answers={201: CampaignOut, 200: CampaignOut},
    refuses=(CampaignExists, BonusStoreUnavailable),
    links={"campaign": _BY_NAME, "campaign_preview": _BY_NAME, "issue_campaign": _BY_NAME},
    has_location=True,
)
def create_campaign(body: CampaignIn, services: Services) -> Any:
    """Set the rules by which vouchers are issued. Issues none.

    Safe to repeat: 201 the first time, 200 with the same rules after that.
    """
    settings = services.settings
    today = services.now().astimezone(settings.timezone).date()
    rules = Rules(
        name=body.name,
        year=body.year,
        threshold=settings.bonus_threshold if body.threshold is None else body.threshold,
        voucher_value=body.voucher_value,
        # A campaign may be of vouchers that are over already: of last year's, to look things up.
        first_day=body.valid_from or min(today, body.valid_until),
        last_day=body.valid_until,
        tiers=tuple(Tier(tier.above, tier.value) for tier in body.tiers),
        budget=body.budget,
        most_vouchers=body.most_vouchers,
    )
    services.audit.note("create-campaign", caller(), campaign=body.name)
    campaign, is_new = services.campaigns.create(
        rules,
        timezone=str(settings.timezone),
        currency=settings.currency,
        any_first_day=body.valid_from is None,
    )
    status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    return campaign.as_json(), status, {"Location": f"/api/v1/campaigns/{campaign.name}"}


@campaigns.get(
    "/api/v1/campaigns",
    needs=Permission.READ,
    answers={200: CampaignList},
    refuses=(BonusStoreUnavailable,),
)
def campaign_list(services: Services) -> Any:
    """All campaigns, the newest first."""
    return {"items": [campaign.as_json() for campaign in services.campaigns.all()], "next": None}


@campaigns.get(
    _ONE,
    needs=Permission.READ,
    path=CampaignPath,
    reads_all=True,
    answers={200: CampaignFigures},
    refuses=(NotFound, BonusStoreUnavailable),
)
def campaign(path: CampaignPath, services: Services) -> Any:
    """A campaign, and what became of its vouchers."""
    return services.campaign_figures.of(services.campaigns.get(path.name))


@campaigns.get(
    f"{_ONE}/preview",
    needs=Permission.READ,
    path=CampaignPath,
    reads_all=True,
    answers={200: CampaignPreview},
    refuses=(NotFound, LedgerUnavailable, BonusStoreUnavailable),
)
def campaign_preview(path: CampaignPath, services: Services) -> Any:
    """Who would get a voucher now, what that costs and what to look at first. Writes nothing."""
    return preview(
        services.campaigns.get(path.name),
        services.ledger,
        services.storage,
        groups=services.settings.age_groups,
        now=services.now(),
    )


@campaigns.post(
    f"{_ONE}/issue",
    needs=Permission.MANAGE,
    path=CampaignPath,
    body=ConfirmedIn,
    reads_all=True,
    answers={200: IssuedOut},
    refuses=(NotFound, Changed, LedgerUnavailable, BonusStoreUnavailable),
    links={"campaign_vouchers": {"name": "/campaign"}},
)
def issue_campaign(path: CampaignPath, body: ConfirmedIn, services: Services) -> Any:
    """Issue a voucher to everybody who is due one and has none, as far as the budget goes.

    With the preview's figures in the body, only if the vouchers come to just that; else the answer is 409
    with what they come to now. Safe to repeat and to interrupt; the managers' chats are told once. A
    hundred thousand vouchers take about a minute: the answer comes when all of them are on disk.
    """
    with parts().works.awaited(issue_work(path.name)) as tell:
        return issue_and_tell(
            path.name,
            caller(),
            ledger=services.ledger,
            storage=services.storage,
            outbox=services.outbox,
            chats=services.settings.recipients,
            now=services.now,
            confirmed=body.confirmed,
            progress=tell,
        ).as_json()


@campaigns.get(
    f"{_ONE}/vouchers",
    needs=Permission.MANAGE,
    path=CampaignPath,
    query=CampaignVouchersQuery,
    reads_all=True,
    answers={200: VoucherList},
    refuses=(NotFound, BonusStoreUnavailable),
    links={"voucher": {"code": "/items/0/code"}},
)
def campaign_vouchers(path: CampaignPath, query: CampaignVouchersQuery, services: Services) -> Any:
    """A campaign's vouchers with their codes, by user id.

    `next` is the cursor of the following page, null on the last one.
    """
    services.campaigns.get(path.name)
    found = vouchers.page(services.storage, path.name, query.limit + 1, after=query.cursor)
    shown = found[: query.limit]
    return {
        "items": [voucher.as_json(services.now(), with_names=True) for voucher in shown],
        "next": str(shown[-1].user_id) if len(found) > len(shown) else None,
    }
