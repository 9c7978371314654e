"""Messages to the managers' chats: what became of them, who gets them, sending some now or by themselves."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response
from markupsafe import Markup, escape

from smetka.core.errors import BonusStoreUnavailable, NotFound, WrongState
from smetka.keys import Permission, RoleName
from smetka.language import LANGUAGES
from smetka.language.terms import ROLES
from smetka.settings import Language
from smetka.settings.rules import chat_id
from smetka.telegram.chats import Chat, as_known
from smetka.telegram.delivery import DELIVERED, STATES, Delivery
from smetka.telegram.outbox import Place
from smetka.telegram.state import WorkerState
from smetka.telegram.topics import GENERAL, chat_of, split
from smetka.web import guards
from smetka.web.pages import declared, forms, message_texts, render, schedules, visit
from smetka.web.parts import services
from smetka.web.refusals import BadRequest, NotAllowed
from smetka.web.values import cursor_of, read_cursor

PAGE = 25
MOST_HOURS = 24 * 31

_ROLES: tuple[RoleName, ...] = ("reader", "cashier", "manager", "owner")
_DONE = "/messages#main"
"""Where forms lead: what browsers bring along from a form's own address would scroll past the notice."""

_BACK = re.compile(r"/messages(?:[/?][^\x00-\x20\\]*)?")


@dataclass(frozen=True, slots=True)
class _Stored:
    """What MongoDB has for the page."""

    counts: Mapping[str, int | None]
    deliveries: list[Delivery]
    next: str | None
    chats: list[Chat]
    schedules: list[schedules.Row]


@dataclass(frozen=True, slots=True)
class _ChatRow:
    """A chat as the page lists it; `role` is the manager's where the settings alone give it."""

    chat: Chat
    is_configured: bool
    role: RoleName | None
    language: Language


@declared.get("/messages", needs=Permission.READ, reads_all=True)
def messages() -> Response:
    """Everything about messages."""
    fields = forms.asked("state", "cursor")
    state = fields.one_of("state", STATES)
    after = fields.place("cursor", read_cursor)
    fields.check()
    return _page(state=state, after=after)


@declared.post("/messages", needs=Permission.MANAGE)
def messages_form() -> Any:
    """What the page's forms are sent to, so that a faulty one is shown at the page's own address."""
    fields = forms.posted()
    match fields.typed.get("do"):
        case "preview" | "send" as order:
            return _averages(fields, send=order == "send")
        case "invite":
            return _invite(fields)
        case "schedule":
            return _schedule(fields)
    raise BadRequest("The form cannot be read.")


@declared.post("/messages/chats", needs=Permission.MANAGE)
def change_chat() -> Any:
    """Another language, writing to it again, or its role taken away."""
    fields = forms.posted()
    said, chat = render.said(), _listed_chat(fields.typed.get("chat", ""))
    match fields.typed.get("do"):
        case ("en" | "mk") as language:
            services().chats.speak(chat.id, language)
            notice = (
                said.gettext("The chat {chat} is written to in English from now on.")
                if language == "en"
                else said.gettext("The chat {chat} is written to in Macedonian from now on.")
            )
        case "resume":
            # Of a topic the topic alone, unless it is its chat that is paused.
            services().chats.resume(chat.id) or services().chats.resume(chat_of(chat.id))
            notice = said.gettext(
                "The chat {chat} is written to again. Messages that were held back are sent when you say so."
            )
        case "unpair":
            if chat.role == "owner" and not guards.may(Permission.OWN):
                raise NotAllowed(_own_role(), Permission.OWN)
            services().chats.unpair(chat.id)
            notice = said.gettext("The chat {chat} has no role from an invite any more.")
        case _:
            raise BadRequest("The form cannot be read.")
    return visit.go_to("/messages", notice.format(chat=chat.id))


@declared.post("/messages/deliveries", needs=Permission.MANAGE)
def change_delivery() -> Any:
    """A message sent again, or cancelled."""
    fields = forms.posted()
    said, outbox, delivery_id = render.said(), services().outbox, fields.typed.get("id", "")
    back = fields.typed.get("back", "")
    try:
        match fields.typed.get("do"):
            case "retry":
                outbox.retry(delivery_id)
                notice = said.gettext("The message will be sent again.")
            case "cancel":
                outbox.cancel(delivery_id)
                notice = said.gettext("The message is cancelled.")
            case _:
                raise BadRequest("The form cannot be read.")
    except WrongState:
        notice = said.gettext("Nothing was changed: the message is in another state by now.")
    return visit.go_to(back if _BACK.fullmatch(back) else "/messages", notice)


@declared.get("/messages/<delivery_id>", needs=Permission.READ)
def message(delivery_id: str) -> Response:
    """One message as its chat gets it, and what became of it."""
    forms.asked()
    delivery = services().outbox.get(delivery_id)
    language = delivery.language or message_texts.language_of(services().chats.get(delivery.chat))
    return render.page(
        "messages_one.html",
        delivery=delivery,
        parts=message_texts.composed(delivery, language),
        message_language=language,
        **message_texts.words(),
    )


