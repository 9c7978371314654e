"""The histogram: nothing on it may be read for more than it says."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from smetka.charts import drawing
from smetka.charts.distribution import distribution_spec
from smetka.charts.look import BAR, MARKED, OPEN_OPACITY
from smetka.core.money import Money
from smetka.language.formats import FORMATS

CLOSED = [(Money(low * 100_00), Money((low + 1) * 100_00), 10 - low) for low in range(10)]
BELOW, BEYOND = (None, Money(0), 3), (Money(1000_00), None, 4)


def drawn(classes, threshold="450.50", language="en"):
    spec = distribution_spec(
        classes,
        Money.parse(threshold),
        title="",
        unit="",
        threshold_label="the threshold",
        formats=FORMATS[language],
    )
    return drawing.svg(spec, "test")


def bars(svg):
    """From, to and opacity of each bar, by place."""
    found = []
    for path in re.findall(rf'<path [^>]*d="([^"]+)"[^>]*fill="{BAR}"[^>]*/?>', svg):
        element = next(each for each in re.findall(r"<path [^>]*>", svg) if path in each)
        left, width = (float(re.search(rf"{each}([-0-9.]+)", path)[1]) for each in ("M", "h"))
        opacity = re.search(r' opacity="([0-9.]+)"', element)
        found.append((left, left + width, float(opacity[1]) if opacity else 1.0))
    return sorted(found)


@pytest.mark.parametrize("threshold", ["0", "450.50", "1000"])
def test_the_threshold_is_drawn_once(threshold):
    svg = drawn([BELOW, *CLOSED, BEYOND], threshold)

    assert len(re.findall(rf'<line [^>]*stroke="{MARKED}"', svg)) == 1
    assert svg.count("the threshold") == 1


@pytest.mark.parametrize("threshold", ["1000.01", "99999"])
def test_a_threshold_in_the_class_without_a_limit_has_no_place(threshold):
    svg = drawn([*CLOSED, BEYOND], threshold)

    assert MARKED not in svg


def test_classes_without_a_limit_stand_apart_paler_and_under_a_name():
    svg = drawn([BELOW, *CLOSED, BEYOND])
    found = bars(svg)

    assert [opacity for *_, opacity in found] == [OPEN_OPACITY, *[1.0] * 10, OPEN_OPACITY]
    gaps = [after[0] - before[1] for before, after in pairwise(found)]
    width = found[1][1] - found[1][0]
    assert max(gaps[1:-1]) < width / 4
    assert min(gaps[0], gaps[-1]) > width / 3
    assert "&lt; 0<" in svg
    assert "≥ 1,000<" in svg


def test_where_all_classes_have_limits_the_scale_goes_to_the_end():
    svg = drawn(CLOSED, language="mk")

    assert [opacity for *_, opacity in bars(svg)] == [1.0] * 10
    assert ">1.000<" in svg
    assert "≥" not in svg


@pytest.mark.parametrize("width", [1_00, 5_00, 50_00, 1000_00])
@pytest.mark.parametrize("number", [1, 2, 3, 5, 7, 10, 13, 16])
@pytest.mark.parametrize("is_open", [True, False])
def test_what_stands_on_the_scale_is_the_number_of_its_place(width, number, is_open):
    classes = [(Money(place * width), Money((place + 1) * width), 1) for place in range(number)]
    end = Money(number * width)
    spec = distribution_spec(
        [*classes, (end, None, 1)] if is_open else classes,
        Money(width),
        title="",
        unit="",
        threshold_label="",
        formats=FORMATS["en"],
    )

    shown = re.findall(
        r"- ([0-9.]+)\) < 0.005 \? '([^']+)'", str(spec["layer"][0]["encoding"]["x"]["axis"]["labelExpr"])
    )
    labels = [label for _, label in shown]

    assert labels[0] == "0"
    assert labels[-1] == f"{'≥ ' if is_open else ''}{end.cents // 100:,}"
    for place, label in shown[:-1]:
        assert float(place) == int(label.replace(",", ""))
    places = [float(place) for place, _ in shown]
    assert min(after - before for before, after in pairwise(places)) * 9 >= places[-1]
