"""`smetka voucher` and `smetka audit`: single vouchers, and who did what."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from smetka.bonus import vouchers
from smetka.bonus.audit import TERMINAL, Audit
from smetka.bonus.codes import read_code
from smetka.bonus.redemptions import MOST_MINUTES, RESERVED_MINUTES, Order, Redemptions, check
from smetka.bonus.vouchers import Action, Voucher
from smetka.cli.confirming import confirm, yes_option
from smetka.cli.options import json_option, print_json, setting_options, table
from smetka.cli.records import open_storage
from smetka.cli.speech import Speech
from smetka.cli.terminal import say
from smetka.cli.words import told
from smetka.core.canonical import LARGEST_ID
from smetka.settings import load_settings

_SHOWN = 50
_SETTINGS = ("data_dir", "language")

_code_argument = click.argument("code")
_reference_option = click.option("--reference", help="The shop's own name for the order.")
_user_option = click.option(
    "--user-id", type=click.IntRange(1, LARGEST_ID), help="Refused when it is another customer's."
)
_revision_option = click.option(
    "--revision",
    type=click.IntRange(0),
    help="As `show --json` told it: refused when the voucher was changed since; nobody is asked.",
)
_key_option = click.option("--key", help="The same at each repetition: what was done is answered as then.")


@click.group()
def voucher() -> None:
    """One voucher: what it is worth and in which state, redeeming and undoing.

    Case, spaces and dashes of a code do not matter.
    """


@voucher.command()
@_code_argument
@setting_options(*_SETTINGS)
@json_option
def show(*, code: str, as_json: bool, **options: Any) -> None:
    """A voucher with its history."""
    settings = load_settings(options)
    with open_storage(settings, "voucher") as storage:
        found = vouchers.find(storage, read_code(code))
    if as_json:
        print_json(found.as_json(_now(), with_names=True))
    else:
        say(_voucher_text(found, Speech(settings.language)))


@voucher.command()
@_code_argument
@_reference_option
@_user_option
@_key_option
@setting_options(*_SETTINGS)
@json_option
def redeem(*, code: str, as_json: bool, **asked: Any) -> None:
    """Redeem a voucher; the first one wins."""
    _carry_out("redeem", code, asked, as_json=as_json)


@voucher.command()
@_code_argument
@_reference_option
@_user_option
@click.option(
    "--minutes",
    type=click.IntRange(1, MOST_MINUTES),
    default=RESERVED_MINUTES,
    show_default=True,
    help="How long nobody else may redeem it.",
)
@_key_option
@setting_options(*_SETTINGS)
@json_option
def reserve(*, code: str, as_json: bool, **asked: Any) -> None:
    """Hold a voucher for a checkout."""
    _carry_out("reserve", code, asked, as_json=as_json)


@voucher.command()
@_code_argument
@click.option("--reason", required=True, help="Why; stays in the voucher's history.")
@_revision_option
@yes_option
@setting_options(*_SETTINGS)
@json_option
def void(*, code: str, as_json: bool, yes: bool, **asked: Any) -> None:
    """Make a voucher void, for good."""
    _carry_out("void", code, asked, as_json=as_json, yes=yes)


@voucher.command()
@_code_argument
@click.option("--reason", help="Why; stays in the voucher's history.")
@_revision_option
@yes_option
@setting_options(*_SETTINGS)
@json_option
def reverse(*, code: str, as_json: bool, yes: bool, **asked: Any) -> None:
    """Take a redemption back, or a reservation: the same code can be redeemed once again."""
    _carry_out("reverse", code, asked, as_json=as_json, yes=yes)


@click.command()
@click.option("--code", help="Only about this voucher.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=_SHOWN, show_default=True)
@setting_options("data_dir")
@json_option
def audit(*, code: str | None, limit: int, as_json: bool, **options: Any) -> None:
    """Who did what to campaigns, vouchers and bonus customers, the newest first."""
    with open_storage(load_settings(options), "audit") as storage:
        entries = [
            entry.as_json()
            for entry in Audit(storage, now=_now).page(limit, code=read_code(code) if code else None)
        ]
    if as_json:
        print_json(entries)
    elif not entries:
        say("Nobody has done anything yet.", err=True)
    else:
        say(table([("at", "by", "action", "about", "happened"), *map(_row, entries)]))


def _voucher_text(found: Voucher, said: Speech) -> str:
    _, zone = said.gettext, ZoneInfo(found.timezone)
    events = [
        (
            said.time(event.at, zone),
            _action(event.action, said),
            _who(event.by, said),
            event.reference or told(event.reason or "", said),
        )
        for event in found.history
    ]
    valid = _(
        "Valid from %(first)s to %(last)s", first=said.day(found.first_day), last=said.day(found.last_day)
    )
    state, value = said.voucher_state(found.status_at(_now())), said.money(found.value, found.currency)
    lines = [
        f"{found.code}: {state}, {value}",
        _("Customer {user_id}, campaign {name}", user_id=found.user_id, name=found.campaign),
        f"{valid} ({found.timezone})",
        *_held(found, said),
        table([(said.time(found.issued_at, zone), _action("issue", said), "", ""), *events]),
    ]
    return "\n".join(lines)


def _held(found: Voucher, said: Speech) -> list[str]:
    """Until when it is reserved, where it is."""
    if found.reserved_until is None or found.status_at(_now()) != "reserved":
        return []
    until = said.moment(found.reserved_until, ZoneInfo(found.timezone))
    return [said.gettext("Reserved until {time}", time=until)]


def _action(action: str, said: Speech) -> str:
    """What was done to a voucher, as said of the voucher."""
    if said.language == "en":
        return action
    words = {
        "issue": said.pgettext("voucher", "issued"),
        "reserve": said.pgettext("voucher", "reserved"),
        "redeem": said.pgettext("voucher", "redeemed"),
        "void": said.pgettext("voucher", "void"),
        "reverse": said.pgettext("voucher", "taken back"),
    }
    return words[action]


def _who(by: str, said: Speech) -> str:
    """Who did it: a key, or what stands where there was none."""
    if said.language == "en":
        return by
    if by == TERMINAL:
        return said.gettext("somebody at the server's terminal")
    if by.startswith("key "):
        return said.gettext("key %(name)s", name=by.removeprefix("key "))
    return said.gettext("anybody, while no key was needed") if by == "anybody" else by


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    about = (
        entry["campaign"],
        entry["code"],
        entry["year"],
        entry["user_id"],
        entry["customers"],
        entry["amount"],
        entry["reference"],
        entry["reason"],
    )
    happened = {True: "yes", False: "no", None: ""}[entry["happened"]]
    return entry["at"], entry["by"], entry["action"], " ".join(str(each) for each in about if each), happened


def _carry_out(
    action: Action, code: str, asked: dict[str, Any], *, as_json: bool, yes: bool | None = None
) -> None:
    """Do it; `yes` is None for what needs no second look."""
    known = read_code(code)
    settings = load_settings({name: asked.pop(name) for name in _SETTINGS})
    said = Speech(settings.language)
    with open_storage(settings, "voucher") as storage:
        # Before the change: what is done must not be told as failed as MongoDB is away a moment later.
        found = vouchers.find(storage, known)
        order = Order(action, TERMINAL, **asked)
        if yes is not None:
            check(found, order, _now())
            confirm(_voucher_text(found, said), said, yes=yes or order.revision is not None)
            order = replace(order, revision=found.revision)
        answer = Redemptions(storage, Audit(storage, now=_now), now=_now).carry_out(known, order)
    if as_json:
        print_json(answer)
    else:
        say(_changed(answer, ZoneInfo(found.timezone), said))


def _changed(answer: dict[str, Any], zone: ZoneInfo, said: Speech) -> str:
    """What became of a voucher."""
    text = said.gettext(
        "{code} is {state}: {value}, customer {user_id}.",
        code=answer["code"],
        state=said.voucher_state(answer["status"]),
        value=said.money(answer["value"], answer["currency"]),
        user_id=answer["user_id"],
    )
    match answer["status"]:
        case "reserved":
            until = said.moment(datetime.fromisoformat(answer["reserved_until"]), zone)
            more = said.gettext("Reserved until {time}", time=until)
        case "expired":
            more = said.gettext(
                "It was taken back after its last day, {day} ({zone}): it cannot be redeemed again.",
                day=said.day(answer["valid_until"]),
                zone=zone,
            )
        case _:
            return text
    return f"{text}\n{more}"


def _now() -> datetime:
    return datetime.now(UTC)
