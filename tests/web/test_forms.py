"""What people type into forms, and which forms are taken at all."""

from __future__ import annotations

import html
import re
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smetka.core.canonical import LARGEST_ID
from smetka.core.money import LARGEST_AMOUNT, Money
from smetka.language import FORMATS, formats
from smetka.web.pages.forms import Fields
from tests.web.browsing import HTML, Browser, plain, token

FORM_TYPE = "application/x-www-form-urlencoded"
pytestmark = pytest.mark.shop(shared=True)

ACT = {"year": "2026", "user_id": "1", "decision": "rejected", "total_spending": "2000"}


def read(text, kind="amount", language="en", **options):
    """What a field reads, and what it says is wrong."""
    fields = Fields({"x": text}, language)
    value = getattr(fields, kind)("x", **options)
    assert (value is None) or not fields.faults
    return value, fields.faults.get("x")


# --- reading ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "mk"])
@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0", 0),
        ("1000", 1000_00),
        ("1000.5", 1000_50),
        ("1000,50", 1000_50),
        ("1,000", 1000_00),
        ("1.000", 1000_00),
        ("1,000.50", 1000_50),
        ("1.000,50", 1000_50),
        ("1.234.567,89", 1234567_89),
        ("1,234,567.8", 1234567_80),
        ("12.345", 12345_00),
        ("1 000,50", 1000_50),
        ("1\u00a0000,50", 1000_50),
        ("1\u202f000.50", 1000_50),
        ("1'000", 1000_00),
        ("  5 ", 5_00),
        ("0.01", 1),
        ("007", 7_00),
        (str(LARGEST_AMOUNT), LARGEST_AMOUNT * 100),
    ],
)
def test_amounts_are_read_in_both_notations_whatever_the_language(text, cents, language):
    assert read(text, language=language) == (Money(cents), None)


