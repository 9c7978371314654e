"""What a manager reads, to the letter."""

from __future__ import annotations

import csv
import io
import struct
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from smetka.charts import drawing
from smetka.charts.averages import averages_spec
from smetka.core.errors import LedgerUnavailable
from smetka.telegram import charts
from smetka.telegram.layout import length
from smetka.telegram.messages import compose
from smetka.telegram.parts import LONGEST_CAPTION, LONGEST_TEXT, Document, Picture, Text
from smetka.telegram.reports import from_record, to_record
from smetka.telegram.standin.markup import parse_html
from tests.fixtures.clock import NOW
from tests.telegram.conftest import SKOPJE, delivery

ENGLISH = """\
<b>Average spending by age</b>
Year 2025 · MKD
Average per paying customer: what a group spent, divided by its customers with a payment.
<pre>Age      Average  Paying
18-24  20,707.98   1,239
25-30  21,603.96   1,239
31-36  20,843.00   1,239
37-47  19,865.90   1,239
&gt;47            –   1,239</pre>
Paying customers 6,195 of 2,435, payments 9,860, together 24,746,041.60 MKD.

Report 1a2b3c4d · 23.11.2026 18:20"""

MACEDONIAN = """\
<b>Просечна потрошувачка по возраст</b>
Сите години · MKD
Просек по купувач со плаќање: потрошеното во групата поделено со нејзините купувачи што имаат плаќање.
<pre>Возраст     Просек  Платиле
18-24    20.707,98    1.239
25-30    21.603,96    1.239
31-36    20.843,00    1.239
37-47    19.865,90    1.239
&gt;47              –    1.239</pre>
Вкупно 24.746.046,60 ден., платиле 6.196 од 2.438 купувачи, плаќања 11.060.
Надвор од овие групи: купувачи 3, плаќања 1.200.
Изоставени плаќања, со неупотреблив износ: 2.
Изоставени плаќања, од непознати купувачи: 5.

Извештај 1a2b3c4d · 23.11.2026 18:20"""

COMPARED = """\
<pre>Age      Average  Paying       ±%
18-24  20,707.98   1,239  +107.1%
25-30  21,603.96   1,239     0.0%
31-36  20,843.00   1,239        –
37-47  19,865.90   1,239   -50.0%
&gt;47            –   1,239        –</pre>"""

BONUS = {
    "year": 2026,
    "currency": "MKD",
    "threshold": 1000,
    "customers_due": 1200,
    "total_spending": Decimal("2345678.9"),
    "near_misses": 12,
    "customers": [
        {"user_id": 7, "total_spending": Decimal("99999.99")},
        {"user_id": 9223372036854775807, "total_spending": 5000},
    ],
}
SHOP = {
    "year": 2025,
    "currency": "MKD",
    "total_spending": Decimal(1000000),
    "customers": 5000,
    "spenders": 3400,
    "payments": 12000,
    "median": Decimal("123.45"),
    "top_tenth": 340,
    "top_tenth_spending": Decimal("412345.67"),
}


def parts_of(report, language="en", *, kind="averages", schedule=None, figures=None):
    return compose(delivery(report, kind, schedule), language, SKOPJE, figures)


def message(report, language="en", **more):
    """The text of the only part."""
    (part,) = parts_of(report, language, **more)
    return part.caption if isinstance(part, Picture) else part.html


class Before:
    """The figures of the year before."""

    def __init__(self, averages):
        self.averages_before, self.asked = averages, []

    def averages(self, year, basis):
        self.asked.append((year, basis))
        if self.averages_before is None:
            raise LedgerUnavailable("it is locked")
        return {"average_spending": self.averages_before}


def many_groups(make_report, count):
    """One of them below nothing, by refunds."""
    report = make_report()
    rows = [{**report["age_groups"][0], "age_group": f"{age}-{age}"} for age in range(count)]
    averages = dict.fromkeys((row["age_group"] for row in rows), 123456789)
    return {
        **report,
        "age_groups": rows,
        "average_spending": {**averages, "0-0": Decimal("-99999999.99")},
    }


def test_the_english_message_is_a_picture_with_everything_under_it(make_report):
    (part,) = parts_of(make_report())

    assert part.caption == ENGLISH
    assert part.png.startswith(b"\x89PNG")


def test_the_macedonian_message_with_all_remarks(make_report):
    report = make_report(
        year=None,
        outside={"customers": 3, "spenders": 1, "payments": 1200, "total_spending": 5},
        data_quality={"ignored_payments": 2, "orphan_payments": 5},
    )

    assert message(report, "mk") == MACEDONIAN


