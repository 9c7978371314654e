"""The API beyond the brief, under /api/v1."""

from __future__ import annotations

from typing import Any

from smetka.errors import BonusStoreUnavailable, NotFound
from smetka.keys import Permission
from smetka.services import Services
from smetka.web.operations import Operations
from smetka.web.schemas import BonusCustomerOut, BonusCustomerPath

api = Operations("Bonus customers")


@api.get(
    "/api/v1/bonus-customers/<year>/<user_id>",
    needs=Permission.READ,
    path=BonusCustomerPath,
    answers={200: BonusCustomerOut},
    refuses=(NotFound, BonusStoreUnavailable),
)
def bonus_customer(path: BonusCustomerPath, services: Services) -> Any:
    """A customer's record for one year's bonus."""
    record = services.bonus_customers.get(path.year, path.user_id)
    return record.as_json(services.settings.currency)