@pytest.mark.parametrize(
    "text",
    [
        "x", "-5", "−5", "+5", ".5", "5.", "5,", "1.0000", "1000.500", "1,00,000", "1.000.50", "1,000,50",
        "1.000,500", "12.3456", "1e3", "NaN", "inf", "٣", "５", "5 ден.", "1/2", "0x10", "1_000", "1..5",
        "1,,000", "9" * 17, "0.500", "0,500", "00.500", "012,345",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_said_beside_the_field(text):
    assert read(text) == (None, "must be an amount such as 1000.50")
    assert read(text, language="mk")[1].endswith("1000,50")


def test_amounts_have_limits():
    assert read(f"{LARGEST_AMOUNT}.01") == (None, f"must be at most {LARGEST_AMOUNT}")
    assert read("0.00", positive=True) == (None, "must be more than 0")
    assert read("", default=Money(5)) == (Money(5), None)
    assert read("") == (None, None)


@given(st.integers(0, LARGEST_AMOUNT * 100), st.sampled_from(["en", "mk"]), st.sampled_from(["en", "mk"]))
@example(1000_00, "mk", "en")
def test_every_amount_that_pages_show_can_be_typed_back_in_either_language(cents, shown_in, typed_in):
    own = FORMATS[shown_in]
    shown = formats.amount(Money(cents).decimal, own)

    assert read(shown, language=typed_in) == (Money(cents), None)
    assert read(formats.count(cents // 100, own), language=typed_in) == (Money(cents // 100 * 100), None)
    assert read(str(Money(cents)), language=typed_in) == (Money(cents), None)


@given(st.text(max_size=12) | st.from_regex(r"[0-9., ]{0,14}", fullmatch=True))
def test_an_amount_is_never_read_as_another(text):
    value, fault = read(text)
    bare = re.sub(r"[\s\x00-\x1f\x7f']", "", text)
    if value is None:
        assert fault or not bare
        return
    # Whatever was read has the digits that were typed, and a mark only where one stood.
    decimals = re.search(r"[.,]([0-9]{1,2})$", bare)
    digits = re.sub(r"[.,]", "", bare)
    assert value.decimal == Decimal(digits).scaleb(-len(decimals[1]) if decimals else 0)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2027-01-31", (2027, 1, 31)), ("31.01.2027", (2027, 1, 31)), ("1.2.2027", (2027, 2, 1)),
        ("31.01.2027.", (2027, 1, 31)), ("29.02.2028", (2028, 2, 29)),
    ],
)  # fmt: skip
def test_days_are_read_as_browsers_and_as_people_write_them(text, day):
    assert read(text, "day") == (date(*day), None)


NO_DAYS = "31.02.2027 2027-1-31 01/31/2027 31.1.27 0000-01-01 today ٣.1.2027 2027-13-01"


@pytest.mark.parametrize("text", NO_DAYS.split())
def test_what_is_no_day_is_said(text):
    assert read(text, "day") == (None, "must be a day such as 31.01.2027")


@pytest.mark.parametrize("text", ["1", "2026", str(LARGEST_ID)])
def test_whole_numbers_are_read(text):
    assert read(text, "whole") == (int(text), None)


@pytest.mark.parametrize("text", ["0", "-1", "007", "1.0", "1,000", "x", "٣", str(LARGEST_ID + 1), "9" * 400])
def test_what_is_no_whole_number_is_said(text):
    assert read(text, "whole") == (None, f"must be a whole number from 1 to {LARGEST_ID}")
    assert read(text, "whole", most=5)[1] == "must be a whole number from 1 to 5"


def test_a_year_has_four_digits_at_most():
    assert Fields({"year": "9999"}, "en").year() == 9999
    fields = Fields({"year": "10000"}, "mk")
    assert fields.year(default=2026) is None
    assert fields.faults == {"year": "мора да биде цел број од 1 до 9999"}


def test_words_are_chosen_as_they_are_written():
    assert read("b", "one_of", choices=("a", "b")) == ("b", None)
    assert read("", "one_of", choices=("a", "b"), default="a") == ("a", None)
    for wrong in ("B", "a ,b", "ab", "<b>"):
        assert read(wrong, "one_of", choices=("a", "b")) == (None, "must be one of a, b")


def test_text_is_one_line_of_a_bounded_length():
    assert read("ж" * 200, "text") == ("ж" * 200, None)
    assert read("ж" * 201, "text") == (None, "must have at most 200 characters")
    assert read("abc", "text", most=2) == (None, "must have at most 2 characters")
    assert read("", "text", needed=True) == (None, "is needed")


def test_control_characters_are_no_text():
    assert read("a\x00b\r\nSet-Cookie: c\x7f", "text") == ("a b  Set-Cookie: c", None)
    assert read(" \t\n ", "text", needed=True) == (None, "is needed")
    assert read("\x001000\n") == (Money(1000_00), None)


def test_a_fault_never_says_back_what_was_typed_and_survives_braces():
    for kind in ("amount", "day", "whole"):
        assert "{0}" not in read("{0}{x}", kind)[1]
        assert "<b>" not in read("<b>", kind)[1]


# --- which forms are taken -------------------------------------------------------------------


@pytest.fixture
def browser(shop, browser):
    """One for whom somebody is stored."""
    shop.services.bonus_customers.store(
        1, 2026, Money(2000_00), threshold=Money(1000_00), ledger_total=Money(1)
    )
    return browser


def review(shop):
    return shop.services.bonus_customers.get(2026, 1).review


def send(browser, data, content_type=FORM_TYPE, **headers):
    return browser.client.post("/bonus/decide", data=data, content_type=content_type, headers=HTML | headers)


def test_a_form_as_its_page_sends_it_is_taken(shop, browser):
    body = urlencode(ACT | {"form": token(browser.get("/desk"))})
    for content_type in (FORM_TYPE, f"{FORM_TYPE};charset=UTF-8", FORM_TYPE.title()):
        assert send(browser, body, content_type).status_code == 303
    assert review(shop) == "rejected"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/json",
        "multipart/form-data; boundary=x",
        f"{FORM_TYPE}; charset=latin-1",
    ],
)
def test_other_media_types_are_no_form(shop, browser, content_type):
    """What a page of another site could send without asking is never taken, token or not."""
    body = urlencode(ACT | {"form": token(browser.get("/desk"))})

    assert send(browser, body, content_type).status_code == 415
    assert review(shop) == "pending"


def test_a_form_that_is_no_utf_8_is_refused(shop, browser):
    body = f"form={token(browser.get('/desk'))}&year=2026&user_id=1&decision=rejected&query=".encode()

    assert send(browser, body + b"\xff\xfe").status_code == 400
    # Percent-encoded it is a text that nothing fits.
    assert send(browser, body.replace(b"rejected", b"%ff%c0%80")).status_code == 422
    assert review(shop) == "pending"