def test_a_year_is_compared_with_the_one_before(make_report):
    before = Before(
        {"18-24": 10000, "25-30": Decimal("21603.96"), "31-36": None, "37-47": Decimal("39731.8"), ">47": 5}
    )
    text = message(make_report(), figures=before)

    assert COMPARED in text
    assert "±%: change against 2024." in text
    assert before.asked == [(2024, "spender")]


OPEN = {"from": "2026-01-01", "to": "2026-11-23", "finished": False}


@pytest.mark.parametrize(
    ("language", "heading", "why"),
    [
        (
            "en",
            "Year 2026 (not over yet) · MKD",
            "2026 is not over yet; it is compared with 2025 when it is.",
        ),
        (
            "mk",
            "2026 година (не е завршена) · MKD",
            "2026 година не е завршена; со 2025 се споредува кога ќе заврши.",
        ),
    ],
)
def test_a_year_that_is_not_over_is_called_that_and_not_compared(make_report, language, heading, why):
    report = {**make_report(year=2026), "period": OPEN}
    compared = message(report, language, figures=Before({"18-24": 5}))
    alone = message(report, language, figures=Before(None))

    assert heading in compared
    assert why in compared
    assert "%" not in compared
    assert heading in alone
    assert why not in alone, "there is nothing to compare it with"
    subtitle = averages_spec(report, language)["title"]["subtitle"]
    assert subtitle.startswith(heading.removesuffix(" · MKD"))
    assert averages_spec(make_report(year=2026), language)["title"]["subtitle"] != subtitle


@pytest.mark.parametrize(("language", "words"), [("en", "not over yet"), ("mk", "не е завршена")])
def test_every_message_about_a_year_that_is_not_over_says_so(language, words):
    customer = {"user_id": 1, "total_spending": 5, "payments": 1, "personal": False}
    shop = {
        "total_spending": 5, "spenders": 1, "customers": 1, "payments": 1, "median": 5, "top_tenth_spending": 5,
    }  # fmt: skip
    for kind, report in (("bonus", BONUS), ("shop", shop), ("customer", customer)):
        told = {**report, "year": 2026, "currency": "MKD"}

        assert words in message({**told, "period": OPEN}, language, kind=kind)
        assert words not in message(told, language, kind=kind)


@pytest.mark.parametrize(
    ("language", "median", "share"),
    [
        (
            "en",
            "Median per paying customer: half of a group spent more, half less.\n<pre>Age      Median\n18-24  1,100.50\n",
            "One customer accounts for more than a tenth of what a group spent: 18-24 (62.2%), &gt;47 (10.0%).",
        ),
        (
            "mk",
            "половина помалку.\n<pre>Возраст  Медијана\n18-24    1.100,50\n",
            "Повеќе од десетина од потрошеното во групата е на еден купувач: 18-24 (62,2%), &gt;47 (10,0%).",
        ),
    ],
)
def test_medians_stand_beside_and_who_makes_much_of_a_group_is_told(make_report, language, median, share):
    report = make_report()
    shares = ("0.6215", "0.1000", None, "0.0312", "0.1001")
    groups = [
        {
            **group,
            "median_per_spender": None if part is None else Decimal("1100.5"),
            "largest_share": part and Decimal(part),
        }
        for group, part in zip(report["age_groups"], shares, strict=True)
    ]
    report = from_record(to_record({**report, "age_groups": groups}))
    text = message(report, language)

    assert median in text
    assert share in text
    parse_html(text)


def test_a_picture_of_a_year_that_is_not_over_is_not_kept_for_when_it_is(make_report):
    report = make_report(year=2026)

    assert charts.averages_chart({**report, "period": OPEN}, "en") != charts.averages_chart(report, "en")


@pytest.mark.parametrize(
    ("year", "averages"),
    [
        pytest.param(None, {"18-24": 5}, id="all years"),
        pytest.param(2025, None, id="the ledger is away"),
        pytest.param(2025, {"18-24": None}, id="a year without payments"),
        pytest.param(1, {"18-24": 5}, id="the first year of all"),
    ],
)
def test_nothing_is_compared_where_there_is_nothing(make_report, year, averages):
    assert "±%" not in message(make_report(year=year), figures=Before(averages))


@pytest.mark.parametrize(
    ("basis", "behind"), [("spender", "1,239"), ("payment", "1,972"), ("customer", "487")]
)
def test_the_basis_is_named_and_what_it_is_divided_by_is_counted(make_report, basis, behind):
    text = message(make_report(basis=basis))

    assert {"spender": "per paying customer", "payment": "per payment", "customer": "per customer"}[
        basis
    ] in text
    assert text.count(behind) == 5


