from __future__ import annotations

import csv
import json
import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smetka.core.errors import CommandFailed
from smetka.core.money import Money
from smetka.ledger import Ledger
from smetka.ledger.imports import load as importing
from smetka.ledger.imports import target
from smetka.ledger.imports.failures import failure
from smetka.ledger.imports.load import import_files
from smetka.ledger.imports.marker import draft, marked, marker
from smetka.ledger.imports.outcome import Orders
from smetka.ledger.imports.reasons import CHANGED_ORDER, KNOWN_ORDER
from smetka.ledger.imports.rules import Rules
from smetka.ledger.upkeep import INDEX
from tests.ledger.imports.test_source import workbook

FILES = Path(__file__).parent / "files"
RULES = Rules(currency="MKD", zone=ZoneInfo("Europe/Skopje"), today=date(2025, 6, 15))
PLAIN = "user_id,money_spent,year\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="export.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


@pytest.fixture
def load(tmp_path, write):
    """Import texts or files into one ledger; the outcome."""

    def load(*files, into=tmp_path / "ledger.db", rules=RULES, **options):
        paths = [
            file if isinstance(file, Path) else write(file, f"export{number}.csv")
            for number, file in enumerate(files)
        ]
        return import_files(paths, into, rules, **options)

    load.path = tmp_path / "ledger.db"
    return load


def rows(path, sql):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def payments(path):
    found = rows(path, "SELECT user_id, money_spent, year FROM user_spending ORDER BY rowid")
    return [(user_id, round(money * 100), year) for user_id, money, year in found]


def customers(path):
    return rows(path, "SELECT user_id, name, email, age FROM user_info ORDER BY user_id")


# --- payments alone ---------------------------------------------------------------------------


def test_payments_make_a_new_ledger_with_its_index(load):
    outcome = load(PLAIN + "7,12.50,2023\n7,0.10,2024\n9,-3.00,2024\n")

    assert payments(load.path) == [(7, 1250, 2023), (7, 10, 2024), (9, -300, 2024)]
    assert (outcome.written, outcome.payments, outcome.total) == (True, 3, Money(960))
    assert (outcome.customers_added, outcome.customers_unnamed) == (2, 2)
    assert rows(load.path, f"SELECT count(*) FROM sqlite_master WHERE name = '{INDEX}'") == [(1,)]
    with closing(Ledger(str(load.path))) as ledger:
        assert ledger.total_spent(7).total == Money(1260)


def test_many_payments_are_exact_to_the_cent(load):
    chance = random.Random(7)
    made = [
        (
            chance.randint(1, 400),
            chance.choice(["{:.2f}", "{:.1f}", "{:.0f}"]).format(chance.uniform(-50, 9e6)),
            2020,
        )
        for _ in range(3000)
    ] + [(chance.randint(1, 400), f"{chance.uniform(0, 9e6):.2f}", 2021) for _ in range(3000)]
    outcome = load(PLAIN + "".join(f"{user},{money},{year}\n" for user, money, year in made))

    exact = [(user, int(Decimal(money) * 100), year) for user, money, year in made]
    assert payments(load.path) == exact
    assert outcome.total.cents == sum(cents for _, cents, _ in exact)
    assert len(customers(load.path)) == len({user for user, _, _ in exact})


def test_a_ledger_that_is_there_gets_more(load, make_ledger):
    ledger = make_ledger([(1, "Ана", "ana@example.com", 30)], [(1, 5.5, 2020)])
    load(PLAIN + "1,1.00,2023\n2,2.00,2023\n", into=ledger)

    assert payments(ledger) == [(1, 550, 2020), (1, 100, 2023), (2, 200, 2023)]
    # Its own schema wants a name of everybody.
    assert customers(ledger) == [(1, "Ана", "ana@example.com", 30), (2, "", None, None)]


def test_an_empty_file_is_no_ledger_yet(load):
    load.path.touch()
    load(PLAIN + "1,1.00,2023\n")

    assert payments(load.path) == [(1, 100, 2023)]


def test_a_mark_found_late_is_right_from_the_first_row(load):
    """1.234 was taken for thousands until a row shows the point to part decimals."""
    load(PLAIN + "1,1.234,2023\n1,5.50,2023\n".replace("1.234", "1.230"))

    assert payments(load.path) == [(1, 123, 2023), (1, 550, 2023)]
    assert len(customers(load.path)) == 1


def test_amounts_with_two_readings_are_refused_until_told(load):
    with pytest.raises(CommandFailed, match="--decimal"):
        load(PLAIN + "1,1.200,2023\n")
    assert not load.path.exists()

    load(PLAIN + "1,1.200,2023\n", rules=Rules("MKD", RULES.zone, RULES.today, decimal=","))
    assert payments(load.path) == [(1, 120000, 2023)]


def test_days_with_two_readings_matter_only_where_files_could_overlap(load):
    text = "user_id,money_spent,date\n1,5.00,01/02/2024\n"
    with pytest.raises(CommandFailed, match="--dates"):
        load(text)
    load(text.replace("date", "date,order_id").replace("2024", "2024,A1"))

    assert payments(load.path) == [(1, 500, 2024)]


