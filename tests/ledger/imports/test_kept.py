from __future__ import annotations

import pytest

from smetka.ledger.imports.kept import is_refund_list, kept_cents, listed_cents, paid_cents
from smetka.ledger.imports.refused import LeftOut, Refused
from smetka.ledger.imports.states import ALL_BACK, COUNTS, PARTLY, SOME_BACK


@pytest.mark.parametrize(
    ("state", "total", "outstanding", "refunded", "kept"),
    [
        (COUNTS, 5000, 0, 0, 5000),
        (COUNTS, 5000, 1200, 0, 3800),
        (COUNTS, 5000, 1200, 800, 3000),
        (COUNTS, 0, 0, 0, 0),
        (COUNTS, -700, 0, 0, -700),
        (PARTLY, 5000, 4000, 0, 1000),
        (PARTLY, 5000, 4000, 300, 700),
        (SOME_BACK, 5000, 0, 800, 4200),
        (SOME_BACK, 5000, 1200, 800, 3000),
        # The order became cheaper after it was paid; then the difference was given back.
        (COUNTS, 4400, -600, 0, 5000),
        (SOME_BACK, 4400, -600, 600, 4400),
    ],
)
def test_kept_is_the_total_without_what_is_outstanding_or_was_refunded(
    state, total, outstanding, refunded, kept
):
    assert kept_cents(state, paid_cents(state, total, outstanding), refunded) == kept


@pytest.mark.parametrize(
    ("state", "total", "outstanding", "refunded"),
    [
        (ALL_BACK, 5000, 0, 5000),
        (ALL_BACK, 5000, 1200, 3800),
        (ALL_BACK, 5000, 0, 0),
        (ALL_BACK, 5000, 5000, 0),
        (SOME_BACK, 5000, 1200, 3800),
        (COUNTS, 5000, 0, 5000),
        (COUNTS, 0, -600, 600),
    ],
)
def test_an_order_of_which_nothing_is_left_after_refunds_is_left_out(state, total, outstanding, refunded):
    with pytest.raises(LeftOut, match="refunded in full"):
        kept_cents(state, paid_cents(state, total, outstanding), refunded)


@pytest.mark.parametrize(
    ("state", "total", "outstanding", "refunded", "says"),
    [
        (PARTLY, 5000, 0, 0, "paid in part"),
        (PARTLY, 5000, -100, 0, "paid in part"),
        (SOME_BACK, 5000, 0, 0, "refunded in part"),
        (COUNTS, 5000, 5001, 0, "order's total"),
        (COUNTS, -5000, 100, 0, "order's total"),
        (COUNTS, -5000, -6000, 0, "order's total"),
        (COUNTS, 5000, 0, 5001, "more than was paid"),
        (COUNTS, 5000, 1200, 3801, "more than was paid"),
        (COUNTS, -5000, 0, 100, "more than was paid"),
        (ALL_BACK, 5000, 0, 4999, "less than was paid"),
        (ALL_BACK, 5000, 1200, 3000, "less than was paid"),
    ],
)
def test_amounts_that_contradict_each_other_or_the_state_are_refused(
    state, total, outstanding, refunded, says
):
    with pytest.raises(Refused, match=says):
        kept_cents(state, paid_cents(state, total, outstanding), refunded)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("amount:12.50|reason:late|date:2026-02-20 10:00:00", 1250),
        ("amount:12|reason:|date:2026-02-20 10:00:00;amount:0.5|reason:a;b|c|date:2026-02-21 10:00:00", 1250),
        ("amount:3.1000|reason:two\nlines, and 9.99|date:", 310),
    ],
)
def test_a_list_of_refunds_is_summed(text, cents):
    assert is_refund_list(text)
    assert listed_cents(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        "amount:|reason:late|date:2026-02-20 10:00:00",
        "amount:1,50|reason:late|date:2026-02-20 10:00:00",
        "amount:-5.00|reason:late|date:2026-02-20 10:00:00",
        "amount:5.00",
        "amount:5.00|reason:late|date:2026-02-20 10:00:00;amount:2.00",
        "amount:5.00|reason:late amount:7.00|date:2026-02-20 10:00:00",
        "amount:5.00|reason:late|date:2026-02-20 10:00:00, amount:2.00|reason:|date:2026-02-20 10:00:00",
        "amount:5.005|reason:late|date:2026-02-20 10:00:00",
    ],
)
def test_a_list_of_refunds_of_which_a_part_may_be_overlooked_is_refused(text):
    with pytest.raises(Refused):
        listed_cents(text)