@pytest.mark.parametrize("language", ["en", "mk"])
@pytest.mark.parametrize("basis", ["spender", "payment", "customer"])
def test_telegram_can_parse_it(make_report, language, basis):
    text = message(make_report(basis=basis), language)
    parsed = parse_html(text)

    assert "&gt;47 " in text  # as the Bot API asks of every text, though it forgives this sign
    assert [entity["type"] for entity in parsed.entities] == ["bold", "pre"]
    assert ">47 " in parsed.text
    assert length(text) == len(parsed.text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("count", "language"),
    [(6, "en"), (12, "mk"), (12, "en"), (13, "mk"), (13, "en"), (40, "en"), (151, "mk")],
)
def test_a_long_table_follows_in_texts_that_fit_and_no_group_is_missing(make_report, language, count):
    report = many_groups(make_report, count)

    picture, *rest = parts_of(report, language)

    assert length(picture.caption) <= LONGEST_CAPTION
    texts = [part for part in rest if isinstance(part, Text)]
    assert all(0 < length(part.html) <= LONGEST_TEXT for part in texts)
    shown = "\n".join(parse_html(part).text for part in [picture.caption, *(text.html for text in texts)])
    assert all(f"{age}-{age} " in shown for age in range(count))
    assert len({part.name for part in (picture, *rest)}) == 1 + len(rest)
    assert ("csv" in {part.name for part in rest}) == (count > 12)


def test_the_file_holds_every_figure_as_plain_numbers(make_report):
    report = many_groups(make_report, 13)

    *_, file = parts_of(report)

    assert isinstance(file, Document)
    assert file.file_name == "averages-2025.csv"
    rows = list(csv.DictReader(io.StringIO(file.content.decode())))
    assert len(rows) == 13
    assert rows[3]["age_group"] == "3-3"
    assert rows[3]["total_spending"] == "4949208.32"
    assert list(rows[0]) == list(report["age_groups"][0])


def test_the_lines_of_the_table_fit_a_phone(make_report):
    for language in ("en", "mk"):
        table = message(make_report(), language).partition("<pre>")[2].partition("</pre>")[0]
        assert all(len(line) <= 32 for line in table.splitlines())


@pytest.mark.parametrize("why", ["no library", "it fails"])
def test_without_pictures_the_figures_come_as_bars_of_text(make_report, monkeypatch, why):
    if why == "no library":
        monkeypatch.setattr(drawing, "is_available", lambda: False)
    else:
        monkeypatch.setattr(drawing, "png", lambda _spec: 1 / 0)
        monkeypatch.setattr(charts, "_kept", OrderedDict())

    (part,) = parts_of(make_report())

    assert isinstance(part, Text)
    assert "18-24 ▇▇▇▇▇▇▇▇▇▇▇▇ 20,707.98\n" in part.html
    assert "&gt;47    –\n" not in part.html
    assert "Report 1a2b3c4d" in part.html


def test_without_pictures_a_long_table_follows_too(make_report, monkeypatch):
    monkeypatch.setattr(drawing, "is_available", lambda: False)

    first, *rest = parts_of(many_groups(make_report, 151))

    assert (first.name, rest[0].name, rest[-1].name) == ("text", "table-1", "csv")
    assert "Report 1a2b3c4d" in first.html


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"name": "averages <1>", "period": NOW, "late": False}, "Schedule averages &lt;1&gt; · Report"),
        (
            {"name": "m", "period": datetime(2026, 11, 23, 8, tzinfo=UTC), "late": True},
            "due at 23.11.2026 09:00.",
        ),
        ({"name": "by hand"}, "Schedule by hand · Report"),
    ],
)
def test_a_schedule_is_named_and_what_is_late_says_so(make_report, schedule, words):
    text = message(make_report(), schedule=schedule)

    assert words in text
    assert ("Late" in text) == bool(schedule.get("late"))


def test_what_the_bot_answers_has_buttons_for_years_and_bases(make_report):
    report = {**make_report(year=2025), "buttons": True, "years": [2026, 2025, None]}

    (part,) = parts_of(report)

    years, bases = part.buttons
    assert [(b.text, b.data) for b in years] == [
        ("2026", "averages 2026 spender"),
        ("• 2025", "averages 2025 spender"),
        ("All years", "averages all spender"),
    ]
    assert [b.data for b in bases] == [
        f"averages 2025 {basis}" for basis in ("spender", "payment", "customer")
    ]
    assert [b.text.startswith("• ") for b in bases] == [True, False, False]