# --- rules, row by row ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "row", "column", "says"),
    [
        ("user_id,money_spent,year", "abc,1.00,2023", "user_id", "whole number"),
        ("user_id,money_spent,year", "0,1.00,2023", "user_id", "whole number"),
        ("user_id,money_spent,year", "9223372036854775808,1.00,2023", "user_id", "whole number"),
        ("user_id,money_spent,year", "٣,1.00,2023", "user_id", "whole number"),
        ("user_id,money_spent,year", "1,=A1,2023", "money_spent", "formula"),
        ("user_id,money_spent,year", "1,,2023", "money_spent", "empty"),
        ("user_id,money_spent,year", "1,5 EUR,2023", "money_spent", "EUR"),
        ("user_id,money_spent,year", "1,5.00,1970", "year", "no year from 1990 to 2025"),
        ("user_id,money_spent,year", "1,5.00,2100", "year", "no year"),
        ("user_id,money_spent,date", "1,5.00,1970-01-01", "date", ""),
        ("user_id,money_spent,date", "1,5.00,2100-01-01", "date", ""),
        ("user_id,age", "1,1985", "age", "from 0 to 122"),
        ("user_id,age", "1,34.5", "age", "whole years"),
        ("user_id,age", "1,-1", "age", "whole years"),
        ("email,age", "nobody,30", "email", "no e-mail"),
        ("user_id,email", "1,nobody", "email", "no e-mail"),
        ("user_id,money_spent,date,year", "1,5.00,2024-01-01,2023", "year", "another year"),
        ("user_id,age,birth_date", "1,33,1990-06-15", "birth_date", "does not fit the age"),
        ("email,age", ",30", "email", "is empty"),
        ("user_id,money_spent,year,currency", "1,5.00,2023,EUR", "currency", "is in EUR"),
        ("user_id,money_spent,year,status", "1,5.00,2023,shipped", "status", "none of the states"),
        ("user_id,money_spent,year,order_id", "1,5.00,2023,", "order_id", "needs its order"),
        ("user_id,money_spent,year,refunded", "1,5.00,2023,6.00", "refunded", "more than was paid"),
        ("user_id,money_spent,year,status", "1,5.00,2023,partially_refunded", "", "how much is not known"),
        ("user_id,money_spent,year,Amount Refunded", "1,5.00,2023,0.50", "Amount Refunded", "refunded="),
        ("user_id,money_spent,year,Fully refunded", "1,5.00,2023,Yes", "Fully refunded", "refunded="),
        ("user_id,money_spent,year,Canceled on", "1,5.00,2023,2023-02-03", "Canceled on", "cancelled_at="),
        ("user_id,money_spent,year,Валута", "1,5.00,2023,EUR", "Валута", "currency="),
        ("user_id,money_spent,year,Order Status", "1,5.00,2023,Cancelled", "Order Status", "status="),
        ("user_id,money_spent,year,Payment state", "1,5.00,2023,at the door", "Payment state", "status="),
        ("user_id,money_spent,year,Состојба", "1,5.00,2023,откажана", "Состојба", "status="),
        ("user_id,money_spent,year,Paid", "1,5.00,2023,No", "Paid", "status="),
        ("user_id,money_spent,year,Платено", "1,5.00,2023,0.00", "Платено", "status="),
        (
            "user_id,money_spent,year,status,Order Status",
            "1,5,2023,Paid,Cancelled",
            "Order Status",
            "does not",
        ),
        ("user_id,money_spent,year,status,Состојба", "1,5,2023,Paid,рефундирана", "Состојба", "does not"),
        ("user_id,money_spent,year,Type", "1,5.00,2023,Refund", "Type", "above zero"),
        ("user_id,money_spent,year,status,Тип", "1,5.00,2023,paid,Сторно", "Тип", "above zero"),
        ("user_id,name", "1,#1001", "name", "not a name"),
        ("user_id,name", "1,1001", "name", "not a name"),
        ("email,name", "a@example.com,'#1001", "name", "not a name"),
        ("user_id,money_spent,year,name", "1,5.00,2023,№ 1001", "name", "not a name"),
    ],
)
def test_a_row_that_breaks_a_rule_stops_everything_and_is_named(load, header, row, column, says):
    outcome = load(f"{header}\n{row}\n")

    (rejected,) = outcome.rejects
    assert (rejected.file, rejected.line, rejected.column) == ("export0.csv", 2, column)
    assert says in rejected.reason
    assert (outcome.rejected, outcome.written, load.path.exists()) == (1, False, False)


def test_the_rest_is_taken_when_told(load):
    lines = [f"{number},1.00,2023" for number in range(1, 1200)]
    lines[700] = "x,1.00,2023"
    lines[900] = "999999,x,2023"
    outcome = load(PLAIN + "\n".join(lines) + "\n", skip_rejected=True)

    assert [rejected.line for rejected in outcome.rejects] == [702, 902]
    assert outcome.written
    assert len(payments(load.path)) == len(customers(load.path)) == 1197
    assert (999999,) not in rows(load.path, "SELECT user_id FROM user_info")


def test_a_row_of_another_width_is_rejected_with_its_line(load):
    outcome = load(PLAIN + "1,1.00,2023\n2,2.00\n3,3.00,2023\n", skip_rejected=True)

    assert [rejected.line for rejected in outcome.rejects] == [3]
    assert [user for user, _, _ in payments(load.path)] == [1, 3]


def test_one_id_with_two_names_is_rejected_with_both_lines(load):
    text = (
        "user_id,name,money_spent,year\n1,Ана Костова,1.00,2023\n1,АНА  костова,2.00,2023\n1,Ива,4.00,2023\n"
    )
    outcome = load(text)

    (rejected,) = outcome.rejects
    assert (rejected.line, rejected.column) == (4, "name")
    assert "line 2" in rejected.reason
    assert "Ана" not in rejected.reason
    assert not load.path.exists()

    assert load(text, skip_rejected=True).payments == 2
    assert customers(load.path) == [(1, "АНА костова", None, None)]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
def test_cells_made_safe_for_spreadsheets_say_what_they_did_before(load, write, tmp_path, kind):
    header = ("user_id", "order_id", "email", "name", "money_spent", "refunded", "date", "birth_date")
    orders = [
        ("'7", '="0012"', "'ana@example.com", "O&#039;Brien", "'100.50", "-", "'2024-05-01", "'1990-06-15"),
        ("'7", "'0013", '="ana@example.com"', "O'Brien", "'50.50", "'-20.25", '="2024-05-02"', "—"),
    ]
    path = tmp_path / f"orders.{kind}"
    if kind == "csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *orders])
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(dict(zip(header, order, strict=True))) + "\n" for order in orders))
    else:
        workbook(path, Orders=[header, *orders])

    outcome = load(path)

    assert outcome.rejects == []
    assert payments(load.path) == [(7, 10050, 2024), (7, 3025, 2024)]
    assert customers(load.path) == [(7, "O'Brien", "ana@example.com", 35)]
    assert rows(load.path, "SELECT order_id FROM smetka_orders ORDER BY order_id") == [("12",), ("13",)]


def test_payments_alone_are_read_through_what_protects_their_cells(load):
    load('user_id,money_spent,date\n\'7,\'12.50,\'2024-05-01\n="7",(2.50),="2024-05-02"\n7,1.00,2024-05-03\n')

    assert payments(load.path) == [(7, 1250, 2024), (7, -250, 2024), (7, 100, 2024)]


@pytest.mark.parametrize("dash", ["-", "–", "—", "--", "ден -"])
def test_a_dash_says_nothing_was_refunded_but_is_no_payment(load, dash):
    outcome = load(
        f"user_id,order_id,money_spent,refunded,cancelled_at,year\n7,1,10.00,{dash},-,2024\n7,2,{dash},,,2024\n",
        skip_rejected=True,
    )

    assert [(rejected.line, rejected.column) for rejected in outcome.rejects] == [(3, "money_spent")]
    assert payments(load.path) == [(7, 1000, 2024)]


