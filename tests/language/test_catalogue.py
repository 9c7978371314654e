"""Everything that is said has a Macedonian translation, and the compiled catalogue is the current one."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from smetka.language import FORMATS, formats, translations
from smetka.language.words import CATALOGUES

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def words():
    spec = importlib.util.spec_from_file_location("words", REPOSITORY / "docs" / "words.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_message_is_translated_with_its_placeholders(words):
    assert list(words.faults(words.brought_up_to_date())) == []


def test_the_files_are_what_make_words_would_write(words, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["words.py", "--check"])

    assert words.main() == 0, capsys.readouterr().err


def test_a_missing_translation_and_a_lost_placeholder_are_noticed(words):
    catalog = words.brought_up_to_date()
    catalog.get("Customer %(id)s").string = "Купувач"
    catalog.get("Overview").string = ""

    found = "\n".join(words.faults(catalog))

    assert "not translated: 'Overview'" in found
    assert "other placeholders: 'Customer %(id)s'" in found


def test_no_page_says_anything_past_the_catalogue():
    """Words between tags that no `_()` or `{% trans %}` wraps; names of things are the same everywhere."""
    same = {"Smetka", "API", "Telegram", "MongoDB", "Македонски", "English", "XXXX-XXXX-XXXX", "NULL"}
    for template in sorted((REPOSITORY / "src/smetka/web/templates").glob("*.html")):
        text = re.sub(r' (?:hx-[a-z]+|class)="[^"]*"', "", template.read_text())
        text = re.sub(r"{%-? *trans.*?endtrans *-?%}|{#.*?#}", " ", text, flags=re.DOTALL)
        text = re.sub(r"{{.*?}}|{%.*?%}", " ", text, flags=re.DOTALL)
        bare = re.sub(r"<[^>]*>", " ", text)
        left = set(re.findall(r"[^\W\d_]{2,}(?:-[^\W\d_]+)*", bare)) - same
        assert left == set(), f"{template.name}: {left}"
        attributes = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"{]*[^\W\d_][^"{]*)"', text)
        assert set(attributes) <= same, f"{template.name}: {attributes}"


def test_no_macedonian_sentence_ends_with_an_amount():
    """Its currency ends with a point already: „500,00 ден..“."""
    amount = r"\w*(?:cost|total|threshold|value|amount|spent)\w*"
    ends = re.compile(rf"(?:%\({amount}\)s|{{{amount}}})\.(?:\s|$)")

    bare = {"Надвор од овие групи: {customers}, со вкупно {total}."}  # below a table that names the currency
    assert {text for text in translations("mk")._catalog.values() if ends.search(text)} == bare


def test_macedonian_texts_have_no_other_latin_letters_than_names():
    said = translations("mk")
    names = re.compile(
        r"<[^>]*>|%\(\w+\)s|\{\w*\}|`[^`]*`|/[\w./<>-]*|https?\S*|SMETKA_\w+|smk_\S*|[A-Z]{3,}\S*|\b(?:API|HTTP|JSON|RFC"
        r"|CSV|Excel|Telegram|MongoDB|Smetka|BotFather|NULL|PDF|UTF|KiB|Python|NaN|Infinity)\b"
    )
    assert not any(re.search("[èéàìòù]", text) for text in said._catalog.values()), "the letter is ѐ"
    mixed = [
        word
        for text in said._catalog.values()
        for word in re.findall(r"\w+", names.sub(" ", text))
        if re.search(r"[a-zA-Z]", word) and re.search(r"[а-шѓѕјљњќџА-ШЃЅЈЉЊЌЏ]", word)
    ]
    assert mixed == [], "letters of two alphabets in one word look right and are not found"


@pytest.mark.parametrize("number", [0, 1, 2, 5, 10, 11, 12, 21, 31, 100, 101, 111, 121])
def test_plurals_are_macedonian_ones(number):
    one, many = "%(shown)s payment", "%(shown)s payments"
    said = translations("mk").ngettext(one, many, number)

    assert (said == translations("mk").ngettext(one, many, 1)) == (number % 10 == 1 and number % 100 != 11)
    assert said not in {one, many}


def test_numbers_are_written_as_each_language_does():
    assert formats.amount(1234567, FORMATS["mk"]) == "1.234.567,00"
    assert formats.amount(1234567, FORMATS["en"]) == "1,234,567.00"
    assert formats.currency("MKD", FORMATS["mk"]) == "ден."
    assert formats.percent(1, 3, FORMATS["mk"]) == "33,3%"
    assert formats.count(None, FORMATS["en"]) == "–"


def test_a_report_says_the_same_things_in_both():
    english, macedonian = vars(CATALOGUES["en"]), vars(CATALOGUES["mk"])
    same = [name for name in english if english[name] == macedonian[name]]
    assert set(same) <= {"change", "day", "time"}
