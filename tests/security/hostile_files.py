"""Small files that could become large in memory: every kind, with sizes that differ from number to number."""

from __future__ import annotations

import io
import json
import random
import zipfile

from tests.ledger.imports.test_source import CONTENT_TYPES, MAIN, PACKAGE, RELATION

HEAD = "user_id,money_spent,year\n"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV, LINES, UNKNOWN = "text/csv", "application/x-ndjson", "application/octet-stream"
MAGNITUDE = 1024 * 1024


def zipped(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def workbook(sheet, strings="", **more):
    """The bytes of one with a sheet of this XML, and shared strings."""
    return zipped(
        {
            "[Content_Types].xml": CONTENT_TYPES,
            "_rels/.rels": f'<Relationships {PACKAGE}><Relationship Id="r1" Type="{RELATION}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{RELATION}"><sheets><sheet name="A" sheetId="1" r:id="r1"/>'
            "</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships {PACKAGE}><Relationship Id="r1" '
            f'Type="{RELATION}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" '
            f'Type="{RELATION}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
            "xl/sharedStrings.xml": f"<sst {MAIN}>{strings}</sst>",
            "xl/worksheets/sheet1.xml": f"<worksheet {MAIN}><sheetData>{sheet}</sheetData></worksheet>",
            **more,
        }
    )


def one_text_in_many_cells(rng, *, cells=50_000):
    """The first row names two columns; in all others stands the same long text."""
    long = "x" * rng.randrange(30_000, 99_000)
    strings = f"<si><t>user_id</t></si><si><t>name</t></si><si><t>{long}</t></si>"
    rows = "".join(f'<row r="{at}"><c r="B{at}" t="s"><v>2</v></c></row>' for at in range(2, cells))
    first = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    return "a.xlsx", XLSX, workbook(first + rows, strings)


def one_text_across_a_row(rng, *, columns=2000):
    names = "".join(f"<si><t>name{at}</t></si>" for at in range(columns - 1))
    long = f"<si><t>user_id</t></si>{names}<si><t>{'ѓ' * rng.randrange(40_000, 99_000)}</t></si>"
    row = "".join(f'<c t="s"><v>{at}</v></c>' for at in range(columns))
    other = f'<c t="s"><v>{columns}</v></c>' * columns
    return "a.xlsx", XLSX, workbook(f"<row>{row}</row>" + f"<row>{other}</row>" * 3, long)


def a_text_of_many_runs(rng):
    runs = "<r><t>xxxxxxxx</t></r>" * rng.randrange(100_000, 400_000)
    cells = '<row><c t="s"><v>0</v></c></row>' * 20_000
    return "a.xlsx", XLSX, workbook(cells, f"<si>{runs}</si>")


def inline_texts(rng):
    text = "y" * rng.randrange(10_000, 90_000)
    return "a.xlsx", XLSX, workbook(f'<row><c t="inlineStr"><is><t>{text}</t></is></c></row>' * 1_000)


def empty_cells(rng):
    last = rng.randrange(2_000, 2_500)
    first = '<row r="1"><c r="A1"><v>1</v></c></row>'
    return "a.xlsx", XLSX, workbook(f'{first}<row r="{last}"><c r="BXX{last}"><v>1</v></c></row>')


def a_sheet_beyond_measure(rng):
    last = rng.randrange(900_000, 1_048_576)
    return "a.xlsx", XLSX, workbook(f'<row r="{last}"><c r="XFD{last}"><v>1</v></c></row>')


def rows_of_nothing(rng):
    return "a.xlsx", XLSX, workbook("<row/>" * rng.randrange(1_000_000, 5_000_000))


def one_sheet_of_many_names(rng, *, sheets=100):
    """Each name is as much work again, and takes no memory: a hundred thousand find room in a small file."""
    names = "".join(f'<sheet name="{at}" sheetId="{at + 1}" r:id="r1"/>' for at in range(sheets))
    book = f'<workbook {MAIN} xmlns:r="{RELATION}"><sheets>{names}</sheets></workbook>'
    rows = "<row/>" * rng.randrange(1_000_000, 3_000_000)
    return "a.xlsx", XLSX, workbook(rows, **{"xl/workbook.xml": book})


def areas_from_right_to_left(_):
    """So has each area: ten million rows, and no cell that would be counted."""
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>user_id</t></is></c></row>'
    row = '<row r="{0}"><c r="B{0}"><f t="array" ref="B1:A9999999"/></c></row>'
    areas = "".join(row.format(at) for at in range(2, 6))
    return "a.xlsx", XLSX, workbook(f'{head}{areas}<row r="9999999"/>')


def entities(_):
    declared = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9)
    )
    sheet = {
        "xl/worksheets/sheet1.xml": f"{declared}]><worksheet {MAIN}><sheetData>&j;</sheetData></worksheet>"
    }
    return "a.xlsx", XLSX, workbook("", **sheet)


def nothing_but_zeros(rng):
    return "a.xlsx", XLSX, workbook("", **{"xl/media/a": bytes(rng.randrange(60, 140) * MAGNITUDE)})


