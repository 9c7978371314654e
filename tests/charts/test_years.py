"""What stands on the columns of years."""

from __future__ import annotations

import re

import pytest

from smetka.charts import drawing
from smetka.charts.look import BAR, OPEN_OPACITY
from smetka.charts.years import years_spec
from smetka.core.money import Money
from smetka.language.formats import FORMATS


@pytest.mark.parametrize(
    ("total", "language", "label"),
    [
        pytest.param("2669705.72", "en", "2,669,706", id="rounded, not cut"),
        pytest.param("2669705.50", "mk", "2.669.706", id="halves up"),
        pytest.param("2669705.49", "en", "2,669,705", id="less than half"),
        pytest.param("-10.50", "en", "-11", id="halves away from zero"),
        pytest.param("-0.49", "en", "0", id="no negative zero"),
        pytest.param("999.99", "en", "1,000", id="into the thousands"),
    ],
)
def test_amounts_are_rounded_half_up_to_whole_units(total, language, label):
    spec = years_spec(
        [(2024, Money(100)), (2025, Money.parse(total))],
        title="",
        unit="",
        formats=FORMATS[language],
        unfinished="not over yet",
        current_year=2026,
    )

    assert f">{label}<" in drawing.svg(spec, "test")


@pytest.mark.parametrize(("first", "is_told"), [(2022, True), (2000, False)])
def test_a_year_that_is_not_over_is_paler_and_told_where_there_is_room(first, is_told):
    spec = years_spec(
        [(year, Money(100)) for year in range(first, 2028)],
        title="",
        unit="",
        formats=FORMATS["en"],
        unfinished="not over yet",
        current_year=2026,
    )
    svg = drawing.svg(spec, "test")
    columns = [each for each in re.findall(r"<path [^>]*>", svg) if f'fill="{BAR}"' in each]

    opacities = [f' opacity="{OPEN_OPACITY}"' in each for each in columns]
    assert opacities == [year >= 2026 for year in range(first, 2028)]
    assert svg.count("not over yet") == 2 * is_told
