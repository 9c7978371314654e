from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from smetka.core.errors import WrongUsage
from smetka.ledger.imports.columns import find_columns
from smetka.ledger.imports.mapping import parse_mapping, read_mapping
from smetka.ledger.imports.refused import Refused

FILES = Path(__file__).parent / "files"


def header_of(name):
    with (FILES / name).open(newline="") as file:
        return next(csv.reader(file))


@pytest.mark.parametrize(
    ("told", "mapped"),
    [
        (
            "user_id=Customer,money_spent=Total paid, date = Paid",
            {"user_id": ["Customer"], "money_spent": ["Total paid"], "date": ["Paid"]},
        ),
        ('name="Last, First",email="a=b"', {"name": ["Last, First"], "email": ["a=b"]}),
        ('name="The ""real"" name"', {"name": ['The "real" name']}),
        ("name=First,name=Last", {"name": ["First", "Last"]}),
        ("order_id=", {"order_id": []}),
    ],
)
def test_a_mapping_names_columns_by_field(told, mapped):
    assert parse_mapping([told]) == mapped


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("user_id", "FIELD=COLUMN"),
        ('user_id="Customer', "FIELD=COLUMN"),
        ("customer=Customer", "no field 'customer'"),
        ("date=A,date=B", "mapped twice"),
    ],
)
def test_a_wrong_mapping_is_wrong_usage(told, says):
    with pytest.raises(WrongUsage, match=says):
        parse_mapping([told])


def test_a_mapping_file_is_toml_or_json(tmp_path):
    toml, other = tmp_path / "map.toml", tmp_path / "map.json"
    toml.write_text('user_id = "Customer"\nname = ["First", "Last"]\n')
    other.write_text(json.dumps({"user_id": "Customer", "name": ["First", "Last"]}))

    assert read_mapping(toml) == read_mapping(other) == {"user_id": ["Customer"], "name": ["First", "Last"]}


def test_a_field_twice_in_a_mapping_of_json_is_wrong_usage(tmp_path):
    path = tmp_path / "map.json"
    path.write_text('{"email": "A", "name": "B", "email": "C"}')

    with pytest.raises(WrongUsage, match="email is mapped twice"):
        read_mapping(path)


@pytest.mark.parametrize(
    "text", ["user_id =", "user_id = 7", 'customer = "A"', "[" * 5000, "user_id = ['A', 7]"]
)
def test_a_wrong_mapping_file_is_wrong_usage(tmp_path, text):
    path = tmp_path / "map.toml"
    path.write_text(text)

    with pytest.raises(WrongUsage):
        read_mapping(path)
    with pytest.raises(WrongUsage, match="cannot be read"):
        read_mapping(tmp_path / "missing.toml")


def test_the_names_of_our_fields_map_themselves():
    columns = find_columns(["User_ID", "Shoe size", "MONEY_SPENT", "year"], {})

    assert columns.at == {"user_id": (0,), "money_spent": (2,), "year": (3,)}
    assert columns.is_plain


def test_what_is_told_goes_before_what_is_found():
    columns = find_columns(
        ["user_id", "Buyer", "money_spent", "year", "Paid"], {"user_id": ["buyer"], "date": ["Paid"]}
    )

    assert columns.at == {"user_id": (1,), "money_spent": (2,), "date": (4,)}


def test_a_year_beside_its_date_is_read_to_be_compared():
    header = ["user_id", "money_spent", "year", "date", "birth_date", "age"]
    columns = find_columns(header, {})

    assert columns.at.keys() == set(header)
    assert not find_columns(header[:4], {}).is_plain
    assert find_columns(header, {"year": [], "age": []}).at.keys() == {*header} - {"year", "age"}
    assert "age" not in find_columns([*header, "Born"], {"birth_date": ["Born"]}).at


