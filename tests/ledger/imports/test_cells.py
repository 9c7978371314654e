from __future__ import annotations

import time

import pytest

from smetka.ledger.imports.cells import age, check_name, customer_name, order_number, user_id, year
from smetka.ledger.imports.defused import bare
from smetka.ledger.imports.refused import Refused


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'-30.50", "-30.50"),
        ("\t-30.50", "-30.50"),
        ("'\t=A1", "=A1"),
        ("'0017", "0017"),
        ('="0017"', "0017"),
        ('="a ""b"" c"', 'a "b" c'),
        ('\'="0017"', "0017"),
        ('=""', ""),
        ("'", ""),
        ("''7", "'7"),
        ("=A1", "=A1"),
        ('="a"&"b"', '="a"&"b"'),
        ("7'", "7'"),
        ("", ""),
    ],
)
def test_what_protects_a_cell_from_spreadsheets_is_taken_off_once(text, value):
    assert bare(text) == value


def test_numbers_of_customers_years_and_orders_are_read_through_it():
    assert user_id("'9013808660771") == user_id('="9013808660771"') == 9013808660771
    assert year("'2024", 2026) == year('="2024"', 2026) == 2024
    assert order_number(bare("'#1001")) == order_number(bare('="01001"')) == "1001"


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        (["O&#039;Brien", "Pat"], "O'Brien Pat"),
        (["O&#x27;Brien"], "O'Brien"),
        (["Ana &amp; Bo"], "Ana & Bo"),
        (["Ќира &lt;3"], "Ќира <3"),
        (["Jos&eacute;&nbsp;", " Mu&ntilde;oz"], "José Muñoz"),
        (["&amp;amp;"], "&amp;"),
        (["&amp;lt;b&amp;gt;"], "&lt;b&gt;"),
        (["AT&T"], "AT&T"),
        (["Ana & Bo"], "Ana & Bo"),
        (["Ana &copy Bo &notit; &xyzzy;"], "Ana &copy Bo &notit; &xyzzy;"),
        (["&am", "p;"], "&am p;"),
        (["&#0;&#8;x"], "\ufffdx"),
        (["'t Hooft"], "'t Hooft"),
        (["'=HYPERLINK(1)"], "=HYPERLINK(1)"),
        (["'@ana"], "@ana"),
        (['="Ana"'], "Ana"),
        (["", "  "], None),
        ([], None),
    ],
)
def test_a_name_is_what_it_was_before_it_was_made_html_or_safe_for_spreadsheets(cells, name):
    assert customer_name(cells) == name


@pytest.mark.parametrize(
    ("text", "years"),
    [("0", 0), ("34", 34), ("34.0", 34), ("0034", 34), ("122", 122), ("123", None), ("999", None)],
)
def test_an_age_beyond_everybody_s_is_none(text, years):
    assert age(text) == years


@pytest.mark.parametrize("text", ["1000", "1985", "-1", "34.5", "34 years", "many"])
def test_what_is_no_age_is_refused(text):
    with pytest.raises(Refused, match="whole years from 0 to 122"):
        age(text)


def test_zeros_before_what_is_no_number_take_no_time():
    begun = time.process_time()

    with pytest.raises(Refused, match="is longer than 200 characters"):
        order_number("0" * 30_000 + "!")

    assert time.process_time() - begun < 1


@pytest.mark.parametrize("of_orders", [True, False])
def test_a_name_has_an_end_since_pages_show_fifty_of_them(of_orders):
    check_name("Ж" * 1000, of_orders=of_orders)

    with pytest.raises(Refused, match="is longer than 1000 characters"):
        check_name("Ж" * 1001, of_orders=of_orders)
