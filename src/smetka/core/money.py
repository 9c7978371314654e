"""Exact amounts of money: whole cents inside, text and JSON numbers at the edges.

Currencies with two decimals (or none, whose cents are then always 00) are supported;
those with more are refused when Smetka starts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

CENTS = 100
"""Cents in one unit of the currency."""

LARGEST_AMOUNT = 10**12
"""The largest amount accepted from outside, in units of the currency."""

_PLAIN_AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]{1,2})?")

# ISO 4217, the list of active codes of 2025, without funds, metals and testing codes.
_TWO_DECIMALS_OR_NONE = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR ISK JMD JPY KES KGS KHR KMF KPW KRW KYD
    KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO
    NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
    SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND
    VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()
)
_MORE_DECIMALS = frozenset("BHD CLF IQD JOD KWD LYD OMR TND UYW".split())


@dataclass(frozen=True, order=True, slots=True)
class Money:
    """An amount in the shop's currency, exact to the cent. May be negative (a refund)."""

    cents: int

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read a plain decimal number such as ``1000`` or ``-12.50``.

        Raises:
            ValueError: anything else, more than two decimals included; the message states the rule.
        """
        if not _PLAIN_AMOUNT.fullmatch(text):
            raise ValueError("must be a plain number with at most two decimals")
        return cls(int(Decimal(text).scaleb(2)))

    @classmethod
    def from_decimal(cls, value: Decimal) -> Money:
        """Take a finite decimal as it is.

        Raises:
            ValueError: it has more than two decimals, or is larger than any amount can be.
        """
        # The exponent is looked at first: scaling 1e999999 would build a number of a million digits.
        if value == 0:
            return NOTHING
        if not value.is_finite() or value.adjusted() > len(str(LARGEST_AMOUNT)) + 12:
            raise ValueError("must be a finite amount")
        _, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)
        if any(digits[max(len(digits) + exponent + 2, 0) :]):
            raise ValueError("must have at most two decimals")
        return cls(int(value.scaleb(2)))

    @property
    def decimal(self) -> Decimal:
        """The amount in units of the currency, always with two decimals."""
        return Decimal(self.cents).scaleb(-2)

    @property
    def number(self) -> int | Decimal:
        """The amount as it stands in JSON: a number without needless zeros."""
        whole, rest = divmod(self.cents, CENTS)
        if not rest:
            return whole
        return Decimal(str(self).rstrip("0"))

    def __str__(self) -> str:
        sign = "-" if self.cents < 0 else ""
        whole, rest = divmod(abs(self.cents), CENTS)
        return f"{sign}{whole}.{rest:02}"

    def __add__(self, other: Money) -> Money:
        return Money(self.cents + other.cents)

    def average(self, count: int) -> Money:
        """This sum divided by `count` > 0, rounded half up (away from zero) to the cent, once."""
        quotient, rest = divmod(abs(self.cents), count)
        if rest * 2 >= count:
            quotient += 1
        return Money(-quotient if self.cents < 0 else quotient)


NOTHING = Money(0)


def grouped(amount: Money) -> str:
    """An amount for people to read: ``20,779.95``."""
    return f"{amount.decimal:,.2f}"


def check_currency(code: str) -> str:
    """Return the ISO 4217 code, or raise ValueError with the reason."""
    if code in _MORE_DECIMALS:
        raise ValueError(f"{code} has more than two decimals, which is not supported")
    if code not in _TWO_DECIMALS_OR_NONE:
        raise ValueError("must be an ISO 4217 currency code such as MKD or EUR")
    return code
