"""The cash desk: is this voucher good, take it, and take that back when it was a slip."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import redirect

from smetka.bonus import errors as bonus
from smetka.bonus import vouchers as kept
from smetka.bonus.codes import read_code
from smetka.bonus.redemptions import Order
from smetka.bonus.vouchers import Voucher
from smetka.core.errors import Changed, Refusal, WrongState
from smetka.keys import Permission
from smetka.web import guards
from smetka.web.pages import declared, forms, render
from smetka.web.parts import services
from smetka.web.problems import STATUS
from smetka.web.vouchers import no_guessing

PATIENCE_SECONDS = 3.0

_REFUSALS = (
    bonus.MistypedCode,
    bonus.UnknownCode,
    bonus.Voided,
    bonus.AlreadyRedeemed,
    bonus.Expired,
    bonus.NotYetValid,
    bonus.Reserved,
    bonus.OtherCustomer,
    bonus.KeyReused,
    bonus.InProgress,
    WrongState,
    Changed,
)


@declared.get("/desk", needs=Permission.REDEEM)
def desk() -> Any:
    """The field for a code."""
    forms.asked()
    return _page("", 200)


@declared.get("/desk/redeem", needs=Permission.REDEEM)
@declared.get("/desk/undo", needs=Permission.REDEEM)
def desk_again() -> Any:
    """Where a form's answer stood: asked for again, the desk."""
    return redirect("/desk", 303)


@declared.post("/desk", needs=Permission.REDEEM)
def look_up() -> Any:
    """Say plainly whether a code is good. Changes nothing."""
    return _answer(forms.posted())


@declared.post("/desk/redeem", needs=Permission.REDEEM)
def redeem_here() -> Any:
    """Redeem; the same form sent twice redeems once and says the same."""
    fields = forms.posted()
    once = fields.typed.get("once", "")[:64] or secrets.token_urlsafe(16)
    order = Order("redeem", guards.caller(), key=f"desk {once}")
    return _answer(fields, lambda code: _carry_out(code, order), done="redeemed")


@declared.post("/desk/undo", needs=Permission.REDEEM)
def undo() -> Any:
    """Take back what this very desk redeemed within the last minute."""
    fields, by = forms.posted(), guards.caller()
    fields.needed("revision")
    revision = fields.whole("revision")
    fields.check()
    return _answer(
        fields, lambda code: services().redemptions.undo(code, by, revision=revision), done="undone"
    )


def _answer(fields: forms.Fields, change: Callable[[str], object] | None = None, *, done: str = "") -> Any:
    """Do something to the voucher of the form, if anything, and say how it is then, or why not."""
    text = fields.typed.get("code", "")
    try:
        with no_guessing():
            code = read_code(text)
            if change is not None:
                change(code)
            voucher = kept.find(services().storage, code)
    except _REFUSALS as refusal:
        return _page(text, STATUS[type(refusal)], refusal=refusal)
    return _page(voucher.code, 200, voucher=voucher, done=done)


def _carry_out(code: str, order: Order) -> None:
    """Do it, or wait for the very same order that is on its way: a double click is answered as one."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            services().redemptions.carry_out(code, order)
        except bonus.InProgress:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
        else:
            return


def _page(
    code: str,
    status: int,
    *,
    voucher: Voucher | None = None,
    refusal: Refusal | None = None,
    done: str = "",
) -> Any:
    now = services().now()
    state = voucher.status_at(now) if voucher else None
    if voucher and state == "issued" and now < voucher.valid_from:
        state = "not-yet-valid"
    return render.page(
        "desk.html",
        status,
        code=code,
        voucher=voucher,
        state=state,
        refusal=refusal.slug if refusal else None,
        held=_held(voucher if state == "reserved" else refusal),
        is_over=bool(voucher and now >= voucher.expires_at),
        done=done,
        once=secrets.token_urlsafe(16),
        may_undo=bool(voucher and services().redemptions.may_undo(voucher, guards.caller())),
    )


def _held(of: Voucher | Refusal | None) -> tuple[datetime, str] | None:
    """The end of a reservation that stands in the way, and the voucher's time zone."""
    match of:
        case Voucher(reserved_until=datetime() as until, timezone=zone):
            return until, zone
        case bonus.Reserved(until=until, timezone=zone):
            return until, zone
    return None
