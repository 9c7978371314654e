"""Orders of files beside each other and beside those that the ledger has."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from smetka.core.errors import CommandFailed
from smetka.ledger.imports.load import import_files
from smetka.ledger.imports.outcome import Orders
from smetka.ledger.imports.reasons import CHANGED_ORDER, FURTHER_LINES, KNOWN_ORDER, REFUND_TOLD
from smetka.ledger.imports.rules import Rules

RULES = Rules(currency="MKD", zone=ZoneInfo("Europe/Skopje"), today=date(2025, 6, 15))
OWN = "order_id,email,date,status,money_spent,refunded\n"
ITEMS = (
    "Order Number,Order Status,Order Date,Email (Billing),Order Refund Amount,Order Total Amount,Item Name\n"
)


@pytest.fixture
def load(tmp_path):
    """Import texts as files into one ledger; the outcome."""

    def load(*texts, **options):
        paths = [tmp_path / f"orders{number}.csv" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        return import_files(paths, load.path, RULES, **options)

    load.path = tmp_path / "ledger.db"
    return load


def payments(load):
    with closing(sqlite3.connect(load.path)) as database:
        found = database.execute("SELECT user_id, money_spent, year FROM user_spending ORDER BY rowid")
        return [(user_id, round(money * 100), year) for user_id, money, year in found]


def own(*rows):
    """Orders by their number, state, total and what was refunded; all of one customer and day."""
    return OWN + "".join(
        f"{number},vera@example.com,2025-02-03,{state},{total},{back}\n"
        for number, state, total, back in rows
    )


def items(*rows):
    return ITEMS + "".join(
        f"{number},{state},2025-02-03,vera@example.com,{back},{total},Tea\n"
        for number, state, total, back in rows
    )


PAID = own((1, "completed", "80.00", "0"), (2, "completed", "95.50", "0"))


# --- orders that the ledger has ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "reason", "cents"),
    [
        ((1, "cancelled", "80.00", "0"), "cancelled", -8000),
        ((1, "refunded", "80.00", "80.00"), "refunded", -8000),
        ((1, "completed", "80.00", "80.00"), "refunded", -8000),
        ((1, "completed", "80.00", "30.25"), "amount", -3025),
        ((1, "completed", "90.10", "0"), "amount", 1010),
        ((1, "pending", "80.00", "0"), "unpaid", -8000),
        ((1, "on-hold", "80.00", "0"), "unpaid", -8000),
        ((1, "cancelled", "n/a", "0"), "cancelled", -8000),
    ],
)
def test_an_order_that_is_otherwise_in_a_later_file_is_told_with_what_the_ledger_is_off(
    load, row, reason, cents
):
    load(PAID)
    later = own(row, (2, "completed", "95.50", "0"))
    before = payments(load)

    for dry_run in (True, True, False):
        outcome = load(later, dry_run=dry_run)
        assert outcome.changed == {reason: Orders(1, cents)}
        assert outcome.left_out == {"known": Orders(1, 9550)}
        assert outcome.files[0].left_out == {CHANGED_ORDER: 1, KNOWN_ORDER: 1}
    assert payments(load) == before
    assert load(later).files[0].already
    assert load(later + "\n").changed == {reason: Orders(1, cents)}


def test_an_order_that_is_paid_in_part_has_changed_by_an_unknown_amount(load):
    load(PAID)
    outcome = load(own((1, "partially_paid", "80.00", "0"), (2, "cancelled", "95.50", "0")))

    assert outcome.changed == {"partly_paid": Orders(1, 0, unknown=1), "cancelled": Orders(1, -9550)}
    assert outcome.changed_in_all == Orders(2, -9550, unknown=1)


def test_an_order_that_lost_its_customer_is_known_until_its_amount_is_another(load):
    load(PAID)
    nobody = PAID.replace("vera@example.com", "")

    assert load(nobody).left_out == {"known": Orders(2, 17550)}
    assert load(nobody.replace("80.00", "81.00")).changed == {"amount": Orders(1, 100)}


def test_changes_that_make_up_for_each_other_are_still_told(load):
    load(PAID)
    outcome = load(own((1, "completed", "70.00", "0"), (2, "completed", "105.50", "0")))

    assert outcome.changed == {"amount": Orders(2, 0)}


def test_an_order_that_was_never_counted_is_left_out_by_its_state_as_before(load):
    load(PAID)
    outcome = load(own((1, "completed", "80.00", "0"), (9, "cancelled", "44.00", "0")))

    assert (outcome.changed, outcome.files[0].left_out["cancelled"]) == ({}, 1)
    assert outcome.left_out == {"known": Orders(1, 8000), "cancelled": Orders(1, 4400)}


def test_an_order_is_known_by_its_number_however_it_is_written_when_it_is_cancelled(load):
    load(PAID)

    assert load(own(("#0001", "cancelled", "80.00", "0"))).changed == {"cancelled": Orders(1, -8000)}


# --- files of one command ---------------------------------------------------------------------


@pytest.mark.parametrize("state", ["cancelled", "refunded"])
@pytest.mark.parametrize("newest_first", [True, False])
def test_an_order_that_counts_in_one_file_and_not_in_another_is_told_in_either_order(
    load, state, newest_first
):
    files = [PAID, own((1, state, "80.00", "0"))]
    outcome = load(*(files[::-1] if newest_first else files))

    assert (outcome.payments, outcome.changed) == (2, {state: Orders(1, -8000)})
    assert outcome.left_out == {}


def test_an_order_that_is_paid_by_a_later_file_took_its_usual_way(load):
    outcome = load(own((1, "pending", "80.00", "0")), PAID)

    assert (outcome.payments, outcome.changed, outcome.left_out) == (2, {}, {})


def test_an_order_of_two_files_is_compared_with_what_the_ledger_counts(load):
    load(PAID)
    outcome = load(own((1, "completed", "100.00", "0")), own((1, "completed", "90.00", "0")))

    assert outcome.changed == {"amount": Orders(1, 1000)}
    assert payments(load) == [(1, 8000, 2025), (1, 9550, 2025)]


def test_an_order_that_is_left_out_in_two_files_is_one(load):
    outcome = load(own((7, "cancelled", "10.00", "0")), own((7, "cancelled", "10.00", "0")) + "\n")

    assert outcome.left_out == {"cancelled": Orders(1, 1000)}


# --- lines of one file ------------------------------------------------------------------------


@pytest.mark.parametrize("build", [own, items])
@pytest.mark.parametrize("state", ["cancelled", "pending", "refunded"])
def test_an_order_in_two_states_in_one_file_is_rejected_as_a_whole(load, build, state):
    text = build((1, "completed", "80.00", "0"), (1, state, "80.00", "0"), (2, "completed", "5.00", "0"))
    outcome = load(text)

    assert [(rejected.line, rejected.reason[:24]) for rejected in outcome.rejects] == [
        (2, "stands on line 3 too, in")
    ]
    assert load(text, skip_rejected=True).payments == 1
    assert payments(load) == [(1, 500, 2025)]


def test_lines_of_an_order_that_is_left_out_are_one_order(load):
    outcome = load(items(*[(3, "cancelled", "60.00", "0")] * 3))

    assert outcome.files[0].left_out == {"cancelled": 1, FURTHER_LINES: 2}
    assert outcome.left_out == {"cancelled": Orders(1, 6000)}


def test_lines_with_several_amounts_of_an_order_that_is_left_out_are_of_an_unknown_one(load):
    outcome = load(own((3, "cancelled", "60.00", "0"), (3, "cancelled", "20.00", "0")))

    assert outcome.left_out == {"cancelled": Orders(1, 0, unknown=1)}


def test_a_line_without_its_customer_is_a_further_one_unless_its_amount_is_another(load):
    text = items(*[(1, "completed", "80.00", "0")] * 2)
    without = text.replace("vera@example.com", "", 1)

    assert load(without, dry_run=True).files[0].left_out == {FURTHER_LINES: 1}
    assert [rejected.line for rejected in load(without.replace("80.00", "30.00", 1)).rejects] == [3]


# --- items ------------------------------------------------------------------------------------

SOLD = (
    "Nr,email,date,total,item,price\n7,vera@example.com,2025-02-03,250.00,Cup,100.00\n"
    "7,vera@example.com,2025-02-03,250.00,Plate,150.00\n8,vera@example.com,2025-02-04,80.00,Cup,80.00\n"
)
PAYING = {"money_spent": ["total"]}


@pytest.mark.parametrize(
    "column", ["item", "Line Items", "Product name", "SKU", "qty", "Артикл", "Производ", "Naziv artikla"]
)
def test_an_order_whose_total_may_stand_on_each_of_its_items_lines_is_asked_about(load, column):
    with pytest.raises(CommandFailed, match="lines 2 and 3") as caught:
        load(SOLD.replace("item", column), mapped=PAYING)

    refused = caught.value.__cause__
    assert (refused.code, refused.values) == ("items_or_payments", (column, "2", "3"))
    assert not load.path.exists()


@pytest.mark.parametrize(
    ("answer", "cents"),
    [({"order_id": ["Nr"], "item": ["item"]}, 33000), ({"order_id": []}, 58000)],
)
def test_what_is_answered_about_items_is_done(load, answer, cents):
    assert load(SOLD, mapped=PAYING | answer).total.cents == cents


def test_items_with_a_price_each_are_no_order_that_repeats_its_total(load):
    mapped = {"money_spent": ["price"], "order_id": ["Nr"], "item": ["item"]}

    assert [rejected.line for rejected in load(SOLD, mapped=mapped).rejects] == [3]


def test_lines_of_one_order_are_told_how_to_say_that_they_repeat_its_total(load):
    (rejected,) = load(SOLD, mapped=PAYING | {"order_id": ["Nr"]}).rejects

    assert (rejected.line, rejected.column) == (3, "Nr")
    assert "map item if its lines repeat its total" in rejected.reason


def test_payments_for_items_none_of_which_is_repeated_are_not_asked_about(load):
    assert load(SOLD, mapped={"money_spent": ["price"]}, dry_run=True).payments == 3
    assert load("user_id,money_spent,year,product\n1,5,2023,Tea\n2,5,2023,Tea\n").payments == 2


def test_items_without_the_numbers_of_orders_are_refused(load):
    with pytest.raises(CommandFailed, match="order_id=…"):
        load(SOLD, mapped=PAYING | {"item": ["item"]})


# --- what is left out, in money ---------------------------------------------------------------


def test_what_orders_without_a_customer_would_count_is_told(load):
    text = own(
        (1, "completed", "80.00", "30.00"), (2, "completed", "20.00", "0"), (3, "completed", "1.00", "0")
    )
    outcome = load(text.replace("vera@example.com", "", 2))

    assert outcome.left_out == {"no_customer": Orders(2, 7000)}
    assert outcome.files[0].left_out_orders == {"without a customer": Orders(2, 7000)}


@pytest.mark.parametrize("amount", ["", "n/a", "12,34.5", "1.234", "EUR 5"])
def test_an_amount_that_cannot_be_read_is_unknown_where_the_order_does_not_count(load, amount):
    outcome = load(own((1, "cancelled", f'"{amount}"', "x"), (2, "completed", "7", "0")))

    assert (outcome.rejected, outcome.payments) == (0, 1)
    assert outcome.left_out == {"cancelled": Orders(1, 0, unknown=1)}


def test_an_amount_in_another_currency_is_not_added_to_the_shops(load):
    outcome = load(
        OWN.replace("status", "status,currency")
        + "1,vera@example.com,2025-02-03,cancelled,EUR,50.00,0\n2,vera@example.com,2025-02-03,cancelled,MKD,9.00,0\n"
    )

    assert outcome.left_out == {"cancelled": Orders(2, 900, unknown=1)}


def test_an_order_that_does_not_count_needs_no_number(load):
    outcome = load(own(("", "cancelled", "80.00", "0"), ("", "cancelled", "10.00", "0")))

    assert (outcome.rejected, outcome.left_out) == (0, {"cancelled": Orders(2, 9000)})


def test_without_order_numbers_each_row_that_is_left_out_is_an_order(load):
    text = "email,date,status,money_spent\n" + "vera@example.com,2025-02-03,cancelled,5.00\n" * 3

    assert load(text).left_out == {"cancelled": Orders(3, 1500)}


def test_programs_get_changes_and_what_is_left_out_with_signed_exact_amounts(load):
    load(PAID)
    told = load(own((1, "cancelled", "80.00", "0"), (2, "completed", "95.60", "0"))).as_json()

    assert told["changed"]["orders"] == 2
    assert str(told["changed"]["amount"]) == "-79.9"
    assert [(each["reason"], str(each["amount"])) for each in told["changed"]["reasons"]] == [
        ("cancelled", "-80"),
        ("amount", "0.1"),
    ]
    assert (told["left_out"], told["customers"], told["payments"], told["rejected"]) == ([], 0, 0, 0)


# --- refunds as rows of their own -------------------------------------------------------------


@pytest.mark.parametrize(
    "refunds",
    [
        [("refunded", "-20.00", "0")],
        [("completed", "-20.00", "0")],
        [("refunded", "-5.00", "0"), ("refunded", "-15.00", "0")],
        # Two items that came back in one refund, each with the refund's amount.
        [("refunded", "-20.00", "0"), ("refunded", "-20.00", "0")],
    ],
)
def test_a_refund_row_beside_its_order_that_has_taken_it_off_is_not_taken_off_again(load, refunds):
    text = items((1, "completed", "50.00", "20.00"), *((1, *refund) for refund in refunds))
    outcome = load(text)

    assert payments(load) == [(1, 3000, 2025)]
    assert outcome.files[0].left_out == {REFUND_TOLD: len(refunds)}
    assert (outcome.left_out, outcome.changed) == ({}, {})


@pytest.mark.parametrize("back", ["0", "10.00", "30.00"])
def test_a_refund_row_that_its_orders_line_does_not_have_rejects_the_order(load, back):
    text = items(
        (1, "completed", "50.00", back), (1, "refunded", "-20.00", "0"), (2, "completed", "5.00", "0")
    )
    outcome = load(text)

    assert [rejected.line for rejected in outcome.rejects] == [2, 3]
    assert "has a refund on line 3" in outcome.rejects[0].reason
    assert load(text, skip_rejected=True).payments == 1
    assert payments(load) == [(1, 500, 2025)]


@pytest.mark.parametrize("state", ["completed", "refunded"])
def test_a_refund_row_with_a_number_of_its_own_is_rejected_with_the_way_out(load, state):
    text = own((1, "completed", "50.00", "20.00"), (2, state, "-20.00", "0"))
    outcome = load(text)

    (rejected,) = outcome.rejects
    assert (rejected.line, rejected.column) == (3, "money_spent")
    assert "map no refunded" in rejected.reason
    assert load(text, skip_rejected=True, dry_run=True).total.cents == 3000


def test_where_refunds_are_rows_alone_they_are_taken_off(load):
    text = own((1, "completed", "50.00", "20.00"), (2, "completed", "-20.00", "0"))

    assert load(text, mapped={"refunded": []}).total.cents == 3000


def test_a_refund_row_under_the_number_of_an_order_that_the_ledger_has_is_what_it_would_lose(load):
    load(PAID)
    outcome = load(own((1, "completed", "-20.00", "0")), mapped={"refunded": []})

    assert outcome.changed == {"amount": Orders(1, -2000)}
    assert load(own((1, "completed", "-20.00", "0")) + "\n").rejected == 1


def test_a_refund_row_without_any_order_number_is_rejected(load):
    outcome = load(
        "email,date,money_spent,refunded\nvera@example.com,2025-02-03,50.00,20.00\n"
        "vera@example.com,2025-02-09,-20.00,0\n"
    )

    assert [rejected.line for rejected in outcome.rejects] == [3]


def test_a_refund_row_of_an_order_that_was_refunded_in_full_is_a_part_of_it(load):
    outcome = load(items((1, "refunded", "50.00", "50.00"), (1, "refunded", "-50.00", "0")))

    assert outcome.files[0].left_out == {"refunded in full": 1, REFUND_TOLD: 1}
    assert outcome.left_out == {"refunded": Orders(1, 5000)}