def test_an_order_whose_cancelling_is_denied_counts(load):
    head = "user_id,order_id,money_spent,year,cancelled_at\n"
    denied = ("NULL", "\\N", "false", "FALSE", "no", "0", "0000-00-00 00:00:00", "0000-00-00T00:00:00Z", "не")
    said = ("2024-05-01", "true", "yes", "1", "да")
    outcome = load(
        head + "".join(f"7,{n},1.00,2024,{text}\n" for n, text in enumerate(denied + said, start=1))
    )

    assert (outcome.payments, outcome.left_out["cancelled"].orders) == (len(denied), len(said))


def test_what_a_database_writes_for_no_value_is_nothing(load):
    outcome = load(
        "email,name,birth_date,money_spent,refunded,outstanding,currency,date,year\n"
        "ana@shop.mk,NULL,NULL,10.00,NULL,NULL,NULL,2024-05-01,\\N\nNULL,Bo,NULL,5.00,NULL,NULL,MKD,2024-05-01,\\N\n"
    )

    assert customers(load.path) == [(1, None, "ana@shop.mk", None)]
    assert payments(load.path) == [(1, 1000, 2024)]
    assert outcome.left_out["no_customer"].orders == 1


@pytest.mark.parametrize("column", ["age", "birth_date"])
def test_words_for_an_age_that_nobody_knows_are_counted_as_that(load, column):
    outcome = load(f"user_id,{column}\n1,n/a\n2,unknown\n3,None\n4,?\n5,Непознато\n")

    assert [age for *_, age in customers(load.path)] == [None] * 5
    assert outcome.files[0].ages_unknown == 5


@pytest.mark.parametrize("column", ["Created date (UTC)", "created_at (GMT)", "UTC time"])
@pytest.mark.parametrize("others", ["", ",order_id"], ids=["payments alone", "orders"])
def test_times_in_a_column_of_utc_are_of_the_shop_s_day(load, column, others):
    times = (
        "2023-12-31 23:30:00",
        "2023-12-31 22:30",
        "2023-12-31T23:30:00Z",
        "12/31/2023 11:30 PM",
        "2023-12-31",
    )
    rows = "".join(f"7,1.00,{time}{others and f',{n}'}\n" for n, time in enumerate(times))
    load(f"user_id,money_spent,{column}{others}\n{rows}", mapped={"date": [column]})

    assert [year for *_, year in payments(load.path)] == [2024, 2023, 2024, 2024, 2023]


def test_times_of_a_column_with_another_offset_are_no_utc(load):
    text = "user_id,money_spent,Paid (GMT+1)\n7,1.00,2023-12-31 23:30:00\n"
    load(text, mapped={"date": ["Paid (GMT+1)"]})

    assert payments(load.path) == [(7, 100, 2023)]


def test_a_birth_date_of_zero_in_a_workbook_is_unknown(load, tmp_path):
    path = tmp_path / "ages.xlsx"
    workbook(path, Ages=[["user_id", "birth_date"], [1, 0]])

    assert load(path).files[0].ages_unknown == 1


def test_a_birth_date_becomes_an_age(load):
    load("user_id,birth_date\n1,1990-06-15\n2,1990-06-16\n3,2000-02-29\n")

    assert [age for *_, age in customers(load.path)] == [35, 34, 25]


def test_ages_that_nobody_has_are_unknown_and_counted(load):
    outcome = load(
        "user_id,age,birth_date\n1,0,\n2,122,\n3,123,\n4,999,\n5,,\n6,-,—\n7,,1900-01-01\n8,,0000-00-00\n9,,14.03.\n"
        "10,34,1900-01-01\n11,999,1990-06-15\n12,126,1899-01-01\n"
    )

    assert outcome.rejects == []
    assert [age for *_, age in customers(load.path)] == [0, 122, *[None] * 7, 34, 35, None]
    assert outcome.files[0].ages_unknown == outcome.as_json()["files"][0]["ages_unknown"] == 6


def test_unknown_ages_are_counted_once_where_a_file_is_read_again(load):
    outcome = load("user_id,birth_date\n1,01/02/1978\n2,01/01/1900\n3,01/31/1978\n")

    assert [age for *_, age in customers(load.path)] == [47, None, 47]
    assert outcome.files[0].ages_unknown == 1


def test_an_unknown_age_leaves_what_the_ledger_knows(load, make_ledger):
    ledger = make_ledger([(1, "Ана", "ana@example.com", 30)], [])
    load("email,name,birth_date\nana@example.com,Ана,1900-01-01\n", into=ledger)

    assert customers(ledger) == [(1, "Ана", "ana@example.com", 30)]


def test_a_year_of_two_readings_is_asked_about_though_orders_have_numbers(load):
    text = "user_id,money_spent,date,order_id\n1,5.00,05.01.24,A1\n"
    with pytest.raises(
        CommandFailed, match=r"like 05\.01\.24, which can be read in two ways.*or write years with four"
    ):
        load(text)
    assert not load.path.exists()

    load(text, rules=Rules("MKD", RULES.zone, RULES.today, date_order="dmy"))
    assert payments(load.path) == [(1, 500, 2024)]


def test_beside_an_age_the_birth_date_stands(load):
    load("user_id,age,birth_date\n1,34,1990-06-15\n2,34,\n3,,2000-02-29\n")

    assert [age for *_, age in customers(load.path)] == [35, 34, 25]


def test_a_year_may_stand_beside_its_date(load):
    load("user_id,money_spent,date,year\n1,5.00,2023-12-31T23:30:00Z,2024\n1,6.00,2024-01-02,\n")

    assert payments(load.path) == [(1, 500, 2024), (1, 600, 2024)]


def test_a_name_may_be_of_several_columns(load):
    load("user_id,First,Last\n1, Ана ,Костова\n", mapped={"name": ["First", "Last"]})

    assert customers(load.path) == [(1, "Ана Костова", None, None)]


# --- orders -----------------------------------------------------------------------------------