@pytest.mark.parametrize(
    ("mapped", "fields"),
    [
        ({"email": ["Buyer"], "name": ["Buyer"]}, "email and to name"),
        ({"money_spent": ["Total"], "user_id": ["total"]}, "money_spent and to user_id"),
        ({"name": ["Buyer", "Total"], "money_spent": ["Total"]}, "name and to money_spent"),
    ],
)
def test_a_column_that_is_told_for_two_fields_is_wrong_usage(mapped, fields):
    with pytest.raises(WrongUsage, match=f"mapped to {fields}"):
        find_columns(["Buyer", "Total", "year"], mapped)


def test_a_column_that_is_told_is_not_what_it_is_called():
    columns = find_columns(["user_id", "email", "age"], {"user_id": ["email"]})

    assert columns.at == {"user_id": (1,), "age": (2,)}


def test_a_name_may_be_of_two_columns_told_apart():
    assert find_columns(["user_id", "A", "B"], {"name": ["A", "B"]}).at["name"] == (1, 2)


def test_lines_of_items_are_known_while_the_platform_s_total_and_number_stand():
    header = header_of("shopify_orders.csv")

    assert find_columns(header, {"name": ["Shipping Name"]}).has_items
    assert find_columns(header, {"money_spent": ["Total"]}).has_items
    assert not find_columns(header, {"money_spent": ["Lineitem price"]}).has_items
    assert not find_columns(header, {"order_id": ["Id"]}).has_items
    assert not find_columns(["user_id", "money_spent", "year", "order_id"], {}).has_items


def test_the_way_of_payment_is_looked_at_and_not_shown():
    columns = find_columns(header_of("shopify_orders.csv"), {})

    assert "payment_method" in columns.at
    assert "payment_method" not in columns.named


@pytest.mark.parametrize(
    ("header", "mapped", "says"),
    [
        (["a", "b"], {}, "who the customer is"),
        (["user_id", "b"], {}, "neither amounts"),
        (["user_id", "Total", "b"], {"money_spent": []}, "neither amounts"),
        (["user_id", "money_spent"], {}, "when they were paid"),
    ],
)
def test_a_file_that_lacks_what_is_needed_is_refused_with_its_columns(header, mapped, says):
    with pytest.raises(Refused, match=says) as caught:
        find_columns(header, mapped)

    assert repr(header[1]) in caught.value.reason


@pytest.mark.parametrize(
    "header",
    [
        ["Email", "Name", "Total"],
        ["Email", "Name", "Currency"],
        ["email", "name", "age", "Financial Status"],
        ["user_id", "name", "date", "status"],
        ["Е-пошта", "Име", "Износ"],
        ["Email", "First Name", "Total Spent", "Total Orders"],
    ],
)
def test_a_file_that_may_be_of_orders_is_not_taken_for_a_list_of_customers(header):
    mapped = {"email": ["Е-пошта"]} if header[0] == "Е-пошта" else {}

    with pytest.raises(Refused, match="list of orders") as caught:
        find_columns(header, mapped)

    assert caught.value.code == "orders_or_customers"
    assert repr(header[-1]) in caught.value.reason
    assert "--map money_spent=" in caught.value.reason


def test_a_list_of_customers_with_a_sum_is_one_when_that_is_told():
    header = ["Email", "name", "Total Spent", "status", "created_at", "birth_date", "Last visit"]
    columns = find_columns(header, {"money_spent": []})

    assert columns.at == {"email": (0,), "name": (1,), "birth_date": (5,)}
    assert columns.dates_unused == ("created_at", "Last visit")
    assert find_columns(header, {"money_spent": ["Total Spent"], "year": ["Last visit"]}).has_payments


def test_a_state_that_is_told_for_a_list_of_customers_is_asked_about():
    with pytest.raises(Refused, match="'Stage'"):
        find_columns(["email", "name", "Stage"], {"status": ["Stage"]})


@pytest.mark.parametrize(
    ("name", "column", "field"),
    [
        ("shopify_orders.csv", "Outstanding Balance", "outstanding"),
        ("shopify_orders.csv", "Cancelled at", "cancelled_at"),
        ("shopify_orders.csv", "Currency", "currency"),
        ("woocommerce_orders.csv", "order_currency", "currency"),
    ],
)
def test_a_column_that_was_cut_off_and_seldom_changes_an_amount_is_named(name, column, field):
    header = [other for other in header_of(name) if other != column]

    assert find_columns(header, {}).missing == (column,)
    assert find_columns(header, {field: []}).missing == ()
    assert find_columns([*header, "Other"], {field: ["Other"]}).missing == ()
    assert find_columns(header_of(name), {}).missing == ()


