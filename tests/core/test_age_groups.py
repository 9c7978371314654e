"""Age groups are read as the shop writes them, hold both their ends, and never share an age."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from smetka.core.age_groups import OLDEST_AGE, AgeGroup, name_of_group, parse_age_groups


def test_groups_are_read_in_the_order_given():
    assert parse_age_groups(">47, 18-24 ,25-30") == (
        AgeGroup(">47", 48, OLDEST_AGE),
        AgeGroup("18-24", 18, 24),
        AgeGroup("25-30", 25, 30),
    )


@pytest.mark.parametrize(
    ("text", "lowest", "highest"),
    [
        ("0-0", 0, 0),
        ("7-7", 7, 7),
        ("0-150", 0, 150),
        ("150-150", 150, 150),
        (">0", 1, 150),
        (">149", 150, 150),
    ],
)
def test_the_widest_and_the_narrowest_groups_are_allowed(text, lowest, highest):
    assert parse_age_groups(text) == (AgeGroup(text, lowest, highest),)


@pytest.mark.parametrize("text", ["24-18", "19-18", ">150", "18-151", "151-151", ">999"])
def test_a_group_without_an_age_or_beyond_the_oldest_is_refused(text):
    with pytest.raises(ValueError, match=rf"^{text} holds no age between 0 and 150$"):
        parse_age_groups(text)


@pytest.mark.parametrize(
    "text", ["", "18", "18-", "-24", "18-24-30", "<18", ">=47", "1234-1235", "１８-24", "a-b"]
)
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ValueError, match=r"is neither a range such as 18-24 nor one such as >47$"):
        parse_age_groups(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("18-24,24-30", "18-24 and 24-30 overlap"),
        ("24-30,18-24", "18-24 and 24-30 overlap"),
        (">46,37-47", "37-47 and >46 overlap"),
        ("1-99,50-60", "1-99 and 50-60 overlap"),
        ("18-24,60-70,18-24", "18-24 and 18-24 overlap"),
        ("1-9,100-110,20-30,25-35", "20-30 and 25-35 overlap"),
    ],
)
def test_groups_that_share_an_age_are_refused_whatever_their_order(text, named):
    with pytest.raises(ValueError, match=f"^{named}$"):
        parse_age_groups(text)


def test_neighbours_share_no_age():
    assert len(parse_age_groups("18-24,25-25,26-30,>30")) == 4


@pytest.mark.parametrize(
    ("age", "inside"),
    [(17, False), (18, True), (20, True), (24, True), (25, False), (None, False), (20.0, False)],
)
def test_a_group_holds_both_its_ends_and_whole_years_only(age, inside):
    assert (age in AgeGroup("18-24", 18, 24)) is inside


def test_a_group_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        AgeGroup("18-24", 18, 24).lowest = 0


@pytest.mark.parametrize(("age", "name"), [(18, "18-24"), (48, ">47"), (17, None), (None, None)])
def test_an_age_has_the_name_of_its_group(age, name):
    assert name_of_group(age, parse_age_groups("18-24,>47")) == name