def test_shopify_orders_by_their_rules(load):
    outcome = load(FILES / "shopify_orders.csv")
    (file,) = outcome.files

    # The first was paid in 2023 by UTC, and in 2024 on the shop's clock; the second was refunded in part.
    assert payments(load.path) == [(1, 150000, 2024), (2, 200025, 2024), (3, 75000, 2024), (1, 9999, 2024)]
    assert customers(load.path) == [
        (1, "Елена Петрова-Стоева", "elena@example.com", None),
        (2, "Иван, Стоев", "ivan@example.com", None),
        (3, "Мила Илиева", "mila@example.com", None),
    ]
    assert file.recognised == "Shopify orders"
    assert file.left_out == {
        "as a further line of an order": 1,
        "refunded in full": 1,
        "not paid (pending)": 1,
        "not paid (voided)": 1,
        "cancelled": 1,
        "without a customer": 1,
    }
    assert file.rows == 10 == file.payments + file.left_out.total()


def shopify(*orders):
    """An export with the columns that money is in; of each order its state and three amounts."""
    header = (FILES / "shopify_orders.csv").read_text().splitlines()[0]
    lines = [header]
    for number, (state, total, refunded, outstanding) in enumerate(orders, start=1):
        cells = {
            "Name": f"#{number}",
            "Email": f"buyer{number}@example.com",
            "Financial Status": state,
            "Paid at": "2024-02-03 10:00:00 +0100",
            "Currency": "MKD",
            "Total": total,
            "Refunded Amount": refunded,
            "Outstanding Balance": outstanding,
        }
        lines.append(",".join(cells.get(column, "") for column in header.split(",")))
    return "\n".join(lines) + "\n"


def test_what_is_outstanding_is_taken_off_in_every_state(load):
    outcome = load(
        shopify(
            ("paid", "310.40", "0.00", "155.20"),
            ("partially_paid", "90.00", "0.00", "60.00"),
            ("partially_refunded", "800.00", "500.00", "130.00"),
            ("refunded", "640.00", "400.00", "240.00"),
            ("paid", "75.00", "0.00", "-5.25"),
            ("paid", "20.00", "0.00", "20.00"),
        )
    )

    assert [cents for _, cents, _ in payments(load.path)] == [15520, 3000, 17000, 8025]
    assert outcome.files[0].left_out == {"refunded in full": 1, "not paid in full": 1}


@pytest.mark.parametrize(
    ("order", "column"),
    [
        (("partially_paid", "90.00", "0.00", ""), "Outstanding Balance"),
        (("paid", "90.00", "0.00", "90.01"), "Outstanding Balance"),
        (("paid", "90.00", "60.00", "50.00"), "Refunded Amount"),
        (("refunded", "90.00", "60.00", "0.00"), "Refunded Amount"),
    ],
)
def test_an_order_whose_amounts_contradict_each_other_is_rejected(load, order, column):
    (rejected,) = load(shopify(order)).rejects

    assert (rejected.line, rejected.column) == (2, column)
    assert not load.path.exists()


def test_woocommerce_orders_by_their_rules(load):
    outcome = load(FILES / "woocommerce_orders.csv")

    assert payments(load.path) == [(1, 125000, 2024), (2, 80000, 2024), (1, 41000, 2024)]
    assert [name for _, name, *_ in customers(load.path)] == ["Ана Костова", "Борис Јанев"]
    assert outcome.files[0].left_out == {
        "not paid (on hold)": 1,
        "refunded in full": 1,
        "cancelled": 1,
        "not paid (failed)": 1,
    }


OWN_STATES = (
    "user_id,order_id,money_spent,year,status\n"
    "1,11,5.00,2023,completed\n2,12,6.00,2023,На пат\n3,13,7.00,2023,quote\n4,14,8.00,2023,на-пат\n"
)


def test_states_of_the_shop_s_own_count_as_it_says(load):
    outcome = load(OWN_STATES)

    assert outcome.files[0].unknown_states == {"На пат": 1, "quote": 1, "на-пат": 1}
    assert not load.path.exists()

    told = replace(RULES, states={"на пат": "paid", "quote": "unpaid", "completed": "refunded"})
    outcome = load(OWN_STATES, rules=told)
    assert payments(load.path) == [(2, 600, 2023), (4, 800, 2023)]
    assert outcome.files[0].left_out == {"not paid (quote)": 1, "refunded in full": 1}
    assert outcome.files[0].unknown_states == {}


def test_orders_of_an_unknown_state_are_told_in_money_each_once(load):
    outcome = load(
        "user_id,order_id,money_spent,year,status,currency,thing\n"
        "1,11,5.50,2023,На пат,MKD,cup\n1,11,5.50,2023,На пат,MKD,plate\n2,12,6.00,2023,На пат,MKD,cup\n"
        "2,13,7.00,2023,На пат,EUR,cup\n2,14,much,2023,quote,MKD,cup\n",
        mapped={"item": ["thing"]},
    )

    assert outcome.files[0].unknown_state_orders == {"На пат": Orders(3, 1150, 1), "quote": Orders(1, 0, 1)}


def test_unknown_states_are_counted_to_an_end_and_anew_when_a_file_is_read_again(load):
    lines = [f"1,{number},1.234,2023,state {number % 60}" for number in range(120)]
    text = "user_id;order_id;money_spent;year;status\n" + "\n".join(lines).replace(",", ";")
    outcome = load(text + "\n1;999;1.50;2023;state 0\n1;998;2.25;2023;paid\n")

    assert len(outcome.files[0].unknown_states) == 50
    assert outcome.files[0].unknown_states["state 0"] == 3


def test_addresses_in_a_column_that_is_mapped_by_mistake_are_not_shown_as_states(load):
    outcome = load("user_id,money_spent,year,who\n1,5.00,2023,ana@example.com\n", mapped={"status": ["who"]})

    assert (outcome.rejected, outcome.files[0].unknown_states) == (1, {})


WEBTOFFEE = (
    "order_id,order_date,paid_date,status,order_total,order_currency,billing_email,billing_first_name,"
    "billing_last_name,refund_items\n"
)


def test_refunds_in_a_list_are_taken_off(load):
    load(
        WEBTOFFEE
        + "71,2024-05-01 9:15,2024-05-01T09:20:00+02:00,completed,900.00,MKD,ema@example.com,Ема,Ристова,"
        '"amount:250.50|reason:скршено, со капак|date:2024-05-09 10:00:00;'
        'amount:100|reason:|date:2024-05-11 10:00:00"\n'
        "72,2024-05-02 9:15,,processing,400.00,MKD,ivo@example.com,Иво,Саздов,\n"
        "73,2024-05-03 9:15,,completed,80.00,MKD,ivo@example.com,Иво,Саздов,"
        "amount:80.00|reason:|date:2024-05-09 10:00:00\n"
    )

    assert payments(load.path) == [(1, 54950, 2024), (2, 40000, 2024)]


