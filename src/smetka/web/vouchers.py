"""Vouchers at the cash desk and in the checkout, under /api/v1/vouchers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smetka.bonus import vouchers as kept
from smetka.bonus.codes import read_code
from smetka.bonus.errors import (
    AlreadyRedeemed,
    Expired,
    InProgress,
    KeyReused,
    MistypedCode,
    NotYetValid,
    OtherCustomer,
    Reserved,
    UnknownCode,
    Voided,
)
from smetka.bonus.redemptions import Order
from smetka.core.errors import BonusStoreUnavailable, Changed, WrongState
from smetka.keys import Permission
from smetka.shop.services import Services
from smetka.web.guards import address, caller, may
from smetka.web.operations import Asked, Operations
from smetka.web.parts import parts
from smetka.web.refusals import TooManyRequests
from smetka.web.voucher_schemas import (
    RedeemIn,
    ReserveIn,
    ReverseIn,
    VoidIn,
    VoucherChanged,
    VoucherOut,
    VoucherPath,
)

vouchers = Operations("Vouchers")

_ONE = "/api/v1/vouchers/<code>"
_BY_CODE = {"code": "/code"}
_CODE = (MistypedCode, UnknownCode, TooManyRequests, BonusStoreUnavailable)
_KEY = (KeyReused, InProgress, Changed)


@vouchers.get(
    _ONE,
    needs=Permission.REDEEM,
    path=VoucherPath,
    answers={200: VoucherOut},
    refuses=_CODE,
    links={"redeem_voucher": _BY_CODE, "reserve_voucher": _BY_CODE, "void_voucher": _BY_CODE},
)
def voucher(path: VoucherPath, services: Services) -> Any:
    """A voucher, its state at this moment and its history.

    Who changed it, by the names of keys, is told to those who may manage.
    """
    with no_guessing():
        found = kept.find(services.storage, read_code(path.code))
    return found.as_json(services.now(), with_names=may(Permission.MANAGE))


@vouchers.post(
    f"{_ONE}/redeem",
    needs=Permission.REDEEM,
    path=VoucherPath,
    body=RedeemIn,
    answers={200: VoucherChanged},
    refuses=(
        *_CODE,
        OtherCustomer,
        Voided,
        AlreadyRedeemed,
        Expired,
        NotYetValid,
        Reserved,
        *_KEY,
    ),
    links={"voucher": _BY_CODE, "reverse_voucher": _BY_CODE},
    takes_key=True,
)
def redeem_voucher(path: VoucherPath, body: RedeemIn, services: Services, asked: Asked) -> Any:
    """Redeem a voucher. The first one wins; all others are told when that was.

    With an Idempotency-Key, safe to repeat.
    """
    order = Order(
        "redeem", caller(), user_id=body.user_id, reference=body.reference, key=asked.idempotency_key
    )
    return _carry_out(path, order, services)


@vouchers.post(
    f"{_ONE}/reserve",
    needs=Permission.REDEEM,
    path=VoucherPath,
    body=ReserveIn,
    answers={200: VoucherChanged},
    refuses=(
        *_CODE,
        OtherCustomer,
        Voided,
        AlreadyRedeemed,
        Expired,
        NotYetValid,
        Reserved,
        WrongState,
        *_KEY,
    ),
    links={"redeem_voucher": _BY_CODE},
    takes_key=True,
)
def reserve_voucher(path: VoucherPath, body: ReserveIn, services: Services, asked: Asked) -> Any:
    """Hold a voucher for a checkout: only whoever names the same reference may redeem it meanwhile.

    Without a reference, only the same key may.
    """
    order = Order(
        "reserve",
        caller(),
        user_id=body.user_id,
        reference=body.reference,
        minutes=body.minutes,
        key=asked.idempotency_key,
    )
    return _carry_out(path, order, services)


@vouchers.post(
    f"{_ONE}/void",
    needs=Permission.MANAGE,
    path=VoucherPath,
    body=VoidIn,
    answers={200: VoucherChanged},
    refuses=(*_CODE, Voided, AlreadyRedeemed, Expired, *_KEY),
    links={"voucher": _BY_CODE},
    takes_key=True,
)
def void_voucher(path: VoucherPath, body: VoidIn, services: Services, asked: Asked) -> Any:
    """Make a voucher void, for good."""
    order = Order("void", caller(), reason=body.reason, key=asked.idempotency_key, revision=body.revision)
    return _carry_out(path, order, services)


@vouchers.post(
    f"{_ONE}/reverse",
    needs=Permission.MANAGE,
    path=VoucherPath,
    body=ReverseIn,
    answers={200: VoucherChanged},
    refuses=(*_CODE, Voided, WrongState, *_KEY),
    links={"voucher": _BY_CODE},
    takes_key=True,
)
def reverse_voucher(path: VoucherPath, body: ReverseIn, services: Services, asked: Asked) -> Any:
    """Take a redemption back, or a reservation: the same code can be redeemed once again."""
    order = Order("reverse", caller(), reason=body.reason, key=asked.idempotency_key, revision=body.revision)
    return _carry_out(path, order, services)


def _carry_out(path: VoucherPath, order: Order, services: Services) -> Any:
    with no_guessing():
        return services.redemptions.carry_out(read_code(path.code), order)


@contextmanager
def no_guessing() -> Iterator[None]:
    """Slow down whoever tries codes: by the key, and by the address that many keys may come from.

    Raises:
        TooManyRequests: too many codes that no voucher has came from either.
    """
    guesses, guessers = parts().unknown_codes, (caller(), f"address {address()}")
    for guesser in guessers:
        guesses.check(guesser)
    try:
        yield
    except UnknownCode:
        for guesser in guessers:
            guesses.count(guesser)
        raise
