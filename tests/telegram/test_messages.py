"""What a manager reads, to the letter."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from smetka.telegram.messages import averages_message
from smetka.telegram.parts import LONGEST_TEXT
from smetka.telegram.standin.markup import parse_html

NOW = datetime(2026, 11, 23, 17, 20, 31, tzinfo=UTC)
SKOPJE = ZoneInfo("Europe/Skopje")

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

Report 1a2b3c4d · 23.11.2026 18:20"""

MACEDONIAN = """\
<b>Просечна потрошувачка по возраст</b>
Сите години · MKD
Просек по купувач што платил: потрошеното во групата поделено со нејзините купувачи што имаат плаќање.

<pre>Возраст     Просек  Платиле
18-24    20.707,98    1.239
25-30    21.603,96    1.239
31-36    20.843,00    1.239
37-47    19.865,90    1.239
&gt;47              –    1.239</pre>
Надвор од овие групи: купувачи 3, плаќања 1.200.
Изоставени плаќања, со неупотреблив износ: 2.
Изоставени плаќања, од непознати купувачи: 5.

Извештај 1a2b3c4d · 23.11.2026 18:20"""


def message(report, language="en"):
    return averages_message(report, "1a2b3c4d", language, NOW, SKOPJE)


def test_the_english_message(make_report):
    assert message(make_report()) == ENGLISH


def test_the_macedonian_message_with_all_remarks(make_report):
    report = make_report(
        year=None,
        outside={"customers": 3, "spenders": 1, "payments": 1200, "total_spending": 5},
        data_quality={"ignored_payments": 2, "orphan_payments": 5},
    )

    assert message(report, "mk") == MACEDONIAN


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


@pytest.mark.parametrize("language", ["en", "mk"])
def test_a_shop_with_a_hundred_and_fifty_groups_gets_a_message_that_fits(make_report, language):
    report = make_report()
    rows = [{**report["age_groups"][0], "age_group": f"{age}-{age}"} for age in range(151)]
    report["age_groups"] = rows
    report["average_spending"] = {row["age_group"]: 123456789 for row in rows}

    text = message(report, language)

    assert len(parse_html(text).text) <= LONGEST_TEXT
    assert "0-0" in text
    assert "1a2b3c4d" in text
    assert "…" in text


def test_the_lines_of_the_table_fit_a_phone(make_report):
    for language in ("en", "mk"):
        table = message(make_report(), language).partition("<pre>")[2].partition("</pre>")[0]
        assert all(len(line) <= 32 for line in table.splitlines())