def test_a_watched_column_that_says_nothing_stops_nothing(load):
    load(
        "user_id,money_spent,year,Amount Refunded,Cancelled,Cancellation fee,Валута,Cancellable,Order Status,Paid,Type\n"
        "1,5.00,2023,0.00,,0.00,mkd,yes,Completed,yes,Sale\n2,6.00,2023,,no,,,,,6.00,Refundable\n"
        "2,-6.00,2023,,,,,,Платено,2023-01-05,Refund\n"
    )

    assert payments(load.path) == [(1, 500, 2023), (2, 600, 2023), (2, -600, 2023)]


def test_that_an_order_is_on_its_way_says_nothing_about_its_money(load):
    load("user_id,money_spent,year,Fulfillment Status,Статус на испорака,Account status\n1,5.00,2023,x,y,z\n")

    assert payments(load.path) == [(1, 500, 2023)]


def test_other_states_of_an_order_that_counts_stop_nothing(load):
    load(
        "user_id,money_spent,year,status,Order Status\n1,5.00,2023,paid,Pending\n1,6.00,2023,pending,Cancelled\n"
    )

    assert payments(load.path) == [(1, 500, 2023)]


def test_a_column_of_states_can_be_told_or_told_not_to_matter(load):
    text = "user_id,money_spent,year,Order Status\n1,5.00,2023,Cancelled\n2,6.00,2023,Completed\n"
    told = load(text, mapped={"status": ["Order Status"]}, dry_run=True)

    assert (told.payments, told.left_out["cancelled"].orders) == (1, 1)
    assert load(text, mapped={"status": []}, dry_run=True).payments == 2


def test_the_name_of_an_order_takes_nobody_s_name(load):
    load("email,name,age\nvera@example.com,Вера Цветкова,51\n")

    with pytest.raises(CommandFailed, match="list of orders"):
        load("Name,Email,Paid at,Total\n#88,vera@example.com,2024-03-01,20.00\n")
    load(
        "Name,Email,Paid at,Total\n070 123,vera@example.com,2024-03-01,20.00\n",
        mapped={"money_spent": ["Total"], "date": ["Paid at"]},
    )
    assert customers(load.path) == [(1, "Вера Цветкова", "vera@example.com", 51)]


def test_an_export_with_a_line_for_each_item_counts_an_order_once(load):
    outcome = load(FILES / "woocommerce_items.csv")

    assert payments(load.path) == [(1, 56000, 2024), (2, 10000, 2024)]
    assert outcome.files[0].left_out["as a further line of an order"] == 1


def test_another_currency_in_an_export_is_rejected(load, write):
    text = (FILES / "woocommerce_orders.csv").read_text().replace(",MKD,", ",EUR,", 1)
    outcome = load(write(text, "orders.csv"))

    assert [(rejected.line, rejected.column) for rejected in outcome.rejects] == [(2, "order_currency")]
    assert not load.path.exists()


def test_an_order_on_two_lines_is_rejected_whatever_their_amounts(load):
    outcome = load("user_id,money_spent,year,order_id\n1,5.00,2023,A\n1,6.00,2023,A\n1,5.00,2023,A\n")

    assert [(rejected.line, rejected.column) for rejected in outcome.rejects] == [
        (3, "order_id"),
        (4, "order_id"),
    ]
    assert all("stands on line 2 already" in rejected.reason for rejected in outcome.rejects)


def test_a_price_of_items_in_place_of_the_total_is_no_order_s(load):
    """Two items of 70 are no order of 70, nor one of them to be passed over."""
    header = (FILES / "woocommerce_items.csv").read_text().splitlines()[0].split(",")
    cells = {
        "Order Number": "901",
        "Order Status": "Completed",
        "Order Date": "2024-07-01",
        "Email (Billing)": "ema@example.com",
        "Order Total Amount": "140",
        "Item Cost": "70",
    }
    line = ",".join(cells.get(column, "") for column in header)
    text = "\n".join([",".join(header), line, line]) + "\n"

    outcome = load(text, mapped={"money_spent": ["Item Cost"]})
    assert [rejected.line for rejected in outcome.rejects] == [3]
    assert load(text).total == Money(14000)


def test_an_order_number_is_the_same_however_it_is_written(load):
    header = "user_id,money_spent,date,order_id\n"
    load(header + "1,5.00,2024-01-01,#1001\n1,6.00,2024-01-02,0\n1,7.00,2024-01-03,A01\n")
    outcome = load(header + "1,5.00,2024-01-01, # 001001\n1,6.00,2024-01-02,00.0\n1,7.00,2024-01-03,A1\n")

    assert outcome.files[0].left_out == {KNOWN_ORDER: 2}
    assert outcome.payments == 1
    assert load(header + "1,5.00,2024-02-01,7.0\n1,5.00,2024-02-01,#07\n").rejected == 1


@pytest.mark.parametrize("method", ["(for testing) Bogus Gateway", "Bogus gateway + Cash", "(For testing) X"])
def test_test_orders_of_shopify_are_left_out(load, method):
    header, first, *_ = (FILES / "shopify_orders.csv").read_text().splitlines()
    columns = header.split(",")
    cells = first.split(",")
    cells[columns.index("Payment Method")] = method
    cells[columns.index("Currency")] = "USD"
    outcome = load("\n".join([header, first.replace("#1001", "#1000"), ",".join(cells)]) + "\n")

    assert outcome.files[0].left_out == {"as a test order": 1}
    assert outcome.payments == 1


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_name_on_the_newest_order_stands(load, newest_first):
    lines = ["a@example.com,Old,1.00,2024-01-31", "a@example.com,New,1.00,2024-02-01"]
    load(
        "email,name,money_spent,date\n" + "\n".join(lines[::-1] if newest_first else lines) + "\n",
        into=load.path,
    )

    assert customers(load.path) == [(1, "New", "a@example.com", None)]


def test_of_two_names_on_one_day_the_later_line_stands(load):
    load("email,name,money_spent,date\na@b.mk,One,1.00,2024-01-31\na@b.mk,Two,1.00,2024-01-31\n")

    assert customers(load.path) == [(1, "Two", "a@b.mk", None)]


# --- numbers and e-mails ----------------------------------------------------------------------


