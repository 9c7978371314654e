"""What people type into forms, and what is wrong with it: in their words, beside the field."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import TypeVar
from urllib.parse import parse_qsl

from flask import g, request

from smetka.core.canonical import LARGEST_ID, LATEST_YEAR
from smetka.core.errors import Fault, InvalidValue
from smetka.core.money import LARGEST_AMOUNT, Money
from smetka.language import FORMATS, translations
from smetka.language.translations import mark
from smetka.settings import Language
from smetka.web.pages import visit
from smetka.web.parts import parts
from smetka.web.refusals import BadRequest, FormExpired, UnsupportedMediaType
from smetka.web.values import PLAIN_SUM

T = TypeVar("T")
W = TypeVar("W", bound=str)

FORM = "form"
"""The field of every form that proves where it comes from."""

UPLOAD = "upload"
"""What that field, in an address, is good for."""

_FORM = re.compile(r"application/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset=utf-8)?", re.IGNORECASE)
_LONGEST_LINE = 200
NOT_A_CURSOR = mark("must be what a page of this list gave as next")
ONLY_IDS = mark("must be a customer's id: names and e-mails are shown to owners only")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Fields:
    """The fields of one form, each read by what it must be; faults are collected for showing.

    A field that cannot be read is None, and `faults` has a sentence about it.
    """

    def __init__(self, typed: Mapping[str, str], language: Language) -> None:
        self.typed = {name: _CONTROL.sub(" ", text).strip() for name, text in typed.items()}
        self.faults: dict[str, str] = {}
        self._language: Language = language

    def amount(self, name: str, *, default: Money | None = None, positive: bool = False) -> Money | None:
        """An amount, written as the language writes them, or plainly."""
        return self._read(name, default, lambda text: _amount(text, self._language, positive=positive))

    def figure(self, name: str) -> Money | None:
        """An amount as a page of ours wrote it there: plainly, and below nothing too."""
        return self._read(name, None, _figure)

    def whole(
        self, name: str, *, default: int | None = None, least: int = 1, most: int = LARGEST_ID
    ) -> int | None:
        """A whole number, from 1 unless told otherwise."""
        return self._read(name, default, lambda text: _whole(text, least, most))

    def year(self, name: str = "year", *, default: int | None = None) -> int | None:
        """A calendar year."""
        return self.whole(name, default=default, most=LATEST_YEAR)

    def day(self, name: str, *, default: date | None = None) -> date | None:
        """A day, as a browser's date field sends it or as people here write it."""
        return self._read(name, default, _day)

    def one_of(self, name: str, choices: Collection[W], *, default: W | None = None) -> W | None:
        """One of a few words."""
        return self._read(name, default, lambda text: _one_of(text, choices))

    def text(self, name: str, *, most: int = _LONGEST_LINE, needed: bool = False) -> str | None:
        """A line of text."""
        if needed:
            self.needed(name)
        return self._read(name, None, lambda text: _line(text, most))

    def needed(self, *names: str) -> None:
        """Complain about what is left empty."""
        for name in names:
            if not self.typed.get(name):
                self.faults[name] = self._said(mark("is needed"))

    def place(self, name: str, read: Callable[[str], T]) -> T | None:
        """Where a page of a list goes on, by what the page before gave; `read` raises ValueError."""
        try:
            return read(self.typed[name]) if self.typed[name] else None
        except ValueError:
            self.complain(name, NOT_A_CURSOR)
            return None

    def check(self) -> None:
        """Go on only if nothing was complained about.

        Raises:
            InvalidValue: for a page of its own, where there is no form to show again.
        """
        if self.faults:
            raise InvalidValue([Fault(detail, parameter=name) for name, detail in self.faults.items()])

    def complain(self, name: str, rule: str) -> None:
        """Say what is wrong with a field, in English that the catalogue has."""
        self.faults[name] = self._said(rule)

    def _read(self, name: str, default: T | None, read: Callable[[str], T]) -> T | None:
        text = self.typed.get(name, "")
        if not text:
            return default
        try:
            return read(text)
        except _Wrong as wrong:
            self.faults[name] = self._said(wrong.rule).format(*wrong.values)
            return None

    def _said(self, rule: str) -> str:
        return translations(self._language).gettext(rule)


