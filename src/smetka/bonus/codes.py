"""Voucher codes: how they are made, what is wrong with a mistyped one, and how input is repaired.

A code is `XXXX-XXXX-XXXX`: eleven symbols that nobody can guess and one by which a mistake is seen
without asking anybody.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

from smetka.bonus.errors import MistypedCode

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""31 symbols, without those that are taken for one another: I, L and 1, O and 0."""

_GUESSED = 11
_LENGTH = _GUESSED + 1
_BASE = len(ALPHABET)
_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}
_LONGEST_INPUT = 100

# Letters of other scripts that look like one of ours, as capitals: Cyrillic, then Greek.
_LOOK_ALIKES = str.maketrans("АВЕЅЈКМНРСТУХҮԚԜ" + "ΑΒΕΖΗΚΜΝΡΤΥΧ", "ABESJKMHPCTYXYQW" + "ABEZHKMNPTYX")


def derive(secret: bytes, user_id: int, attempt: int = 0) -> str:
    """A customer's code in a campaign: the same each time, and known to nobody without the secret.

    HMAC-SHA-256 (RFC 2104) of the user id, as a number modulo 31^11: 54.5 bits.

    Args:
        attempt: above 0 for another code, when the one before is somebody else's already.
    """
    message = f"{user_id}/{attempt}" if attempt else str(user_id)
    number = int.from_bytes(hmac.digest(secret, message.encode(), hashlib.sha256), "big")
    symbols = []
    for _ in range(_GUESSED):
        number, value = divmod(number, _BASE)
        symbols.append(ALPHABET[value])
    return _grouped("".join(symbols) + check_symbol(symbols))


def check_symbol(symbols: str | list[str]) -> str:
    """The twelfth symbol, by which Σ i·xᵢ ≡ 0 (mod 31), i = 1…12.

    As in ISBN-10 with 11: the modulus is prime and larger than any weight, so that every change of one
    symbol and every swap of two different ones breaks the sum.
    """
    total = sum(place * _VALUES[symbol] for place, symbol in enumerate(symbols, 1))
    return ALPHABET[-total * pow(_LENGTH, -1, _BASE) % _BASE]


def read_code(text: str) -> str:
    """A code as somebody typed or pasted it, in the one spelling that is kept.

    Case, spaces, dashes, full-width letters and letters of other scripts that look the same are
    repaired: none of them can be meant otherwise.

    Raises:
        MistypedCode: it cannot be a code.
    """
    if len(text) > _LONGEST_INPUT:
        raise MistypedCode
    capitals = unicodedata.normalize("NFKC", text).upper().translate(_LOOK_ALIKES)
    symbols = "".join(symbol for symbol in capitals if not _is_between(symbol))
    if len(symbols) != _LENGTH or not _VALUES.keys() >= set(symbols):
        raise MistypedCode
    if check_symbol(symbols[:_GUESSED]) != symbols[_GUESSED]:
        raise MistypedCode
    return _grouped(symbols)


def _is_between(symbol: str) -> bool:
    """Whether it only separates: space, dash, or nothing that is seen (a zero-width space, a soft hyphen)."""
    return symbol.isspace() or symbol in "_−" or unicodedata.category(symbol) in {"Pd", "Cf"}


def _grouped(symbols: str) -> str:
    return f"{symbols[:4]}-{symbols[4:8]}-{symbols[8:]}"