BY_EMAIL = "email,money_spent,date,order_id\nana@example.com,5.00,2024-01-01,1\n"


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("user_id,email\n1,bob@example.com\n", "email", "customer 1 has another e-mail in the ledger"),
        ("user_id,email\n2,ANA@example.com\n", "email", "is customer 1's e-mail in the ledger"),
        ("user_id,name\n1,Боб\n", "user_id", "number 1 was given to another customer"),
        ("user_id,email,name\n1,,Боб\n", "user_id", "number 1 was given to another customer"),
    ],
)
def test_a_file_with_numbers_does_not_take_over_customers_known_by_e_mail(load, text, column, says):
    load(BY_EMAIL)
    before = load.path.read_bytes()
    outcome = load(text)

    (rejected,) = outcome.rejects
    assert (rejected.line, rejected.column) == (2, column)
    assert says in rejected.reason
    assert load.path.read_bytes() == before
    outcome = load(text, skip_rejected=True)
    assert customers(load.path) == [(1, None, "ana@example.com", None)]


def test_payments_alone_do_not_take_over_a_number_either(load):
    load(BY_EMAIL)
    before = load.path.read_bytes()
    for dry_run in (True, False):
        with pytest.raises(
            CommandFailed, match=r"export0.csv: Column user_id .* number 1 was given"
        ) as caught:
            load(PLAIN + "7,5.00,2023\n1,5.00,2023\n", dry_run=dry_run)
    assert failure(caught.value).kind == "file"
    assert load.path.read_bytes() == before

    load(PLAIN + "7,5.00,2023\n")
    assert [user for user, _, _ in payments(load.path)] == [1, 7]


def test_a_number_with_the_same_e_mail_is_the_same_customer(load):
    load(BY_EMAIL)
    outcome = load("user_id,email,name,age\n1,ANA@example.com,Ана,30\n")

    assert outcome.written
    assert customers(load.path) == [(1, "Ана", "ana@example.com", 30)]


def test_an_e_mail_that_is_known_does_not_go_to_one_who_has_none(load, make_ledger):
    ledger = make_ledger([(1, "Ана", "ana@example.com", 30), (2, "Боб", None, 40)])
    outcome = load("user_id,email\n2,Ana@example.com\n", into=ledger)

    assert [rejected.reason for rejected in outcome.rejects] == ["is customer 1's e-mail in the ledger"]


def test_two_customers_who_share_an_e_mail_in_the_ledger_keep_it(load, make_ledger):
    ledger = make_ledger([(1, "Ана", "home@example.com", 30), (2, "Боб", "home@example.com", 40)])
    outcome = load("user_id,email,age\n1,Home@example.com,31\n2,home@example.com,41\n", into=ledger)

    assert not outcome.rejected
    assert [age for *_, age in customers(ledger)] == [31, 41]


def test_one_number_with_two_e_mails_is_rejected_with_both_lines(load):
    outcome = load("user_id,email\n4,a@example.com\n4,A@example.com\n4,b@example.com\n")

    (rejected,) = outcome.rejects
    assert (rejected.line, rejected.column) == (4, "email")
    assert "line 2" in rejected.reason


def test_customers_are_found_by_their_e_mail(load, make_ledger):
    ledger = make_ledger(
        [(5, "Стара", "ELENA@example.com ", 44), (9, "", "ivan@example.com", None)], [(77, 1.0, 2019)]
    )
    outcome = load(FILES / "shopify_orders.csv", into=ledger)

    # A new one does not get 77: payments of nobody must not become somebody's.
    assert [user for user, *_ in payments(ledger)] == [77, 5, 9, 78, 5]
    # Orders give only what is missing.
    assert customers(ledger) == [
        (5, "Стара", "ELENA@example.com ", 44),
        (9, "Иван, Стоев", "ivan@example.com", None),
        (78, "Мила Илиева", "mila@example.com", None),
    ]
    assert (outcome.customers_added, outcome.customers_updated) == (1, 1)


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_a_ledger_in_utf_16_gets_what_one_in_utf_8_gets(load, make_ledger, encoding):
    schema = PEOPLE + SPENDING
    people = [(5, "Стара", "ELENA@example.com ", 44), (9, "", "Иван@пример.мк", None)]
    more = "email,name,money_spent,date,order_id\nиван@пример.мк,Иван,0.70,2025-02-01,Ж-1\n"
    ledgers = [
        make_ledger(
            people, [(77, 1.0, 2019)], name=f"{each}.db", schema=f"PRAGMA encoding = '{each}';{schema}"
        )
        for each in ("UTF-8", encoding)
    ]
    outcomes = [[load(more, into=each, dry_run=dry).as_json() for dry in (True, False)] for each in ledgers]
    shopify = [load(FILES / "shopify_orders.csv", more, into=each) for each in ledgers]
    changed = [load(more.replace("0.70", "0.80"), into=each).as_json() for each in ledgers]

    assert rows(ledgers[1], "PRAGMA encoding") == [(encoding,)]
    assert customers(ledgers[1]) == customers(ledgers[0])
    assert payments(ledgers[1]) == payments(ledgers[0])
    assert (9, 70, 2025) in payments(ledgers[1])
    assert outcomes[1] == outcomes[0]
    assert shopify[1].files[0].as_json() == shopify[0].files[0].as_json()
    assert all(each.files[1].already for each in shopify)
    assert changed[1] == changed[0]


def test_an_e_mail_of_two_customers_is_nobody_s(load, make_ledger):
    ledger = make_ledger([(5, "А", "elena@example.com", 1), (6, "Б", "Elena@example.com", 2)])
    outcome = load(FILES / "shopify_orders.csv", into=ledger)

    assert [rejected.line for rejected in outcome.rejects] == [2, 10]
    assert "two customers" in outcome.rejects[0].reason
    assert payments(ledger) == []


def test_a_file_of_customers_updates_those_who_are_there(load, make_ledger):
    ledger = make_ledger([(1, "Ана", "ana@example.com", 30), (2, "Боб", None, 40)])
    outcome = load("user_id,name,age,email\n1,Ана К.,31,\n2,Боб,40,\n3,Ема,,ema@example.com\n", into=ledger)

    assert customers(ledger) == [
        (1, "Ана К.", "ana@example.com", 31),
        (2, "Боб", None, 40),
        (3, "Ема", "ema@example.com", None),
    ]
    assert (outcome.customers_added, outcome.customers_updated, outcome.payments) == (1, 1, 0)


