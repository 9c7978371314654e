"""Codes: every slip of the pen is seen, no two are the same, and what cannot be meant otherwise is repaired."""

from __future__ import annotations

import hmac
from collections import Counter
from itertools import combinations
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smetka.bonus.codes import ALPHABET, check_symbol, derive, read_code
from smetka.bonus.errors import MistypedCode

SECRET = bytes(range(32))
CODES = [derive(SECRET, user_id) for user_id in range(1, 101)]


def is_mistyped(text):
    try:
        read_code(text)
    except MistypedCode:
        return True
    return False


def test_the_symbols_are_31_that_are_not_taken_for_one_another():
    assert len(ALPHABET) == len(set(ALPHABET)) == 31
    assert not set("ILO01") & set(ALPHABET)
    assert set(ALPHABET) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def line(first, step):
    """A code whose symbols go on by so many from the first, and its check symbol, without dashes."""
    symbols = [ALPHABET[(first + step * place) % 31] for place in range(1, 12)]
    return "".join(symbols) + check_symbol(symbols)


def test_every_change_of_one_symbol_is_mistyped():
    codes = [line(first, 1) for first in range(31)]
    assert {len({code[place] for code in codes}) for place in range(12)} == {31}, "all symbols in all places"
    unseen = [
        wrong
        for code in codes
        for place, right in enumerate(code)
        for symbol in ALPHABET
        if symbol != right and not is_mistyped(wrong := code[:place] + symbol + code[place + 1 :])
    ]
    assert unseen == []


def test_every_swap_of_two_symbols_is_mistyped():
    """Any two, not only neighbours."""
    codes = [line(first, step) for first in range(31) for step in range(31)]
    unseen = []
    for first, second in combinations(range(12), 2):
        assert len({(code[first], code[second]) for code in codes}) == 31**2, "all pairs in all places"
        for code in codes:
            swapped = list(code)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            wrong = "".join(swapped)
            if wrong != code and not is_mistyped(wrong):
                unseen.append(wrong)
    assert unseen == []


@pytest.mark.parametrize("count", [40_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_many_codes_are_all_different_and_use_every_symbol_evenly(count):
    codes = {derive(SECRET, user_id) for user_id in range(count)}
    symbols = Counter("".join(codes))
    del symbols["-"]
    assert len(codes) == count
    assert set(symbols) == set(ALPHABET)
    # Chance deviates by the root of n·p·(1-p); eight of that is nothing chance does. Of 40,000 codes it is 6.3 %
    # of what is expected, of a million 1.3 %. One byte a symbol would be uneven by 9 %, a number of less than
    # 54 bits by more than 8 %.
    drawn = 12 * count
    assert max(abs(times - drawn / 31) for times in symbols.values()) < 8 * sqrt(drawn * 30) / 31


def test_a_code_is_the_whole_hmac_of_the_customers_id_to_the_base_of_31():
    for user_id in (*range(1, 200), -5, 2**63 - 1):
        number = int(hmac.new(SECRET, str(user_id).encode(), "sha256").hexdigest(), 16) % 31**11
        assert number == sum(
            ALPHABET.index(symbol) * 31**place
            for place, symbol in enumerate(derive(SECRET, user_id).replace("-", "")[:11])
        )


def test_codes_are_what_they_were_when_vouchers_were_printed():
    assert derive(SECRET, 7) == "6WCQ-8TEJ-P438"
    assert derive(SECRET, 7, attempt=1) == "6BSX-XECG-ZHX3"
    assert derive(SECRET, -7) == "BXPM-2W9M-MEJ6"


def test_a_code_depends_on_the_secret_the_customer_and_the_attempt_and_on_nothing_else():
    assert derive(SECRET, 7) == derive(SECRET, 7)
    different = {derive(SECRET, 7), derive(SECRET, 7, 1), derive(SECRET, -7), derive(SECRET[::-1], 7)}
    assert len(different) == 4


@pytest.mark.parametrize("user_id", [0, -1, -(2**63), 2**63 - 1])
def test_any_integer_of_the_ledger_has_a_code(user_id):
    code = derive(SECRET, user_id)
    assert read_code(code) == code
    assert [len(part) for part in code.split("-")] == [4, 4, 4]


def test_the_sum_of_a_known_code():
    """By hand: A is 0, B is 1; 1·1 = 1, and 12·x ≡ -1 (mod 31) gives x = 18, which is V."""
    assert ALPHABET.index("V") == 18
    assert check_symbol("BAAAAAAAAAA") == "V"
    assert read_code("baaaaaaaaaav") == "BAAA-AAAA-AAAV"


def cyrillic(code):
    return code.translate(str.maketrans("ABEKMHPCTYX", "АВЕКМНРСТУХ"))


def greek(code):
    return code.translate(str.maketrans("ABEZHKMNPTYX", "ΑΒΕΖΗΚΜΝΡΤΥΧ"))


def full_width(code):
    return "".join(chr(ord(symbol) + 0xFEE0) if symbol != "-" else symbol for symbol in code)


REPAIRS = {
    "small letters": str.lower,
    "no dashes": lambda code: code.replace("-", ""),
    "spaces for dashes": lambda code: code.replace("-", " "),
    "spaces around": lambda code: f"  {code}\n",
    "long dashes": lambda code: code.replace("-", " — "),
    "minus signs": lambda code: code.replace("-", "−"),
    "no-break hyphens": lambda code: code.replace("-", "\u2011"),
    "underscores": lambda code: code.replace("-", "_"),
    "no-break spaces": lambda code: code.replace("-", "\u00a0"),
    "zero-width spaces": lambda code: "\u200b".join(code),
    "soft hyphens and a byte-order mark": lambda code: "\ufeff" + code.replace("-", "\u00ad"),
    "Cyrillic capitals": cyrillic,
    "Cyrillic small letters": lambda code: cyrillic(code).lower(),
    "Greek capitals": greek,
    "full-width letters": full_width,
    "groups of three": lambda code: "-".join(code.replace("-", "")[at : at + 3] for at in range(0, 12, 3)),
}


@pytest.mark.parametrize("repair", REPAIRS.values(), ids=REPAIRS)
def test_what_cannot_be_meant_otherwise_is_repaired(repair):
    assert [read_code(repair(code)) for code in CODES] == CODES


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "BAAA-AAAA-AAA",
        "BAAA-AAAA-AAAVU",
        "BAAA-AAAA-AAAI",  # none of I, L, O, 0, 1 is guessed at
        "BAAA-AAAA-AAA0",
        "BAAA/AAAA/AAAV",
        "BAAA.AAAA.AAAV",
        "BAAA-AAAA-AAÄU",
        "BAAA-AAAA-AAAV" + " " * 100,
        "Ж" * 12,
        "😀" * 12,
        "\x00" * 12,
        "ß" * 6,  # two capitals each
        "٣" * 12,  # a digit, and not one of ours
    ],
)
def test_what_cannot_be_a_code_is_mistyped(text):
    with pytest.raises(MistypedCode, match="mistyped"):
        read_code(text)


@given(st.text())
def test_any_text_is_a_code_in_the_one_spelling_or_mistyped(text):
    try:
        code = read_code(text)
    except MistypedCode:
        return
    assert read_code(code) == code
    assert len(code) == 14
