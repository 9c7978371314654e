"""The messages to the managers' chats, under /api/v1/deliveries."""

from __future__ import annotations

from typing import Any

from smetka.core.errors import BonusStoreUnavailable, NotFound, WrongState
from smetka.keys import Permission
from smetka.shop.services import Services
from smetka.telegram.outbox import Place
from smetka.web.operations import Operations
from smetka.web.schemas import DeliveriesQuery, DeliveryList, DeliveryOut, DeliveryPath
from smetka.web.values import cursor_of

deliveries = Operations("Deliveries")


@deliveries.get(
    "/api/v1/deliveries",
    needs=Permission.READ,
    query=DeliveriesQuery,
    reads_all=True,
    answers={200: DeliveryList},
    refuses=(BonusStoreUnavailable,),
)
def delivery_list(query: DeliveriesQuery, services: Services) -> Any:
    """Messages to the managers' chats, the newest first.

    `next` is the cursor of the following page, null on the last one.
    """
    found = services.outbox.newest(query.limit + 1, state=query.state, chat=query.chat, after=query.cursor)
    shown = found[: query.limit]
    return {
        "items": [delivery.as_json() for delivery in shown],
        "next": cursor_of(Place(shown[-1].created_at, shown[-1].id)) if len(found) > len(shown) else None,
    }


@deliveries.get(
    "/api/v1/deliveries/<delivery_id>",
    needs=Permission.READ,
    path=DeliveryPath,
    answers={200: DeliveryOut},
    refuses=(NotFound, BonusStoreUnavailable),
)
def delivery(path: DeliveryPath, services: Services) -> Any:
    """One message to one chat, and what became of it."""
    return services.outbox.get(path.delivery_id).as_json()


@deliveries.post(
    "/api/v1/deliveries/<delivery_id>/retry",
    needs=Permission.MANAGE,
    path=DeliveryPath,
    answers={200: DeliveryOut},
    refuses=(NotFound, WrongState, BonusStoreUnavailable),
)
def retry_delivery(path: DeliveryPath, services: Services) -> Any:
    """Send once more what failed, is held, was cancelled, or may not have arrived."""
    return services.outbox.retry(path.delivery_id).as_json()


@deliveries.post(
    "/api/v1/deliveries/<delivery_id>/cancel",
    needs=Permission.MANAGE,
    path=DeliveryPath,
    answers={200: DeliveryOut},
    refuses=(NotFound, WrongState, BonusStoreUnavailable),
)
def cancel_delivery(path: DeliveryPath, services: Services) -> Any:
    """Never send what is not sent yet."""
    return services.outbox.cancel(path.delivery_id).as_json()
