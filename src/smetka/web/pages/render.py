"""Pages as HTML: what every template can say, in the visit's language."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, render_template, request
from jinja2 import Undefined
from markupsafe import Markup, escape

from smetka.core.money import Money
from smetka.core.shown_text import as_reference, shown
from smetka.keys import Permission
from smetka.language import Translations, formats, translations
from smetka.language.speech import Speech
from smetka.web import guards
from smetka.web.pages import visit
from smetka.web.parts import parts


def register(app: Flask) -> None:
    """Give an application's templates their words."""
    environment: Any = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(
        lambda text: said().gettext(text),
        lambda one, many, number: said().ngettext(one, many, number),
        newstyle=True,
        pgettext=lambda context, text: said().pgettext(context, text),
    )
    environment.finalize = _seen
    environment.filters["sent"] = _sent
    environment.globals |= {
        # For texts that stand elsewhere: unlike `_`, whose texts may hold markup, it is escaped.
        "say": lambda text: said().gettext(text),
        "amount": amount,
        "money": money,
        "short": short,
        "unit": unit,
        "difference": difference,
        "count": count,
        "percent": percent,
        "time": time,
        "day": day,
        "here": here,
        "may": may,
        "form_token": lambda: parts().sessions.token(visit.session()),
        "notice": visit.notice,
    }
    app.context_processor(_context)


def _seen(value: Any) -> Any:
    """Whatever a template prints: what is hidden in it is shown."""
    if value is None or isinstance(value, int | Undefined):
        return value
    if hasattr(value, "__html__"):
        return Markup(shown(str(value.__html__()), lines=True))  # noqa: S704 - it was markup before
    return shown(str(value), lines=True)


def _sent(value: Any) -> Markup:
    """A value that its form sends back: not a character of it changes on the way."""
    return Markup(as_reference(str(escape(value))))  # noqa: S704 - escaped here


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A page as an answer."""
    return Response(render_template(template, **values), status, content_type="text/html; charset=utf-8")


def said() -> Translations:
    """The catalogue of the visit's language."""
    return translations(visit.language())


def speech() -> Speech:
    """The visit's language, and how it writes numbers."""
    return Speech(visit.language())


def amount(value: Money | Decimal | int | None) -> str:
    """An amount without its currency."""
    return speech().amount(value)


def short(value: Money) -> str:
    """An amount without its currency, and without decimals when it has none."""
    return count(value.cents // 100) if not value.cents % 100 else amount(value)


def money(value: Money | Decimal | int | None, code: str | None = None) -> str:
    """An amount with its currency, the shop's unless told otherwise; a dash when there is none."""
    if value is None:
        return formats.NOTHING
    return f"{amount(value)} {unit(code)}"


def difference(now: Money, then: Money) -> str:
    """How much more or less an amount is than another, with its sign."""
    cents = now.cents - then.cents
    return ("+" if cents > 0 else "−" if cents else "") + short(Money(abs(cents)))


def unit(code: str | None = None) -> str:
    """A currency as people write it, the shop's unless told otherwise."""
    return speech().currency(code or parts().settings.currency)


def count(value: int | None) -> str:
    """A whole number."""
    return speech().count(value)


def percent(part: Any, whole: Any, *, sign: bool = False) -> str:
    """A share with one decimal."""
    return formats.percent(_plain(part), _plain(whole), speech().formats, sign=sign)


def _plain(value: Any) -> Any:
    return value.decimal if isinstance(value, Money) else value


def time(instant: datetime | None, zone: str | None = None) -> str:
    """An instant as the shop's clocks show it."""
    if instant is None:
        return formats.NOTHING
    return formats.local_time(
        instant, ZoneInfo(zone) if zone else parts().settings.timezone, speech().formats
    )


def day(value: date | str | None) -> str:
    """A day of the shop's calendar."""
    if value is None:
        return formats.NOTHING
    return formats.local_day(date.fromisoformat(value) if isinstance(value, str) else value, speech().formats)


def here(**changes: Any) -> str:
    """This page's address with other values in its query; None takes one out.

    Of the answer to a form it is the address of the page that the form stood on, or one above that.
    """
    is_form = request.method != "GET"
    path = _looked_at(request.path) if is_form else request.path
    query = changes if is_form else {**request.args, **changes}
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def _looked_at(path: str) -> str:
    """A path that forms are sent to, if it is a page as well; else the nearest above it that is one."""
    rules = [rule for rule in current_app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    if request.url_rule and request.url_rule.rule not in {rule.rule for rule in rules}:
        path = path.rpartition("/")[0]
    adapter = current_app.url_map.bind("")
    while path and not adapter.test(path, "GET"):
        path = path.rpartition("/")[0]
    return path or "/"


def may(permission: str) -> bool:
    """Whether the visitor may do something, by the permission's name."""
    return guards.may(Permission(permission))


def _context() -> dict[str, Any]:
    return {
        "language": visit.language(),
        "key": guards.signed_in_key(),
        "keys_needed": guards.keys_needed(),
        "settings": parts().settings,
    }