def _averages(fields: forms.Fields, *, send: bool) -> Any:
    """The averages shown as the chats will get them, or queued."""
    year = fields.year("send_year")
    basis = fields.one_of("send_basis", schedules.BASES, default=services().settings.average_basis)
    if fields.faults:
        return _page(422, typed={"send": fields})
    # Its own name for what the form asks for: sent twice it is queued once, changed it is another.
    name = f"send {schedules.once(fields)} {year or 'all'} {basis}"
    report = services().figures.averages(year, basis)
    if not send:
        return _page(typed={"send": fields}, preview=message_texts.previewed(name, report))
    queued = services().outbox.queue(name, "averages", report, services().settings.recipients)
    notice = render.said().gettext("Nothing was sent: no chat gets reports yet.")
    if queued:
        notice = render.said().ngettext(
            "The averages are on their way to {count} chat.",
            "The averages are on their way to {count} chats.",
            len(queued),
        )
    return visit.go_to(_DONE, notice.format(count=render.count(len(queued))))


def _invite(fields: forms.Fields) -> Any:
    """An invite, whose code is told once."""
    role = fields.one_of("role", _roles())
    fields.needed("role")
    language = fields.one_of("language", LANGUAGES, default=services().settings.language)
    hours = fields.whole("hours", default=24, most=MOST_HOURS)
    if fields.faults or role is None or hours is None:
        return _page(422, typed={"invite": fields})
    code, ends = services().invites.make(role, language=language, hours=hours)
    said = escape(
        render.said().gettext(
            "The invite is made, and its code is shown only now. Whoever first sends {order} to the bot has "
            "the role {role}. It works until {time}."
        )
    )
    order = Markup("<code>/start {}</code>").format(code)
    role_name = render.said().gettext(ROLES[role])
    return visit.go_to(_DONE, said.format(order=order, role=role_name, time=render.time(ends)))


def _schedule(fields: forms.Fields) -> Any:
    """A schedule, added."""
    added = schedules.add(fields)
    if added is None:
        return _page(422, typed={"schedule": fields})
    times = [render.time(time) for time in services().schedules.next_times(added)]
    said = render.said().gettext("The schedule {name} is set; it is due next at {times} ({zone}).")
    zone = services().settings.timezone
    return visit.go_to(_DONE, said.format(name=added.name, times=", ".join(times), zone=zone))


def _page(
    status: int = 200,
    *,
    state: str | None = None,
    after: Place | None = None,
    typed: Mapping[str, forms.Fields] | None = None,
    preview: Mapping[Language, Any] | None = None,
) -> Response:
    """The whole page.

    Args:
        typed: a form that is shown again, by its name.
    """
    working = services().worker_and_telegram()
    stored = _stored(state, after, working)
    sent = (typed or {}).get("send")
    return render.page(
        "messages.html",
        status,
        working=working,
        stored=stored,
        state=state,
        is_first=after is None,
        chats=_chat_rows(stored.chats if stored else ()),
        typed=typed or {},
        preview=preview,
        once=sent.typed.get("once") if sent else uuid.uuid4().hex,
        run_once=uuid.uuid4().hex,
        invitable=_roles(),
        times=schedules.times(),
        own_time=schedules.OWN_TIME,
        years=schedules.years(),
        **message_texts.words(),
    )


def _stored(state: str | None, after: Place | None, working: WorkerState) -> _Stored | None:
    """None while MongoDB is away."""
    outbox = services().outbox
    try:
        found = outbox.newest(PAGE + 1, state=state, after=after)
        shown = found[:PAGE]
        return _Stored(
            outbox.counts() | {DELIVERED: _delivered(working)},
            shown,
            cursor_of(Place(shown[-1].created_at, shown[-1].id)) if len(found) > PAGE else None,
            services().chats.all(),
            schedules.listed(),
        )
    except BonusStoreUnavailable:
        return None


def _delivered(working: WorkerState) -> int | None:
    """How many are delivered by now; None when no worker has counted them.

    They are by far the most: the worker counts them, each minute, and only those since then are looked at.
    """
    counted, at = working.deliveries.get(DELIVERED), working.counted_at
    return counted if counted is None or at is None else counted + services().outbox.delivered_since(at)


def _chat_rows(known: Iterable[Chat]) -> list[_ChatRow]:
    """The chats of the settings, then the others of which something is known."""
    configured, known = services().settings.telegram_chat_ids, list(known)
    rows = []
    # That a chat's General is paused stands in a record of its own, and in the chat's row.
    for each in dict.fromkeys([*configured, *(c.id for c in known if split(c.id)[1] != GENERAL)]):
        chat, is_configured = as_known(each, known), each in configured
        is_managers = chat.role is None and is_configured and not chat.is_group
        role: RoleName | None = "manager" if is_managers else chat.role
        rows.append(_ChatRow(chat, is_configured, role, message_texts.language_of(chat)))
    return rows


def _listed_chat(text: str) -> Chat:
    """The chat that a button of the page is about."""
    try:
        chat = services().chats.get(chat_id(text))
    except ValueError:
        raise BadRequest("The form cannot be read.") from None
    if chat == Chat(chat.id) and chat.id not in services().settings.telegram_chat_ids:
        raise NotFound(f"Nothing is known of a chat {chat.id}.")
    return chat


def _roles() -> tuple[RoleName, ...]:
    """The roles that the visitor may give."""
    return _ROLES if guards.may(Permission.OWN) else _ROLES[:-1]


def _own_role() -> str:
    key = guards.signed_in_key()
    return key.role if key else ""