def test_a_form_of_too_many_fields_is_refused(shop, browser):
    proof = f"form={token(browser.get('/desk'))}&year=2026&user_id=1&decision=rejected&total_spending=2000"

    assert send(browser, proof + "&x=" * 96).status_code == 400
    assert review(shop) == "pending"
    assert send(browser, proof + "&x=" * 95).status_code == 303


def test_a_token_of_another_session_is_refused(shop, browser):
    other = token(Browser(shop).get("/desk"))

    for proof in ({"form": other}, {}, {"form": ""}, {"form": "ж"}, {"form": other[:-1]}):
        reply = send(browser, ACT | proof)
        assert reply.status_code == 403
        assert "nothing was done" in reply.text
    stranger = shop.app.test_client(use_cookies=False)
    reply = stranger.post("/bonus/decide", data=ACT | {"form": token(browser.get("/desk"))}, headers=HTML)
    assert reply.status_code == 403
    assert review(shop) == "pending"


def test_a_form_from_before_signing_in_or_out_is_refused_afterwards(make_shop):
    shop = make_shop(auth="required")
    browser = Browser(shop)
    before = token(browser.get("/sign-in"))
    browser.sign_in(shop.new_key("manager"))
    during = token(browser.get("/desk"))

    assert send(browser, ACT | {"form": before}).status_code == 403
    assert send(browser, ACT | {"form": during}).status_code == 404, "it is taken, and nobody is stored"
    assert browser.post("/sign-out", {}, "/desk").status_code == 303
    assert send(browser, ACT | {"form": during}).headers["Location"] == "/sign-in"
    browser.sign_in(shop.new_key("owner"))
    assert send(browser, ACT | {"form": during}).status_code == 403


def test_forms_of_another_site_are_refused_with_a_right_token(shop, browser):
    proof = ACT | {"form": token(browser.get("/desk"))}

    assert send(browser, proof, Origin="https://evil.example").status_code == 403
    assert send(browser, proof, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert review(shop) == "pending"


# --- queries ---------------------------------------------------------------------------------


UNKNOWN = "/?x=1 /bonus?years=2026 /bonus/due?cursor=1 /customers?page=1 /desk?code=x /customers/1?year=2026"


@pytest.mark.parametrize("path", UNKNOWN.split())
def test_what_a_page_does_not_know_is_no_part_of_its_query(shop, path):
    reply = Browser(shop).get(path)

    assert reply.status_code == 422
    assert "is not a query parameter here" in reply.text


def test_a_parameter_that_is_given_twice_is_no_answer_to_either(shop):
    reply = Browser(shop).get("/bonus?year=2025&year=2026")

    assert reply.status_code == 422
    assert "is given more than once" in reply.text


# --- the other language ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/desk", {"code": "x"}),
        ("/desk/redeem", {"code": "x"}),
        ("/desk/undo", {"code": "x"}),
        ("/bonus/campaigns", {"name": "?"}),
        ("/bonus/campaigns/none/issue", {}),
        ("/bonus/collect", {"year": "x"}),
        ("/bonus/decide", {"year": "x"}),
        ("/messages/schedules", {}),
    ],
)
def test_the_answer_to_a_form_can_be_left_for_the_other_language(shop, path, fields):
    """What is only posted to is no page: the switch leads to the one above it."""
    browser = Browser(shop)
    reply = browser.post(path, fields, "/desk")
    [link] = re.findall(r'<a href="([^"]+)" lang="mk"', reply.text)
    there = browser.client.get(html.unescape(link), headers=HTML, follow_redirects=True)

    assert reply.status_code in {400, 404, 422}
    expected = 404 if path.endswith("none/issue") else 200
    assert there.status_code == expected
    assert 'lang="mk"' in there.text


def test_what_was_typed_is_kept_in_a_faulty_form_and_inert(shop):
    nasty = '"><script>alert(1)</script>{{7*7}}'
    reply = Browser(shop).post("/bonus/campaigns", {"name": nasty, "threshold": nasty}, "/bonus/new-campaign")

    assert reply.status_code == 422
    assert html.unescape(re.search(r'name="threshold"[^>]*?value="([^"]*)"', reply.text)[1]) == nasty
    assert "<script>alert" not in reply.text
    assert "49" not in plain(reply.text)