def test_customers_and_orders_of_one_command_meet_by_e_mail(load):
    load("user_id,email,age\n40,Elena@Example.com,33\n", FILES / "shopify_orders.csv")

    assert (40, "Елена Петрова-Стоева", "Elena@Example.com", 33) in customers(load.path)


# --- again ------------------------------------------------------------------------------------


def test_the_same_bytes_add_nothing_whatever_their_name(load, tmp_path):
    load(PLAIN + "1,1.00,2023\n")
    copy = Path(shutil.copy(tmp_path / "export0.csv", tmp_path / "renamed.csv"))
    before = load.path.read_bytes()
    outcome = load(copy)

    assert outcome.files[0].already.startswith("20")
    assert not outcome.written
    assert load.path.read_bytes() == before


OWN_ORDERS = (
    "order_id,email,money_spent,date,status\n"
    "1,ana@shop.mk,100.00,2025-01-05,paid\n2,bojan@shop.mk,50.00,2025-01-06,picked up\n"
)


def test_rows_that_were_rejected_can_be_taken_from_the_same_file_by_order_numbers(load):
    load(OWN_ORDERS, skip_rejected=True)
    still = load(OWN_ORDERS, skip_rejected=True)
    picked_up = replace(RULES, states={"picked up": "paid"})
    outcome = load(OWN_ORDERS, rules=picked_up)
    again = load(OWN_ORDERS, rules=picked_up, despite_overlap=True)

    assert still.files[0].in_part
    assert (still.files[0].already, still.payments, outcome.payments) == (None, 0, 1)
    assert again.files[0].already
    assert payments(load.path) == [(1, 10000, 2025), (2, 5000, 2025)]


@pytest.mark.parametrize(
    "mapped",
    [{"order_id": []}, {"order_id": ["number"]}, {"order_id": ["order_id"], "money_spent": [], "email": []}],
    ids=["without numbers", "by other numbers", "not as a list of orders"],
)
def test_what_was_taken_of_a_file_in_part_is_not_taken_again(load, mapped):
    text = (
        "order_id,number,user_id,email,money_spent,year,status\n"
        "1,901,7,ana@shop.mk,100.00,2024,paid\n2,902,9,bojan@shop.mk,50.00,2024,picked up\n"
    )
    load(text, skip_rejected=True)
    again = replace(RULES, states={"picked up": "paid"})
    outcome = load(text, rules=again, mapped=mapped, despite_overlap=True)

    assert payments(load.path) == [(7, 10000, 2024)]
    assert outcome.files[0].in_part
    assert outcome.files[0].already


def test_without_order_numbers_the_same_bytes_add_nothing_after_rows_were_rejected(load):
    text = "email,money_spent,date,status\n" + OWN_ORDERS.partition("\n")[2].replace("1,a", "a").replace(
        "2,b", "b"
    )
    load(text, skip_rejected=True)
    again = replace(RULES, states={"picked up": "paid"})

    assert load(text, rules=again, despite_overlap=True).files[0].already
    assert payments(load.path) == [(1, 10000, 2025)]


def test_a_file_of_which_nothing_was_taken_can_be_given_again(load):
    text = "email,money_spent,date,status\nana@shop.mk,100.00,2025-01-05,picked up\n"
    load(text, skip_rejected=True)
    outcome = load(text, rules=replace(RULES, states={"picked up": "paid"}))

    assert outcome.payments == 1
    assert payments(load.path) == [(1, 10000, 2025)]


def test_the_same_file_named_twice_counts_once(load):
    text = PLAIN + "1,1.00,2023\n"
    outcome = load(text, text)

    assert payments(load.path) == [(1, 100, 2023)]
    assert outcome.files[1].already