@pytest.mark.parametrize(
    ("name", "column", "field"),
    [
        ("shopify_orders.csv", "Refunded Amount", "refunded"),
        ("woocommerce_orders.csv", "refunded_total", "refunded"),
        ("woocommerce_items.csv", "Order Refund Amount", "refunded"),
    ],
)
def test_an_export_without_a_column_that_takes_money_off_is_refused_until_told(name, column, field):
    header = [other for other in header_of(name) if other != column]

    with pytest.raises(Refused) as caught:
        find_columns(header, {})

    assert caught.value.code == "columns_cut"
    assert f"without {column!r}" in caught.value.reason
    assert f"--map {field}= " in caught.value.reason
    assert field not in find_columns(header, {field: []}).at
    assert find_columns([*header, "Other"], {field: ["Other"]}).named[field] == "Other"


def test_an_export_whose_item_columns_were_cut_is_known_all_the_same():
    header = [column for column in header_of("shopify_orders.csv") if not column.startswith("Lineitem")]

    assert find_columns(header, {}).named["order_id"] == "Name"


def test_an_export_with_its_refunds_in_a_list_is_one_of_its_own():
    header = [
        column.replace("refunded_total", "refund_items") for column in header_of("woocommerce_orders.csv")
    ]
    columns = find_columns([*header, "paid_date"], {})

    assert columns.recognised == "WooCommerce orders (WebToffee)"
    assert columns.named["refunded"] == "refund_items"


def test_columns_that_may_take_money_off_are_watched_where_they_are_mapped_to_nothing():
    header = ["user_id", "money_spent", "year", "Amount Refunded", "Cancelled", "Валута", "Refundable"]

    assert find_columns(header, {}).watched == {"refunded": (3,), "cancelled_at": (4,), "currency": (5,)}
    assert not find_columns(header, {}).is_plain
    told = {"refunded": ["Amount Refunded"], "cancelled_at": [], "currency": []}
    assert not find_columns(header, told).watched


def test_a_column_that_is_not_there_is_wrong_usage_with_the_nearest():
    with pytest.raises(WrongUsage, match="did you mean 'Customer'"):
        find_columns(["Customer", "Total"], {"user_id": ["Custmer"]})


@pytest.mark.parametrize(
    ("name", "recognised"),
    [
        ("shopify_orders.csv", "Shopify orders"),
        ("woocommerce_orders.csv", "WooCommerce orders (Customer/Order/Coupon Export)"),
        ("woocommerce_items.csv", "WooCommerce orders (Advanced Order Export)"),
    ],
)
def test_order_exports_are_known_by_their_columns(name, recognised):
    columns = find_columns(header_of(name), {})

    assert columns.recognised == recognised
    assert columns.by_email
    assert {"email", "name", "money_spent", "date", "order_id", "status", "refunded"} <= columns.at.keys()


def test_in_shopify_a_name_is_an_order_s():
    assert find_columns(header_of("shopify_orders.csv"), {}).named["order_id"] == "Name"


def test_the_download_of_analytics_is_refused_with_what_to_export_instead():
    with pytest.raises(Refused, match="Advanced Order Export"):
        find_columns(header_of("woocommerce_analytics.csv"), {})


def test_which_of_two_columns_of_a_name_is_meant_is_asked():
    header = ["user_id", "money_spent", "year", "money_spent (2)"]

    with pytest.raises(Refused, match="names two columns so; say which one is the money_spent"):
        find_columns(header, {})
    assert find_columns(header, {"money_spent": ["money_spent (2)"]}).at["money_spent"] == (3,)
    assert find_columns(header, {"money_spent": ["money_spent"]}).at["money_spent"] == (1,)
    assert find_columns(["user_id", "money_spent", "year", "note", "note (2)"], {}).has_payments