def a_zip_in_a_zip(rng):
    inner = zipped({"a.csv": bytes(20 * MAGNITUDE)})
    outer = zipped({f"{at}.zip": inner for at in range(rng.randrange(5, 20))})
    return ("a.xlsx", XLSX, outer) if rng.random() < 0.5 else ("a.csv", CSV, outer)


def a_zip_of_many(rng):
    many = zipped(dict.fromkeys(map(str, range(rng.randrange(20_000, 40_000))), ""))
    return ("a.xlsx", XLSX, many) if rng.random() < 0.5 else ("a.csv", CSV, many)


def cut_short(rng):
    name, kind, content = one_text_in_many_cells(rng, cells=5_000)
    return name, kind, content[: rng.randrange(100, len(content))]


def a_million_columns(rng):
    return "a.csv", CSV, ",".join(f"{at:x}" for at in range(rng.randrange(100_000, 180_000))).encode()


def a_line_without_end(rng):
    return "a.csv", CSV, f"{HEAD}1,{'9' * rng.randrange(1, 9) * MAGNITUDE}".encode()


def a_quote_without_end(rng):
    return "a.csv", CSV, (HEAD + '1,"' + ("9" * 99 + "\n") * rng.randrange(20_000, 90_000)).encode()


def long_names_of_columns(rng):
    name = "total" * (rng.randrange(15_000, 19_000))
    return "a.csv", CSV, (f"user_id,year,{name}\n" + "x,x,x\n" * 20_000).encode()


def a_name_in_every_sentence(rng):
    name = "m" * rng.randrange(50_000, 99_000)
    return "a.csv", CSV, (f"user_id,money_spent,year,{name},\n" + "1,1,2020,1,x\n" * 30_000).encode()


NARROW = ["user_id", "money_spent", "year", *(f"c{at}" for at in range(1_997))]
"""Names of columns whose cells are small as texts, and not in memory."""


def narrow_cells(_):
    row = ",".join(f"Ѓ{at % 10}" for at in range(2_000))
    return "a.csv", CSV, "\n".join((",".join(NARROW), *[row] * 1_200)).encode()


def narrow_cells_of_a_workbook(_, *, rows=1_200):
    first = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in NARROW)
    row = "".join(f"<c><v>{at % 10}</v></c>" for at in range(2_000))
    return "a.xlsx", XLSX, workbook(f"<row>{first}</row>" + f"<row>{row}</row>" * rows)


def a_wide_name_in_every_sentence(rng):
    name = "\N{GRINNING FACE}" * rng.randrange(500, 1_000)
    return "a.csv", CSV, (f"user_id,money_spent,year,{name},\n" + "1,1,2020,1,x\n" * 120_000).encode()


def all_rejected(rng):
    return "a.csv", CSV, (HEAD + "x,x,x\n" * rng.randrange(50_000, 150_000)).encode()


def all_distinct(rng):
    start = rng.randrange(10**12)
    rows = (f"{at}@x.example,{at},2020,s{at},Ѓорѓи {at}\n" for at in range(start, start + 20_000))
    return "a.csv", CSV, ("email,money_spent,year,status,name\n" + "".join(rows)).encode()


def lists_in_a_line(rng):
    kind = rng.choice(("[]", "{}", '{"":1}', "[1]"))
    return (
        "a.jsonl",
        LINES,
        ('{"user_id":[' + ",".join([kind] * (1_000_000 // (len(kind) + 1))) + "]}\n").encode() * 3,
    )


def deep_in_a_line(rng):
    return "a.jsonl", LINES, ('{"a":' * rng.randrange(10_000, 200_000)).encode()


def a_giant_object(rng):
    return "a.jsonl", LINES, f'{{"user_id":"{"9" * rng.randrange(2, 9) * MAGNITUDE}"}}'.encode()


def keys_in_every_line(rng):
    long = "k" * rng.randrange(50_000, 200_000)
    return "a.jsonl", LINES, "".join(json.dumps({f"{long}{at}": 1}) + "\n" for at in range(60)).encode()


def keys_in_a_line(rng):
    return (
        "a.jsonl",
        LINES,
        json.dumps({f"{at:x}": 1 for at in range(rng.randrange(50_000, 90_000))}).encode(),
    )


def noise(rng):
    return rng.choice(("a.csv", "a.xlsx", "a.jsonl")), UNKNOWN, rng.randbytes(rng.randrange(1, 500_000))


KINDS = (
    one_text_in_many_cells,
    one_text_across_a_row,
    a_text_of_many_runs,
    inline_texts,
    empty_cells,
    a_sheet_beyond_measure,
    rows_of_nothing,
    narrow_cells_of_a_workbook,
    entities,
    nothing_but_zeros,
    a_zip_in_a_zip,
    a_zip_of_many,
    cut_short,
    a_million_columns,
    a_line_without_end,
    a_quote_without_end,
    long_names_of_columns,
    a_name_in_every_sentence,
    narrow_cells,
    a_wide_name_in_every_sentence,
    all_rejected,
    all_distinct,
    lists_in_a_line,
    deep_in_a_line,
    a_giant_object,
    keys_in_every_line,
    keys_in_a_line,
    noise,
)


def hostile_file(number):
    """Its name, media type and bytes; the same ones for a number, whatever came before."""
    return KINDS[number % len(KINDS)](random.Random(number))