def test_with_order_ids_only_new_orders_are_added(load):
    header = "user_id,money_spent,date,order_id\n"
    load(header + "1,5.00,2024-01-01,A\n1,6.00,2024-01-02,B\n")
    outcome = load(header + "1,6.00,2024-01-02,B\n1,9.99,2024-01-01,A\n2,7.00,2024-01-03,C\n")

    assert payments(load.path) == [(1, 500, 2024), (1, 600, 2024), (2, 700, 2024)]
    assert sorted(outcome.files[0].left_out.values()) == [1, 1]
    assert any("another amount" in reason for reason in outcome.files[0].left_out)
    assert (outcome.payments, outcome.total) == (1, Money(700))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("user_id,money_spent,date\n1,5.00,2024-01-01", "user_id,money_spent,date\n1,5.00,2023-12-31"),
        ("user_id,money_spent,date\n1,5.00,2024-01-01", "user_id,money_spent,date\n2,5.00,2024-01-01"),
        ("email,money_spent,date\na@b.mk,5.00,2024-01-01", "email,money_spent,date\nc@b.mk,5.00,2024-01-01"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_an_order_with_another_year_or_customer_has_changed(load, first, second, at_once):
    first, second = (text.replace("date\n", "date,order_id\n") + ",A\n" for text in (first, second))
    if at_once:
        told = load(first, second).files[1]
    else:
        load(first)
        (told,) = load(second).files

    assert told.left_out == {CHANGED_ORDER: 1}
    assert payments(load.path) == [(1, 500, 2024)]
    assert len(customers(load.path)) == 1
    assert load(second + "\n").files[0].left_out == {CHANGED_ORDER: 1}
    assert load(first + "\n").files[0].left_out == {KNOWN_ORDER: 1}


def test_without_order_ids_an_overlap_is_refused_with_the_way_out(load):
    header = "user_id,money_spent,date\n"
    load(header + "1,5.00,2024-01-01\n1,6.00,2024-01-31\n")
    with pytest.raises(CommandFailed, match=r"may repeat export0.csv.* Map order_id"):
        load(header + "1,7.00,2024-01-31\n")
    assert len(payments(load.path)) == 2

    load(header + "1,7.00,2024-02-01\n")
    load(header + "1,8.00,2024-02-01\n", despite_overlap=True)
    assert [cents for _, cents, _ in payments(load.path)] == [500, 600, 700, 800]


def test_files_of_one_command_are_compared_likewise(load):
    with pytest.raises(CommandFailed, match=r"export1.csv .* may repeat export0.csv"):
        load(PLAIN + "1,5.00,2024\n", PLAIN + "1,6.00,2024\n")
    assert not load.path.exists()


def test_payments_that_came_otherwise_are_not_repeated(load, make_ledger):
    ledger = make_ledger([(1, "A", None, 1)], [(1, 5.0, 2023)])
    with pytest.raises(CommandFailed, match="came into the ledger otherwise"):
        load(PLAIN + "1,5.00,2023\n", into=ledger)
    load(PLAIN + "1,5.00,2024\n", into=ledger)

    assert len(payments(ledger)) == 2


# --- all or nothing ---------------------------------------------------------------------------


def test_a_dry_run_counts_the_same_and_writes_nothing(load, make_ledger, tmp_path):
    ledger = make_ledger([(5, "Е", "elena@example.com", 44)], [])
    before, names = ledger.read_bytes(), sorted(path.name for path in tmp_path.iterdir())
    dry = load(FILES / "shopify_orders.csv", into=ledger, dry_run=True)
    assert ledger.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    fresh = load(FILES / "shopify_orders.csv", dry_run=True)
    assert not load.path.exists()
    done = load(FILES / "shopify_orders.csv", into=ledger)

    assert {**dry.as_json(), "written": True} == done.as_json()
    assert fresh.customers_added == dry.customers_added + 1


def test_nothing_is_left_beside_the_ledger(load, tmp_path):
    load(PLAIN + "1,1.00,2023\n")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["export0.csv", "ledger.db"]


@pytest.fixture
def read_at_the_end(monkeypatch):
    """What somebody finds who reads the ledger when all is written and not yet committed, without waiting."""
    found = []

    def write_and_look(db, read, hashes):
        write_rows(db, read, hashes)
        [path] = [path for _, name, path in db.execute("PRAGMA database_list") if name == "ledger"]
        with closing(sqlite3.connect(path, timeout=0)) as reader:
            try:
                found.append(reader.execute("SELECT count(*) FROM user_spending").fetchone()[0])
            except sqlite3.OperationalError as error:
                found.append(str(error))

    write_rows = importing.write
    monkeypatch.setattr(importing, "write", write_and_look)
    monkeypatch.setattr(importing, "_CACHE_KIB", 16)
    return found


MANY = PLAIN + "".join(f"{number},1.00,2023\n" for number in range(1, 9000))


def test_a_ledger_is_read_until_the_import_commits(load, read_at_the_end):
    load(PLAIN + "1,5.00,2020\n")

    load(MANY)

    assert read_at_the_end[1:] == [1]
    assert rows(load.path, "SELECT count(*) FROM user_spending") == [(9000,)]


def test_what_an_import_keeps_in_memory_is_bounded_although_readers_wait_then(
    load, read_at_the_end, monkeypatch
):
    monkeypatch.setattr(importing, "_UNWRITTEN_KIB", 64)
    load(PLAIN + "1,5.00,2020\n")

    load(MANY)

    assert read_at_the_end[1:] == ["database is locked"]
    assert rows(load.path, "SELECT count(*) FROM user_spending") == [(9000,)]


def test_what_a_killed_import_left_is_no_hindrance(load):
    marker(load.path).touch()
    draft(load.path).write_bytes(b"half a ledger")
    draft(load.path).with_name(f"{draft(load.path).name}-journal").write_bytes(b"and its journal")
    load(PLAIN + "1,1.00,2023\n")

    assert payments(load.path) == [(1, 100, 2023)]
    assert not marker(load.path).exists()
    assert not list(load.path.parent.glob("*.smetka-import*"))


def test_a_ledger_that_appears_meanwhile_is_left_alone(load, monkeypatch):
    def create_index(path):
        load.path.write_text("of somebody else")

    monkeypatch.setattr(target, "create_index", create_index)
    with pytest.raises(CommandFailed, match="was made by another program"):
        load(PLAIN + "1,1.00,2023\n")

    assert load.path.read_text() == "of somebody else"


def test_a_locked_ledger_is_waited_for_and_then_told(load, make_ledger, monkeypatch):
    monkeypatch.setattr(target, "BUSY_SECONDS", 0.1)
    ledger = make_ledger()
    with closing(sqlite3.connect(ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CommandFailed, match="is locked by another process"):
            load(PLAIN + "1,1.00,2023\n", into=ledger)
    with marked(ledger, 0), pytest.raises(CommandFailed, match="Another import"):
        load(PLAIN + "1,1.00,2023\n", into=ledger)

    assert payments(ledger) == []


PEOPLE = "CREATE TABLE user_info (user_id INTEGER, name, email, age INTEGER);"
SPENDING = "CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER);"


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ("CREATE TABLE other (a);", "no table user_info"),
        (PEOPLE, "no table user_spending"),
        (PEOPLE + SPENDING.replace("TABLE", "VIEW").partition(" (")[0] + " AS SELECT 1;", "is a view"),
        (PEOPLE.replace("name, ", "") + SPENDING, "no column name"),
        (PEOPLE.replace("user_id INTEGER", "user_id TEXT") + SPENDING, "declared TEXT"),
        (PEOPLE + SPENDING.replace("REAL", "TEXT"), "declared TEXT"),
        (PEOPLE + SPENDING.replace(");", ", shop INTEGER NOT NULL);"), "requires a value of shop"),
        (PEOPLE.replace("age INTEGER", "age INTEGER NOT NULL") + SPENDING, "requires a value of age"),
        (
            PEOPLE + SPENDING.replace("money_spent REAL", "price REAL, money_spent REAL AS (price * 2)"),
            "money_spent in .* is a generated column",
        ),
    ],
)
def test_a_ledger_in_another_shape_is_refused_untouched(load, tmp_path, schema, says):
    ledger = tmp_path / "shop.db"
    with closing(sqlite3.connect(ledger)) as database:
        database.executescript(schema)
    before = ledger.read_bytes()
    with pytest.raises(CommandFailed, match=says):
        load(PLAIN + "1,1.00,2023\n", into=ledger)

    assert ledger.read_bytes() == before


def test_what_is_no_database_is_refused_untouched(load, tmp_path):
    other = tmp_path / "shop.db"
    other.write_text("not a database at all " * 50)
    with pytest.raises(CommandFailed, match="not a SQLite database"):
        load(PLAIN + "1,1.00,2023\n", into=other)

    assert other.read_text().startswith("not a database")


def test_a_rule_of_the_ledger_s_own_undoes_everything(load, make_ledger):
    ledger = make_ledger(
        schema="CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name, email UNIQUE, age INTEGER);"
        "CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER);"
    )
    with pytest.raises(CommandFailed, match="does not allow"):
        load("user_id,email\n1,a@example.com\n2,a@example.com\n", into=ledger)

    assert customers(ledger) == []
    assert rows(ledger, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'smetka%'") == [(0,)]