class _Wrong(Exception):
    def __init__(self, rule: str, *values: object) -> None:
        super().__init__(rule)
        self.rule, self.values = rule, values


def asked(*names: str) -> Fields:
    """The query's fields, of those that the page knows.

    Raises:
        InvalidValue: there are others, or one is given twice: a typing mistake must not pass for an answer.
    """
    faults = []
    for name, given in request.args.lists():
        if name not in {*names, "lang"}:
            faults.append(Fault("is not a query parameter here", parameter=name))
        elif len(given) > 1:
            faults.append(Fault("is given more than once", parameter=name))
    if faults:
        raise InvalidValue(faults)
    return Fields({name: request.args.get(name, "") for name in names}, visit.language())


def posted() -> Fields:
    """The fields of the form that was sent.

    Raises:
        UnsupportedMediaType, BadRequest: it is no form.
        FormExpired: it does not come from a page that this visitor was given.
    """
    if not _FORM.fullmatch(request.headers.get("Content-Type", "").strip()):
        raise UnsupportedMediaType("This address takes what its page's form sends.")
    try:
        pairs = parse_qsl(g.body.decode("utf-8"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise BadRequest("The form cannot be read.") from None
    typed = dict(pairs)
    _check_token(typed.pop(FORM, ""))
    return Fields(typed, visit.language())


def check_upload() -> None:
    """See that a form with a file comes from a page of ours, before any of the file is read.

    What proves it stands in the address. Addresses end up in logs of proxies: so it is good for this alone.

    Raises:
        UnsupportedMediaType: it is no form with a file.
        FormExpired: as `posted`.
    """
    if request.mimetype != "multipart/form-data" or not request.mimetype_params.get("boundary"):
        raise UnsupportedMediaType("This address takes what its page's form sends.")
    _check_token(request.args.get(FORM, ""), UPLOAD)


def _check_token(given: str, purpose: str = FORM) -> None:
    found = visit.known_session()
    if found is None or not hmac.compare_digest(
        parts().sessions.token(found, purpose).encode(), given.encode()
    ):
        raise FormExpired("The form was open for too long, or comes from another page; nothing was done.")


def _amount(text: str, language: Language, *, positive: bool) -> Money:
    bare = re.sub(r"[\s\u00a0\u202f']", "", text)
    # Three digits behind a mark are a group and one or two are decimals, whichever mark it is: so both
    # languages' ways are read in both, and no other reading is possible. Nobody groups behind a zero.
    if match := re.fullmatch(r"([0-9]{1,16})(?:[.,]([0-9]{1,2}))?", bare):
        whole, rest = match.groups()
    elif match := re.fullmatch(
        r"([1-9][0-9]{0,2}(?:([.,])[0-9]{3})(?:\2[0-9]{3})*)(?:(?!\2)[.,]([0-9]{1,2}))?", bare
    ):
        whole, rest = re.sub(r"[.,]", "", match[1]), match[3]
    else:
        raise _Wrong(mark("must be an amount such as {0}"), "1000" + FORMATS[language].point + "50")
    value = Money.from_decimal(Decimal(f"{whole}.{rest or 0}"))
    if value.cents > LARGEST_AMOUNT * 100:
        raise _Wrong(mark("must be at most {0}"), LARGEST_AMOUNT)
    if positive and not value.cents:
        raise _Wrong(mark("must be more than 0"))
    return value


def _figure(text: str) -> Money:
    if re.fullmatch(PLAIN_SUM, text):
        return Money.parse(text)
    raise _Wrong(mark("must be an amount such as {0}"), "1000.50")


def _whole(text: str, least: int, most: int) -> int:
    if re.fullmatch(r"0|[1-9][0-9]{0,18}", text) and least <= int(text) <= most:
        return int(text)
    raise _Wrong(mark("must be a whole number from {0} to {1}"), least, most)


def _day(text: str) -> date:
    wrong = _Wrong(mark("must be a day such as {0}"), "31.01.2027")
    if match := re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})\.?", text):
        text = f"{match[3]}-{match[2]:0>2}-{match[1]:0>2}"
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise wrong
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong from None


def _one_of(text: str, choices: Collection[W]) -> W:
    for choice in choices:
        if choice == text:
            return choice
    raise _Wrong(mark("must be one of {0}"), ", ".join(choices))


def _line(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    raise _Wrong(mark("must have at most {0} characters"), most)
