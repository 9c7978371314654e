"""Who did what, under /api/v1/audit."""

from __future__ import annotations

from typing import Any

from smetka.core.errors import BonusStoreUnavailable
from smetka.keys import Permission
from smetka.shop.services import Services
from smetka.web.operations import Operations
from smetka.web.voucher_schemas import AuditList, AuditQuery

audit = Operations("Audit")


@audit.get(
    "/api/v1/audit",
    needs=Permission.OWN,
    query=AuditQuery,
    reads_all=True,
    answers={200: AuditList},
    refuses=(BonusStoreUnavailable,),
)
def audit_list(query: AuditQuery, services: Services) -> Any:
    """Who did what to campaigns, vouchers and bonus customers, the newest first.

    `next` is the cursor of the following page, null on the last one.
    """
    found = services.audit.page(query.limit + 1, after=query.cursor)
    shown = found[: query.limit]
    return {
        "items": [entry.as_json() for entry in shown],
        "next": shown[-1].id if len(found) > len(shown) else None,
    }
