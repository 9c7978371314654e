"""Nothing that a customer or a file's author wrote is a formula in the files that we write."""

from __future__ import annotations

import csv
import io
import re
import sys
import unicodedata
from random import Random

import pytest

from smetka.core.money import Money
from smetka.files.spreadsheets import csv_lines
from smetka.ledger.imports.cells import customer_name

FORMS = (chr(code) for code in range(sys.maxunicode + 1))
SIGNS = "".join(each for each in FORMS if unicodedata.normalize("NFKC", each)[0] in "=+-@\N{MINUS SIGN}")
NAMES = [
    *(f"{sign}1+1" for sign in SIGNS),
    *(f"Ana{by}{sign}HYPERLINK(1)" for sign in SIGNS for by in ",;|\t\n\r"),
    "Ana;=A1;=A2,+A3",
    "Ana;  =A1",
    'Ana;"=A1"',
    '"=A1"',
    " =A1",
    # LibreOffice leaves zero characters out while it reads a line.
    "\0=A1",
    'Ana;\0"\0=A1',
    "\x01=A1",
    "\ufeff=A1",
    "\u200b=A1",
    "\tAna",
    "\rAna",
    "Ana\t\t=A1",
    # With an apostrophe of their own
    "'=own",
    "''=own",
    "' '=own",
    "Ana,'=1",
    "Ana;=1,''=1",
    "'\tAna",
    "'t Hooft;=1",
    "'t Hooft;'=1",
    '="001"',
    '\'="001"',
]


def written(names, **options):
    lines = csv_lines(
        ("name", "x"), [(name, 1) for name in names], **{"excel": False, "language": "en", **options}
    )
    return b"".join(lines).decode("utf-8-sig")


@pytest.mark.parametrize("excel", [False, True])
@pytest.mark.parametrize("language", ["en", "mk"])
def test_nothing_in_a_name_becomes_a_formula_wherever_lines_are_parted(excel, language):
    for name in NAMES:
        text = written([name], excel=excel, language=language)
        for separator in ",;\t|":
            read = [
                cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row
            ]
            # A spreadsheet that takes quotes inside a cell as they stand parts there too.
            read += re.split(r"[,;|\t\r\n]", text)
            assert not [
                cell for cell in read if re.match(rf'[\s"\0\x01\ufeff\u200b]*[{re.escape(SIGNS)}]', cell)
            ], (name, text)


def test_what_is_no_formula_is_left_as_it_is():
    names = ["Ana-Marija", "'t Hooft", "a@b.example", "1+1=2", "Петрова, Ана"]

    assert [row[0] for row in csv.reader(io.StringIO(written(names)))][1:] == names


def test_amounts_are_numbers_below_zero_too():
    line = list(csv_lines(("a", "b"), [(Money(-550), -7)], excel=False, language="en"))[1]

    assert line == b"-5.50,-7\r\n"


def test_a_name_comes_back_as_it_was():
    random, letters = Random(7), [*SIGNS, *"',;|\t\n\"1A '"]
    made = ["".join(random.choices(letters, k=random.randint(1, 6))) for _ in range(3000)]
    for name in NAMES + [name for name in made if name.split()]:
        cell = next(csv.reader(io.StringIO(written([name]).partition("\r\n")[2], newline="")))[0]

        assert customer_name([cell]) == " ".join(name.split())
