"""What the bot says besides reports, in English and Macedonian."""

from __future__ import annotations

from typing import Any

from smetka.core.errors import LedgerUnavailable
from smetka.core.periods import is_whole
from smetka.core.shown_text import bare
from smetka.language.formats import amount, count, currency
from smetka.language.words import Catalogue
from smetka.telegram.figures import Figures
from smetka.telegram.layout import escaped
from smetka.telegram.messages.frame import Frame
from smetka.telegram.parts import Part, Text

COMMANDS = {
    "en": {
        "averages": "what age groups spend: /averages, /averages 2025, /averages 2025 payment",
        "total": "what one customer spent: /total 100, /total 100 2025",
        "due": "who is due the year-end bonus: /due, /due 2025",
        "shop": "the shop as a whole: /shop, /shop 2025",
        "language": "Macedonian or English: /language mk",
        "help": "what can be asked",
    },
    "mk": {
        "averages": "колку трошат возрасните групи: /averages, /averages 2025, /averages 2025 payment",
        "total": "колку потрошил еден купувач: /total 100, /total 100 2025",
        "due": "кому му следува годишниот бонус: /due, /due 2025",
        "shop": "продавницата како целина: /shop, /shop 2025",
        "language": "македонски или англиски: /language mk",
        "help": "што може да се праша",
    },
}
"""Each command and what it is for, as `setMyCommands` and /help tell it."""

_FIELDS = {
    "en": {
        "id": "needs a customer's id in plain digits, for example /total 100",
        "year": "takes a year in plain digits, from 1 to 9999, for example 2025",
        "too-much": "has too many words behind it",
        "language": "needs mk or en",
    },
    "mk": {
        "id": "бара број на купувач, само цифри, на пример /total 100",
        "year": "прима година, само цифри, од 1 до 9999, на пример 2025",
        "too-much": "има премногу зборови зад себе",
        "language": "бара mk или en",
    },
}

_SAID = {
    "en": {
        "paired": "This chat is connected, as {role}. Write /help to see what you can ask.",
        "invite-not-valid": "This invite does not work: it was used, has ended, or is mistyped.",
        "invite-seen": (
            "Others can read this invite, so it does not work any more. "
            "Ask for another, and open it in a chat with me alone."
        ),
        "not-allowed": "Your role does not include this.",
        "not-understood": "I do not know that. Write /help to see what you can ask.",
        "no-ledger": "The bot was started without the shop's ledger; only messages are sent.",
        "ledger-away": "The shop's ledger cannot be read right now. Try again shortly.",
        "unknown-customer": "There is no customer {user_id} in the ledger.",
        "language": "From now on in English.",
        "too-many": "That was a lot at once. Go on in a minute.",
        "hidden": "I cannot tell who asks: write as yourself, not anonymously or as a channel.",
        "channel": (
            "Nobody can ask in a channel; to send reports here, name {chat} in SMETKA_TELEGRAM_CHAT_IDS."
        ),
    },
    "mk": {
        "paired": "Овој разговор е поврзан, улога: {role}. Напишете /help за да видите што може да се праша.",
        "invite-not-valid": "Оваа покана не важи: искористена е, истекла е или е погрешно напишана.",
        "invite-seen": (
            "Оваа покана можат да ја прочитаат и други, па затоа повеќе не важи. "
            "Побарајте друга и отворете ја во приватен разговор со мене."
        ),
        "not-allowed": "Вашата улога не го опфаќа ова.",
        "not-understood": "Не го знам тоа. Напишете /help за да видите што може да се праша.",
        "no-ledger": "Ботот е стартуван без книгата на продавницата; само праќа пораки.",
        "ledger-away": "Книгата на продавницата сега не може да се прочита. Обидете се повторно наскоро.",
        "unknown-customer": "Во книгата нема купувач {user_id}.",
        "language": "Отсега на македонски.",
        "too-many": "Тоа беше многу одеднаш. Продолжете за една минута.",
        "hidden": "Не можам да видам кој прашува: пишете од свое име, а не анонимно или како канал.",
        "channel": (
            "Во канал не може да се прашува; за да стигнуваат извештаи овде, "
            "наведете {chat} во SMETKA_TELEGRAM_CHAT_IDS."
        ),
    },
}

STRANGER = "This bot answers only those who were invited.\nОвој бот им одговара само на поканетите."
"""The same whatever a stranger sends, so that nothing can be learnt from it."""

_SPENT = {
    "en": (
        "Customer {user_id}",
        "Spent in {year}: <b>{total} {currency}</b>, payments {payments}.",
        "all years",
    ),
    "mk": (
        "Купувач {user_id}",
        "Потрошил, {year}: <b>{total} {currency}</b>, плаќања {payments}.",
        "сите години",
    ),
}
_HELP = {"en": "You can ask:", "mk": "Може да прашате:"}


def reply_parts(report: dict[str, Any], frame: Frame) -> tuple[Part, ...]:
    """A sentence, or the list of commands."""
    language = frame.language
    match report["say"]:
        case "stranger":
            text = STRANGER
        case "help":
            names = [*report["commands"], "language", "help"]
            lines = [f"/{name} – {escaped(COMMANDS[language][name])}" for name in names]
            text = "\n".join([_HELP[language], *lines])
        case "usage":
            text = f"/{escaped(report['command'])} {_FIELDS[language][report['field']]}."
        case what:
            text = escaped(_SAID[language][what].format(**report))
    return (Text("text", text),)


def customer_parts(report: dict[str, Any], frame: Frame, figures: Figures | None) -> tuple[Part, ...]:
    """What a customer spent; who that is only for those who may know, asked for at this moment."""
    words = frame.words
    title, spent, all_years = _SPENT[frame.language]
    lines = [frame.head(title.format(user_id=report["user_id"]))]
    if report["personal"] and figures is not None:
        lines += _person(report["user_id"], figures)
    lines.append(
        spent.format(
            year=_year(report, words) or all_years,
            total=amount(report["total_spending"], words),
            currency=escaped(currency(report["currency"], words)),
            payments=count(report["payments"], words),
        )
    )
    return (Text("text", "\n".join([*lines, frame.tail()])),)


def _year(report: dict[str, Any], words: Catalogue) -> str | None:
    year: int | None = report["year"]
    if year is None:
        return None
    return str(year) if is_whole(report) else f"{year} ({words.unfinished})"


def _person(user_id: int, figures: Figures) -> list[str]:
    try:
        person = figures.person(user_id)
    except LedgerUnavailable:
        return []
    return [escaped(bare(text)) for text in (person.name, person.email) if text] if person else []