def test_who_is_due_is_named_by_numbers_only():
    text = message(BONUS, kind="bonus")

    assert "Year-end bonus 2026" in text
    assert "more than 1,000.00 MKD in 2026" in text
    assert "<b>1,200</b>, who spent 2,345,678.90 MKD together" in text
    assert "from 900.00 up to the threshold: 12." in text
    assert "7                    99,999.99\n9223372036854775807   5,000.00</pre>" in text
    parse_html(text)


def test_nobody_due_is_said_in_words():
    text = message({**BONUS, "customers_due": 0, "total_spending": 0, "customers": []}, "mk", kind="bonus")

    assert "Засега никому не му следува ваучер." in text
    assert "<pre>" not in text


CAMPAIGN = {
    "campaign": "year-end-2026",
    "year": 2026,
    "currency": "MKD",
    "threshold": 1000,
    "vouchers": 1440,
    "cost": Decimal("719999.50"),
    "budget": 720000,
    "left_out": 3,
    "valid_from": "2026-12-01",
    "valid_until": "2027-01-31",
}


def test_issued_vouchers_are_told_with_what_they_cost():
    text = message(CAMPAIGN, kind="campaign")

    assert "<b>Vouchers issued: year-end-2026</b>" in text
    assert "more than 1,000.00 MKD in 2026" in text
    assert "New vouchers: <b>1,440</b>, worth 719,999.50 MKD together." in text
    assert "Valid from 01.12.2026 to 31.01.2027." in text
    assert "Budget of the campaign: 720,000.00 MKD." in text
    assert "Due, and left out by the limits of the campaign: 3." in text
    parse_html(text)


def test_issued_vouchers_are_told_in_macedonian():
    text = message(CAMPAIGN, "mk", kind="campaign")

    assert "<b>Издадени ваучери: year-end-2026</b>" in text
    assert "Нови ваучери: <b>1.440</b>, во вкупна вредност од 719.999,50 ден." in text
    assert "Буџет на кампањата: 720.000,00 ден." in text
    parse_html(text)


def test_a_campaign_without_a_budget_that_reaches_everybody_says_nothing_of_limits():
    text = message({**CAMPAIGN, "budget": None, "left_out": 0}, kind="campaign")

    assert "Budget" not in text
    assert "left out" not in text


def test_the_shop_as_a_whole():
    text = message(SHOP, kind="shop")

    assert "Total: <b>1,000,000.00 MKD</b>" in text
    assert "Paying customers: <b>3,400</b>" in text
    assert "Median per paying customer: <b>123.45 MKD</b>" in text
    assert "Top tenth of customers: share of spending: <b>41.2%</b>" in text
    assert "Удел на најдобрата десетина купувачи: <b>41,2%</b>" in message(SHOP, "mk", kind="shop")
    parse_html(text)


def test_a_shop_without_payments_divides_by_nothing():
    nothing = {
        **SHOP,
        "payments": 0,
        "spenders": 0,
        "total_spending": 0,
        "median": None,
        "top_tenth_spending": 0,
    }

    assert "There are no payments in this period." in message(nothing, kind="shop")


def test_names_arrive_as_they_are(make_report):
    report = make_report()
    odd = "<b>&_*\N{GRINNING FACE}"
    report["age_groups"][0]["age_group"] = odd
    report["average_spending"] = {
        odd if name == "18-24" else name: average for name, average in report["average_spending"].items()
    }

    assert odd in parse_html(message(report)).text


@pytest.mark.parametrize("language", ["en", "mk"])
def test_the_chart_writes_the_reports_own_figures(make_report, language):
    report = from_record(to_record(make_report()))

    spec = averages_spec(report, language)

    shown = {row["group"]: row["label"] for row in spec["data"]["values"]}
    table = message(report, language)
    for group, label in shown.items():
        assert label in table
        average = report["average_spending"][group]
        plain = label.replace(".", "").replace(",", ".") if language == "mk" else label.replace(",", "")
        assert (average is None and label == "–") or Decimal(plain) == average


@pytest.mark.parametrize("count", [1, 5, 12, 40, 151])
def test_telegram_takes_the_picture_whatever_is_in_it(make_report, count):
    png = charts.averages_chart(from_record(to_record(many_groups(make_report, count))), "mk")

    width, height = struct.unpack(">II", png[16:24])
    assert width + height <= 10_000
    assert max(width, height) <= 20 * min(width, height)
    assert len(png) < 10 << 20


def test_the_same_picture_is_drawn_once(make_report, monkeypatch):
    drawn = []
    monkeypatch.setattr(drawing, "png", lambda spec: drawn.append(spec) or b"png")
    monkeypatch.setattr(charts, "_kept", OrderedDict())
    for language in ("en", "en", "mk", "en"):
        charts.averages_chart(make_report(), language)

    assert len(drawn) == 2
