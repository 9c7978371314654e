"""Vouchers to print, as PDF: with the customer's name, the code, and the code as a QR symbol."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Literal

from smetka.core.errors import CommandFailed
from smetka.core.money import Money
from smetka.core.shown_text import bare

_FONTS = Path(__file__).parent.parent / "fonts"
_PLAIN, _BOLD = "DejaVuSans", "DejaVuSans-Bold"
_ELLIPSIS = "…"
_MOST_MEASURED = 500
"""Characters of a line: more than fit on any, and each that is cut off costs a look at all before it."""

# In points, of which A4 has 595.28 by 841.89.
_PAGE_WIDTH, _PAGE_HEIGHT = 595.28, 841.89
_PAD, _QR, _QUIET_ZONE = 15, 78, 4
_MASK = 0
"""Of the QR symbols' eight. The letters of a code are random, which no mask makes more so: the best of all
is looked for in vain, and that takes most of the time of printing."""
_DARK = re.compile(b"\x01+")
_INK, _FAINT, _RULE = (0.11, 0.13, 0.17), (0.42, 0.45, 0.50), (0.78, 0.80, 0.83)
_ACCENT = (0.05, 0.38, 0.42)


@dataclass(frozen=True, slots=True)
class PrintedVoucher:
    """What stands on one voucher; the name may be empty, and both days are valid ones."""

    code: str
    value: Money
    name: str
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    valid: str
    for_whom: str


_WORDS = {
    "en": _Words("Gift voucher", "Valid {first} to {last}", "For {name}"),
    "mk": _Words("Подарок-ваучер", "Важи од {first} до {last}", "За {name}"),
}


@dataclass(frozen=True, slots=True)
class _Box:
    """Where one voucher stands, from its lower left corner, and how large its type is."""

    left: float
    bottom: float
    width: float
    height: float
    scale: float


def print_vouchers(
    output: BinaryIO,
    vouchers: Iterable[PrintedVoucher],
    *,
    campaign: str,
    currency: str,
    timezone: str,
    language: Literal["en", "mk"],
    per_page: Literal[1, 8],
) -> int:
    """Write a PDF on A4 and return how many vouchers are in it. The same ones give the same bytes.

    Raises:
        CommandFailed: there is no voucher to print, or the libraries for it are not installed.
    """
    everyone = iter(vouchers)
    try:
        first = next(everyone)
    except StopIteration:
        raise CommandFailed("There is no voucher to print.") from None
    sheet = _sheet(output, campaign)
    press = _Press(sheet, campaign, currency, timezone, language)
    boxes = _one_box() if per_page == 1 else _eight_boxes()
    written = 0
    for voucher in chain([first], everyone):
        place = written % per_page
        if written and not place:
            sheet.showPage()
        press.print(voucher, boxes[place])
        written += 1
    sheet.showPage()
    sheet.save()
    return written


def _sheet(output: BinaryIO, title: str) -> Any:
    try:
        from reportlab import rl_config
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont

        from smetka.bonus import pdf
    except ImportError:
        raise CommandFailed('Printing needs the extra print: pip install "smetka[print]".') from None
    for name in (_PLAIN, _BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(_FONTS / f"{name}.ttf")))
    rl_config.useA85 = 0  # pages in letters are a quarter larger, and take longer to write
    sheet = pdf.sheet(output, (_PAGE_WIDTH, _PAGE_HEIGHT), _PLAIN)
    sheet.setTitle(title)
    sheet.setAuthor("")
    sheet.setCreator("Smetka")
    return sheet


def _one_box() -> list[_Box]:
    width, height = 440.0, 250.0
    return [_Box((_PAGE_WIDTH - width) / 2, (_PAGE_HEIGHT - height) / 2, width, height, 1.55)]


def _eight_boxes() -> list[_Box]:
    width, height, margin = 265.0, 190.0, 14.0
    left = (_PAGE_WIDTH - 2 * width - margin) / 2
    top = (_PAGE_HEIGHT + 4 * height + 3 * margin) / 2
    return [
        _Box(left + column * (width + margin), top - (row + 1) * height - row * margin, width, height, 1.0)
        for row in range(4)
        for column in range(2)
    ]


@dataclass(frozen=True, slots=True)
class _Style:
    font: str
    size: float
    colour: tuple[float, float, float]


class _Press:
    """Draws vouchers on a sheet, in boxes of one size."""

    def __init__(
        self, sheet: Any, campaign: str, currency: str, timezone: str, language: Literal["en", "mk"]
    ) -> None:
        self._sheet, self._campaign, self._timezone = sheet, campaign, timezone
        self._currency, self._language, self._words = currency, language, _WORDS[language]
        self._frames: dict[tuple[Money, date, date], str] = {}

    def print(self, voucher: PrintedVoucher, box: _Box) -> None:
        """Draw one voucher into a box; nothing of it leaves the box."""
        scale, sheet = box.scale, self._sheet
        pad, qr = _PAD * scale, _QR * scale
        width = box.width - 2 * pad
        sheet.saveState()
        sheet.translate(box.left, box.bottom)
        sheet.doForm(self._frame(voucher, box))
        if name := _printable(voucher.name):
            whom = self._words.for_whom.format(name=name)
            self._line(whom, (pad, pad + 62 * scale), width, _Style(_PLAIN, 10 * scale, _INK))
        self._qr(voucher.code, pad + width - qr, box.height - pad - qr, qr)
        self._line(voucher.code, (pad, pad + 38 * scale), width, _Style(_BOLD, 17 * scale, _INK))
        sheet.restoreState()

    def _frame(self, voucher: PrintedVoucher, box: _Box) -> str:
        """What is the same on many vouchers, drawn once; the name by which it is put on a page."""
        alike = voucher.value, voucher.valid_from, voucher.valid_until
        if (known := self._frames.get(alike)) is not None:
            return known
        name = self._frames[alike] = f"frame{len(self._frames)}"
        scale, sheet = box.scale, self._sheet
        pad = _PAD * scale
        width, top = box.width - 2 * pad, box.height - pad
        beside_qr = width - (_QR + 8) * scale
        sheet.beginForm(name, -1, -1, box.width + 1, box.height + 1)  # half of a line is outside
        sheet.setStrokeColorRGB(*_RULE)
        sheet.setLineWidth(0.6)
        sheet.setDash(3, 3)
        sheet.rect(0, 0, box.width, box.height)
        sheet.setDash()
        title, amount = self._words.title.upper(), self._amount(voucher.value)
        self._line(title, (pad, top - 8 * scale), beside_qr, _Style(_BOLD, 8.5 * scale, _ACCENT))
        self._line(amount, (pad, top - 36 * scale), beside_qr, _Style(_BOLD, 21 * scale, _INK))
        sheet.line(pad, pad + 28 * scale, pad + width, pad + 28 * scale)
        valid = self._words.valid.format(first=_day(voucher.valid_from), last=_day(voucher.valid_until))
        small = _Style(_PLAIN, 7.5 * scale, _INK)
        self._line(f"{valid} ({self._timezone})", (pad, pad + 14 * scale), width, small)
        self._line(self._campaign, (pad, pad + 2 * scale), width, _Style(_PLAIN, 6.5 * scale, _FAINT))
        sheet.endForm()
        return name

    def _amount(self, value: Money) -> str:
        text = f"{value.decimal:,.2f}"
        if self._language == "mk":
            text = text.translate(str.maketrans(",.", ".,"))
            return f"{text} {'ден.' if self._currency == 'MKD' else self._currency}"
        return f"{text} {self._currency}"

    def _line(self, text: str, at: tuple[float, float], width: float, style: _Style) -> None:
        """Write one line no wider than `width`: smaller if it must, cut if that is not enough."""
        if len(text) > _MOST_MEASURED:
            text = text[:_MOST_MEASURED].rstrip() + _ELLIPSIS
        font, size = style.font, style.size
        smallest = size * 0.7
        while (is_too_wide := self._sheet.stringWidth(text, font, size) > width) and size > smallest:
            size = max(size * 0.95, smallest)
        if is_too_wide:
            while text and self._sheet.stringWidth(text + _ELLIPSIS, font, size) > width:
                text = text[:-1]
            text = text.rstrip() + _ELLIPSIS
        self._sheet.setFont(font, size)
        self._sheet.setFillColorRGB(*style.colour)
        self._sheet.drawString(*at, text)

    def _qr(self, code: str, left: float, bottom: float, size: float) -> None:
        """Draw the QR symbol of a code, its quiet zone included, as one filled path."""
        import segno

        rows = segno.make(code, error="m", micro=False, mask=_MASK).matrix
        module = size / (len(rows) + 2 * _QUIET_ZONE)
        # In modules, counted from the upper left one.
        runs = [
            f"{run.start()} {number} {run.end() - run.start()} 1 re"
            for number, row in enumerate(rows)
            for run in _DARK.finditer(row)
        ]
        zone = _QUIET_ZONE * module
        self._sheet.addLiteral(
            f"q {module:.6f} 0 0 {-module:.6f} {left + zone:.3f} {bottom + size - zone:.3f} cm 0 0 0 rg "
            f"{' '.join(runs)} f Q"
        )


def _printable(text: str) -> str:
    """A name on one line, without what has no place there: control characters, marks of direction."""
    return " ".join(bare(text).split())


def _day(day: date) -> str:
    return f"{day.day:02}.{day.month:02}.{day.year}"
