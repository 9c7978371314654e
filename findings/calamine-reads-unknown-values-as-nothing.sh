#!/usr/bin/env bash
# python-calamine 0.9.1 reads three different things alike: an empty cell, a cell with an error, and a formula
# that was never calculated. Of formulas that XlsxWriter wrote it reads 0, a value nobody calculated. A sum over
# such a column is wrong without a word: a refund of #REF! is no refund. The XML of the sheet has the difference
# (t="e"; <f> with an empty <v>; fullCalcOnLoad="1" with zeros). Its issues 105 and 107 tell of values that are
# read as empty; not that these cannot be told apart, nor of the zeros.
#
# Seen on 2026-11-30 with python-calamine 0.9.1, openpyxl 3.1.5, XlsxWriter 3.3.1, Python 3.11:
#   openpyxl      error '' formula '' empty ''   area ''
#   XlsxWriter    error '' formula 0.0 empty ''  area 0.0
# Exits non-zero when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  python-calamine==0.9.1 openpyxl==3.1.5 xlsxwriter==3.3.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
import zipfile
from importlib.metadata import version

import openpyxl
import xlsxwriter
from openpyxl.worksheet.formula import ArrayFormula
from python_calamine import CalamineWorkbook

print({name: version(name) for name in ("python-calamine", "openpyxl", "xlsxwriter")})

# Columns: the amount, an error, a formula, nothing, a formula for an area of two rows.
book = openpyxl.Workbook()
sheet = book.active
sheet["A1"], sheet["B1"], sheet["C1"], sheet["A2"] = 100, "#REF!", "=A1*0.4", 50
sheet["E1"] = ArrayFormula("E1:E2", "=A1:A2*0.4")
sheet["F2"] = 1
book.save("openpyxl.xlsx")

with xlsxwriter.Workbook("xlsxwriter.xlsx") as book:
    sheet = book.add_worksheet()
    sheet.write("A1", 100)
    sheet.write_formula("B1", "=#REF!", None, "#REF!")
    sheet.write_formula("C1", "=A1*0.4")
    sheet.write("A2", 50)
    sheet.write_array_formula("E1:E2", "{=A1:A2*0.4}")
    sheet.write("F2", 1)

seen = {}
for name in ("openpyxl", "xlsxwriter"):
    rows = CalamineWorkbook.from_path(f"{name}.xlsx").get_sheet_by_index(0).to_python()
    seen[name] = rows[0][1:5]
    with zipfile.ZipFile(f"{name}.xlsx") as archive:
        assert b't="e"' in archive.read("xl/worksheets/sheet1.xml")
        assert b'fullCalcOnLoad="1"' in archive.read("xl/workbook.xml")
    print(f"{name:10}  error, formula, empty, area: {seen[name]!r}")

same = seen == {"openpyxl": ["", "", "", ""], "xlsxwriter": ["", 0.0, "", 0.0]}
print("as seen before" if same else "CHANGED")
sys.exit(0 if same else 1)
PYTHON
