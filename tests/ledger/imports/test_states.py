from __future__ import annotations

import pytest

from smetka.core.errors import WrongUsage
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.states import ALL_BACK, COUNTS, PARTLY, SOME_BACK, STATES, States, parse_states

MAGENTO = ["ID", "Purchase Date", "Bill-to Name", "Grand Total (Base)", "Status"]
PRESTASHOP = ["ID", "Reference", "Customer", "Total", "Payment", "Status", "Date"]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *((word, COUNTS) for word in ("paid", "Paid", "PAID", "completed", "wc-completed", "Complete")),
        *((word, COUNTS) for word in ("Processing", "Succeeded", "Payment accepted", "Платена", "завршена")),
        *((word, COUNTS) for word in ("ПЛАТЕНО", "Во обработка", "On backorder (paid)")),
        *((word, PARTLY) for word in ("partially_paid", "Partially paid", "Делумно платена")),
        *((word, SOME_BACK) for word in ("partially_refunded", "Partial refund", "Делумно вратена")),
        *((word, ALL_BACK) for word in ("refunded", "wc-refunded", "Вратена", "рефундирано")),
        *((word, "cancelled") for word in ("Cancelled", "canceled", "CANCELED", "Откажана", "откажано")),
        *((word, "not paid (on hold)") for word in ("on-hold", "wc-on-hold", "On hold", "ON_HOLD")),
        ("Awaiting bank wire payment", "not paid (awaiting bank wire payment)"),
        ("On backorder (not paid)", "not paid (on backorder not paid)"),
        ("requires_payment_method", "not paid (requires payment method)"),
        ("На чекање", "not paid (на чекање)"),
        ("voided", "not paid (voided)"),
    ],
)
def test_words_of_platforms_are_known_however_they_are_written(status, state):
    assert States({}, []).meaning(status) == state


@pytest.mark.parametrize(
    "status", ["shipped", "Delivered", "closed", "Испорачана", "open", "new", "ready-pickup", "1", "", "✓"]
)
def test_a_word_that_does_not_say_whether_it_was_paid_is_refused_with_the_way_out(status):
    with pytest.raises(Refused, match="--state WORD=paid") as caught:
        States({}, []).meaning(status)

    assert "map no status" in caught.value.reason
    assert (caught.value.code, caught.value.values) == ("unknown_state", (status,))


def test_some_words_mean_something_in_one_platform_s_lists_alone():
    assert States({}, MAGENTO).meaning("closed") == ALL_BACK
    assert States({}, PRESTASHOP).meaning("Shipped") == COUNTS
    with pytest.raises(Refused):
        States({}, PRESTASHOP).meaning("closed")


def test_what_is_told_goes_before_what_is_known():
    told = parse_states(["Ready Pickup=paid", "processing=unpaid", "closed=cancelled", "✓=refunded"])
    states = States(told, MAGENTO)

    assert states.meaning("wc-ready-pickup") == COUNTS
    assert states.meaning("Processing") == "not paid (processing)"
    assert states.meaning("Closed") == "cancelled"
    assert states.meaning("✓") == ALL_BACK
    assert states.meaning("completed") in STATES


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["ready-pickup=paid"], {"ready pickup": "paid"}),
        (["a=paid, b = unpaid", "В магацин=PAID"], {"a": "paid", "b": "unpaid", "в магацин": "paid"}),
        (['"held, for now"=unpaid'], {"held for now": "unpaid"}),
        (["a=b=refunded"], {"a b": "refunded"}),
        (["wc-quote=unpaid", "Quote=unpaid"], {"quote": "unpaid"}),
    ],
)
def test_meanings_are_told_by_word(texts, told):
    assert parse_states(texts) == told


@pytest.mark.parametrize("texts", [[""], ["shipped"], ["shipped=sent"], ["=paid"], ["a=paid", "wc-a=unpaid"]])
def test_what_is_not_a_meaning_is_wrong_usage(texts):
    with pytest.raises(WrongUsage, match="--state"):
        parse_states(texts)
