"""Files into the ledger by the page: sent, looked at, asked about, and imported."""

from __future__ import annotations

import csv
import io
import os
import re
import sqlite3
import time
from contextlib import closing

import pytest

from smetka.web import uploads
from tests.fixtures.web import CUSTOMERS, PAYMENTS
from tests.ledger.imports.test_source import sheet_of, workbook
from tests.waiting import eventually
from tests.web.browsing import Browser, cards, entries, faults, form, notes, plain, table
from tests.web.test_import_api import ORDERS, PLAIN, left, payments

pytestmark = pytest.mark.shop(customers=CUSTOMERS[:3], payments=PAYMENTS[:3])
"""Shops that have ids left for new customers."""


class Importer(Browser):
    """A browser at the page for imports."""

    def choose(self, content, name="orders.csv"):
        """Send a file as the form does; the answer that shows what is in it."""
        reply = self.send_file(self.action(), content, name)
        return self.get(reply.headers["Location"]) if reply.status_code == 303 else reply

    def action(self):
        return re.search(r'action="(/import\?form=[0-9a-f]+)"', self.get("/import").text)[1]

    def send_file(self, action, content, name="orders.csv", **options):
        content = content.encode() if isinstance(content, str) else content
        return self.client.post(
            action, data={"file": (io.BytesIO(content), name)}, headers={"Accept": "text/html"}, **options
        )

    def look_again(self, reply, **choices):
        part = reply.text.partition('action="/import/look"')[2]
        chosen = {"file": re.search(r'name="file" value="([^"]+)"', part)[1], **choices}
        return self.client.get("/import/look", query_string=chosen, headers={"Accept": "text/html"})

    def press(self, reply):
        """The one button that imports."""
        return self.send("/import/done", reply)


@pytest.fixture
def owner(shop):
    return Importer(shop, "owner")


def found(reply):
    """What was found in the file, by the names beside it."""
    part = reply.text.partition('aria-labelledby="found"')[2].partition("</dl>")[0]
    return dict(
        zip(
            *(map(plain, re.findall(rf"<{t}>(.*?)</{t}>", part, re.DOTALL)) for t in ("dt", "dd")),
            strict=True,
        )
    )


def figures(reply):
    return {name: figure for name, (figure, _) in cards(reply).items()}


def test_an_export_is_looked_at_and_imported_by_one_button(shop, owner):
    before = payments(shop)
    look = owner.choose(ORDERS)

    assert look.status_code == 200
    assert found(look)["Export of"] == "Shopify orders"
    assert (found(look)["Encoding"], found(look)["Separator"]) == ("utf-8", "comma")
    assert found(look)["Amount paid"] == "from the column Total"
    assert figures(look) == {
        "Payments": "2",
        "In all": "1,550.50 MKD",
        "New customers": "1",
        "Customers with new data": "0",
    }
    assert "1: orders that are not paid (pending)" in plain(look.text)
    assert payments(shop) == before

    done = owner.press(look)

    assert done.status_code == 200
    assert "The file is imported" in done.text
    assert figures(done) == figures(look)
    assert 'href="/customers"' in done.text
    assert 'href="/#ages"' in done.text
    assert len(payments(shop)) == len(before) + 2
    assert left(shop) == []
    assert [(by, action) for by, action in sorted(entries(shop))] == [
        ("key the owner", "import"),
        ("key the owner", "imported"),
    ]
    assert "A file was imported" in owner.get("/settings/audit").text


def test_orders_that_changed_and_what_has_no_customer_are_told_in_money(shop, owner):
    owner.press(owner.choose(ORDERS))
    later = (
        ORDERS.replace("#1,ana@example.com,paid", "#1,ana@example.com,voided")
        .replace("MKD,300,0", "MKD,310.25,0")
        .replace("#3,new@example.com,pending,,MKD,99,0,99", "#3,,paid,2022-04-03,MKD,99.5,0,0")
    )

    look = owner.choose(later)
    done = owner.press(look)

    for reply in (look, done):
        told = plain(reply.text)
        assert "1: orders without an e-mail, and so of nobody who is known, 99.50 MKD" in told
        (nobody,) = notes(reply)
        assert plain(nobody) == (
            "1 order of 99.50 MKD has no e-mail address, and so no customer: "
            "no total and no average has this money."
        )
        assert "2 orders have changed since they were counted:" in told
        assert "1: orders that are no longer paid, −1,250.50 MKD" in told
        assert "1: orders with another amount, +10.25 MKD" in told
        assert "They still count as they were. That is 1,240.25 MKD too much in all." in told
        assert "Somebody who qualifies for a bonus by the shop's data may not." in told


def test_an_order_whose_total_may_stand_on_each_line_is_asked_about(shop, owner):
    look = owner.choose(
        "No,email,date,total,item\n7,ana@example.com,2021-01-05,250,Cup\n7,ana@example.com,2021-01-05,250,Plate\n"
    )
    look = owner.look_again(look, money_spent="3")

    assert "the lines 2 and 3 have the same customer, day and amount" in notes(look)[0]
    assert 'action="/import/done"' not in look.text
    look = owner.look_again(look, money_spent="3", order_id="0", item="4")
    assert (figures(look)["Payments"], figures(look)["In all"]) == ("1", "250.00 MKD")


def test_the_same_file_again_adds_nothing(shop, owner):
    owner.press(owner.choose(PLAIN))
    before = payments(shop)

    look = owner.choose(PLAIN, "other.csv")

    assert "Importing it again adds nothing." in notes(look)[0]
    assert 'action="/import/done"' not in look.text
    assert payments(shop) == before


def test_rows_that_were_left_out_are_taken_from_the_same_file_by_its_order_numbers(shop, owner):
    text = "nr,user_id,money_spent,year\nA1,1,10.00,2024\nA2,2,ten,2024\n"
    owner.press(owner.look_again(owner.choose(text), order_id="0"))
    before = payments(shop)
    look = owner.choose(text)

    assert "Rows of it were rejected then" in notes(look)[0]
    assert 'action="/import/done"' not in look.text
    look = owner.look_again(look, order_id="0")
    assert "1 row cannot be taken" in plain(look.text)
    assert "1: orders that are in the ledger already" in plain(look.text)
    assert 'action="/import/done"' not in look.text
    assert payments(shop) == before


def test_columns_are_chosen_by_selects(shop, owner):
    look = owner.choose("who;how much;when;sum\n1;5;2021;7\n")
    assert "No column identifies the customer." in notes(look)[0]
    assert 'action="/import/done"' not in look.text

    look = owner.look_again(look, user_id="0")
    assert "Neither amounts nor anything about customers" in notes(look)[0]
    look = owner.look_again(look, user_id="0", money_spent="1")
    assert "It is not known when" in notes(look)[0]
    look = owner.look_again(look, user_id="0", money_spent="3", year="2")

    assert (figures(look)["Payments"], figures(look)["In all"]) == ("1", "7.00 MKD")
    assert owner.press(look).status_code == 200
    assert (1, 7.0, 2021) in payments(shop)


def test_a_column_that_was_found_can_be_left_out(shop, owner):
    look = owner.choose("user_id,name,age,money_spent,year\n4711,Mine,30,5,2021\n")

    look = owner.look_again(look, name="-")

    assert "Name" not in found(look)
    owner.press(look)
    with closing(sqlite3.connect(shop.services.ledger.path)) as ledger:
        assert ledger.execute("SELECT name, age FROM user_info WHERE user_id = 4711").fetchone() == ("", 30)


OWN_STATES = "user_id,order_id,money_spent,year,status\n1,11,5.00,2021,на пат\n1,12,6.00,2021,<quote>\n1,13,7.00,2021,на пат\n"


def test_states_of_the_shop_s_own_are_asked_for_and_remembered(shop, owner):
    before = payments(shop)
    reply = owner.choose(OWN_STATES)

    assert "на пат (2: 12.00" in plain(reply.text)
    assert "&lt;quote&gt; (1: " in reply.text
    assert re.findall(r'name="word[12]" value="([^"]*)"', reply.text) == ["на пат", "&lt;quote&gt;"]

    reply = owner.look_again(reply, word1="на пат", means1="paid", word2="<quote>", means2="")
    assert figures(reply)["Payments"] == "2"
    reply = owner.look_again(reply, word1="на пат", means1="paid", word2="<quote>", means2="unpaid")
    assert "orders that are not paid (quote)" in plain(reply.text)
    owner.press(reply)
    assert payments(shop)[len(before) :] == [(1, 5.0, 2021), (1, 7.0, 2021)]


UNKNOWN_ORDERS = "Number,email,Total,Financial Status,Paid at,Date of Birth\nA1,ana@example.com,80.00,x,2022-03-01,1990-02-03\n"


def test_a_list_that_may_be_of_orders_is_asked_about(shop, owner):
    reply = owner.choose(UNKNOWN_ORDERS)

    (asked,) = notes(reply)
    assert "Total" in asked
    assert "Financial Status" in asked
    assert 'action="/import/done"' not in reply.text

    as_orders = owner.look_again(reply, money_spent="2", date="4", status="-")
    assert figures(as_orders)["Payments"] == "1"
    as_customers = owner.look_again(reply, money_spent="-")
    assert figures(as_customers)["Payments"] == "0"
    assert found(as_customers)["Dates not taken"] == "Paid at, Date of Birth"
    owner.press(as_customers)
    assert payments(shop)[3:] == []


def test_an_export_that_lacks_a_column_is_asked_about(owner):
    cut = "\n".join(",".join(line.split(",")[:6]) for line in ORDERS.splitlines()) + "\n"
    reply = owner.choose(cut)

    (asked,) = notes(reply)
    assert "Shopify orders" in asked
    assert "Refunded Amount" in asked
    told = owner.look_again(reply, refunded="-")
    assert figures(told)["Payments"] == "2"
    assert found(told)["Missing columns"].startswith("Outstanding Balance, Cancelled at: ")


def test_amounts_of_two_readings_are_asked_about(shop, owner):
    look = owner.choose("user_id;money_spent;year\n1;1.234;2021\n")

    assert "Amounts like 1.234 can be read in two ways" in look.text.replace("&#39;", "'")
    assert re.findall(r'type="radio"[^>]*name="decimal" value="(.)"', look.text) == [".", ","]
    assert 'action="/import/done"' not in look.text
    look = owner.look_again(look, decimal=",")
    assert figures(look)["In all"] == "1,234.00 MKD"
    owner.press(look)
    assert (1, 1234.0, 2021) in payments(shop)


def test_days_of_two_readings_are_asked_about(shop, owner):
    look = owner.choose("user_id,money_spent,date\n1,5,02/01/2021\n")

    assert re.findall(r'type="radio"[^>]*name="dates" value="(...)"', look.text) == ["dmy", "mdy"]
    assert "02/01/2021" in look.text
    assert figures(owner.look_again(look, dates="dmy"))["Payments"] == "1"


def test_years_of_two_readings_are_asked_about(shop, owner):
    look = owner.choose("user_id,order_id,money_spent,date\n1,A1,5,05.01.21\n")

    assert "Days like 05.01.21 can be read in two ways" in look.text
    owner.press(owner.look_again(look, dates="dmy"))
    assert (1, 5.0, 2021) in payments(shop)


def test_letters_of_two_readings_are_asked_about(owner):
    look = owner.choose("user_id,name\n1,Jos\xe9\n".encode("latin-1"))

    assert re.findall(r'name="encoding" value="([^"]+)" required> (\w+)', look.text) == [
        ("windows-1251", "Josй"),
        ("windows-1252", "José"),
    ]
    assert figures(owner.look_again(look, encoding="windows-1252"))["Customers with new data"] == "1"


def test_letters_of_the_balkans_are_asked_about(shop, owner):
    look = owner.choose("user_id,name\n4712,Čedomir Živković\n".encode("windows-1250"))

    assert re.findall(r'name="encoding" value="([^"]+)" required> (\w+)', look.text) == [
        ("windows-1250", "Čedomir"),
        ("windows-1251", "Иedomir"),
        ("windows-1252", "Èedomir"),
    ]
    owner.press(owner.look_again(look, encoding="windows-1250"))
    assert "Čedomir Živković" in owner.get("/customers/4712").text


def test_separators_of_two_kinds_are_asked_about(owner):
    look = owner.choose("user_id,name;age\n1,a;5\n2,b;6\n")

    assert ";" in re.findall(r'type="radio"[^>]*name="delimiter" value="([^"]+)"', look.text)


def test_cyrillic_letters_are_shown_as_they_were_read(owner):
    look = owner.choose("user_id,name\n1,Ана Петрова\n2,Бојан Илиев\n".encode("windows-1251"))

    assert "for example: " in found(look)["Encoding"]
    assert re.search("[А-Ша-ш]", found(look)["Encoding"])


def test_rejected_rows_are_shown_listed_and_can_be_left_out(shop, owner):
    before = payments(shop)
    look = owner.choose("user_id,money_spent,year\n1,10,2021\n2,ten,2021\n3,5,1066\n")

    assert "2 rows cannot be taken" in plain(look.text)
    assert [row[:2] for row in table(look, "cannot be taken")] == [["3", "money_spent"], ["4", "year"]]
    listed = owner.get(re.search(r'href="(/import/rejects\.csv[^"]+)"', look.text)[1].replace("&amp;", "&"))
    assert listed.mimetype == "text/csv"
    assert listed.text.splitlines()[0] == "file,line,column,reason"
    assert [line.split(",")[:3] for line in listed.text.splitlines()[1:]] == [
        ["orders.csv", "3", "money_spent"],
        ["orders.csv", "4", "year"],
    ]
    assert payments(shop) == before
    assert "Import the other rows" in look.text
    done = owner.press(look)
    assert "2 rows could not be taken" in plain(done.text)
    assert len(payments(shop)) == len(before) + 1


def test_why_rows_are_rejected_is_said_in_words_of_the_catalogue(owner):
    amounts = ("", "x", "=1+1", "5%", "1e3", "nan", "5 EUR", "12,34,56.7", "1.234,5", "1.005", "99999999999")
    days = (
        "",
        "x",
        "31.02.2021",
        "02/25/2021",
        "1970-01-01",
        "1980-01-01",
        "2999-01-01",
        "21-12-31",
        "31.12.99 25:00",
        "30/12/49",
        "1 lip 2021",
        "44197",
        "1700000000",
    )
    rows = [f'1,a@example.com,30,"{amount}",25/02/2021' for amount in amounts]
    rows += [f"1,a@example.com,30,5.50,{day}" for day in days]
    rows += [f"{odd},5.50,25/02/2021" for odd in ("x,a@example.com,30", "1,a@example.com,2000", "1,a,30")]
    rows += ["1,2", "1,a@example.com,30,5.50,25/02/2021,7"]
    look = owner.choose("user_id,email,age,money_spent,date\n" + "\n".join(rows) + "\n")

    part = look.text.partition('aria-labelledby="rejected"')[2].partition("</table>")[0]
    assert len(table(look, 'aria-labelledby="rejected"')) > 20
    assert 'lang="en"' not in part, re.findall('lang="en">(.*?)<', part)


def test_what_can_be_done_about_rejected_rows_is_said_by_what_the_page_offers(shop):
    files = (
        "order_id,email,status,money_spent,date\n1,a@example.com,ready-pickup,5,2021-05-06\n",
        "order_id,email,money_spent,date\n1,a@example.com,5,2021-05-06\n1,a@example.com,5,2021-05-06\n",
        "order_id,email,money_spent,date,refunded\n1,a@example.com,5,2021-05-06,0\n2,a@example.com,-1,2021-05-06,0\n",
        "user_id,email,money_spent,date,year\n1,a@example.com,5,2021-05-06,2020\nx,b@example.com,5,2021-05-06,2021\n",
        "user_id,name,age,birth_date\n1,A,70,2001-05-06\n2,#1002,,\n",
    )
    said = {}
    owner = Importer(shop, "owner")
    for language in ("en", "mk"):
        owner.get(f"/import?lang={language}")
        looks = [owner.choose(file) for file in files]
        said[language] = [row[2] for look in looks for row in table(look, 'aria-labelledby="rejected"')]
        for look in looks:
            listed = owner.get(
                re.search(r'"(/import/rejects\.csv[^"]+)"', look.text)[1].replace("&amp;", "&")
            )
            assert [line[3] for line in csv.reader(listed.text.splitlines())][1:] == [
                row[2] for row in table(look, 'aria-labelledby="rejected"')
            ]

    assert len(said["en"]) == len(said["mk"]) == 7
    assert [each for each in said["en"] if re.search("`|--|=|\\bmap\\b", each)] == []
    assert said["en"][0] == "is not a known state of an order; choose below what it means"
    assert [each for each in said["mk"] if re.search("[a-z]{3}", each)] == []


def test_rows_of_which_none_can_be_taken_are_not_offered_as_the_others(shop, owner):
    before = payments(shop)
    look = owner.choose("user_id,money_spent,year\n1,ten,2021\n")

    assert 'action="/import/done"' not in look.text
    assert "No other row would be added." in plain(look.text)
    assert 'action="/import/done"' in owner.choose("user_id,name,age\n9,Ана,x\n10,Боб,30\n").text
    assert payments(shop) == before


def test_rejected_rows_are_not_left_out_by_who_did_not_see_them(shop, owner):
    look = owner.choose("user_id,money_spent,year\n1,10,2021\n2,ten,2021\n")
    data = form(look, "/import/done")
    del data["skip_rejected"]

    reply = owner.client.post("/import/done", data=data, headers={"Accept": "text/html"})

    assert reply.status_code == 303
    assert reply.headers["Location"].startswith("/import/look?file=")
    assert len(payments(shop)) == 3


def test_payments_that_may_be_there_already_are_warned_of(shop, owner):
    look = owner.choose("user_id,money_spent,year\n1,10,2026\n")

    assert "The ledger has payments of the same time already" in notes(look)[0]
    assert figures(look)["Payments"] == "1"
    assert "Import all the same" in look.text
    assert len(payments(shop)) == 3
    owner.press(look)
    assert len(payments(shop)) == 4


def test_a_file_that_cannot_be_read_says_why(owner):
    look = owner.choose(b"PK\x03\x04 whatever", "orders.csv")

    assert "cannot be imported as it is" in notes(look)[0]
    assert 'action="/import/done"' not in look.text


def test_a_file_whose_name_does_not_say_what_it_is_is_asked_about(owner):
    look = owner.choose("user_id,name\n1,a\n", "orders.export")

    assert "csv" in re.findall(r'type="radio"[^>]*name="kind" value="([^"]+)"', look.text)
    assert found(owner.look_again(look, kind="csv"))["Rows"] == "1"


def test_a_header_that_is_not_certain_is_asked_about(shop, owner):
    before = len(payments(shop))
    content = "Извештај;;\n;;\nБрој;Износ;Година\n1;5,50;2021\n1;6,50;2021\n"
    look = owner.choose(content)

    assert "On which line do the names of the columns stand?" in notes(look)[0]
    assert re.search(r'name="header_row"[^>]*value="3"', look.text, re.DOTALL)
    chosen = {"header_row": "3", "user_id": "0", "money_spent": "1", "year": "2"}
    look = owner.look_again(look, **chosen)
    assert found(look)["Header"] == "line 3; the lines above it are not read"
    assert figures(look)["Payments"] == "2"
    owner.press(look)
    assert len(payments(shop)) == before + 2

    for odd, said in (("2", "On which line"), ("0", "must be a whole number from 1 to")):
        assert said in owner.look_again(owner.choose(content), **chosen | {"header_row": odd}).text


def test_a_header_below_titles_and_hidden_rows_are_said(owner, tmp_path):
    rows = [["Sales"], ["user_id", "money_spent", "year"], [1, 5, 2021], [1, 6, 2021]]
    xml = sheet_of(rows).replace('<row r="3"', '<row r="3" hidden="1"')
    look = owner.choose(workbook(tmp_path / "a.xlsx", A=xml).read_bytes(), "a.xlsx")

    assert found(look)["Header"] == "line 2; the lines above it are not read"
    assert found(look)["Hidden rows"] == "1, read like the others"
    assert found(look)["Rows"] == "2"


def test_broken_cells_and_totals_are_said_in_words_of_the_catalogue(shop):
    owner = Importer(shop, "owner", language="mk")
    rows = "1,A,5,#N/A,2021,\n1,A,5,#NV,2021,\n1,A,5,,2021,\nTotal,,5,,,\n,,,,,#N/A\n"
    look = owner.choose("user_id,name,money_spent,refunded,year,margin\n" + rows)

    part = look.text.partition('aria-labelledby="rejected"')[2].partition("</table>")[0]
    assert 'lang="en"' not in part
    assert "е #N/A, грешка од табеларна програма" in part
    assert "изгледа како збир на редовите над него" in part
    assert "редови само со грешки од табеларна програма" in look.text


def test_no_file_chosen_is_said_beside_the_field(owner):
    reply = owner.choose(b"", "")

    assert reply.status_code == 422
    assert faults(reply) == {"file": "must be chosen first"}


def test_names_with_folders_and_markup_do_no_harm(shop, owner):
    nasty = "../../<script>alert(1)<script>{{7*7}}'.csv"
    look = owner.choose(PLAIN, nasty)

    assert "<script>alert" not in look.text
    assert "49" not in re.search(r"<h1>(.*?)</h1>", look.text)[1]
    assert all(path.startswith(str(shop.settings.data_dir / "uploads")) for path in left(shop))
    assert owner.press(look).status_code == 200


def test_headers_and_cells_with_markup_do_no_harm(owner):
    look = owner.choose('user_id,money_spent,year,"<b>x</b>"\n1,<i>ten</i>,2021,\n')

    assert "<b>x" not in look.text
    assert "<i>ten" not in look.text


def test_a_name_kept_as_html_is_shown_as_text(shop, owner):
    owner.press(
        owner.choose("user_id,name\n4712,O&#039;Brien &lt;script&gt;alert(1)&lt;/script&gt; &amp; Bo\n")
    )

    page = owner.get("/customers/4712").text
    assert "<script>alert" not in page
    assert "O&#39;Brien &lt;script&gt;alert(1)&lt;/script&gt; &amp; Bo" in page


@pytest.mark.parametrize(
    ("language", "said"), [("en", "2 rows are of unknown age"), ("mk", "2 реда се без возраст")]
)
def test_unknown_ages_are_counted_before_and_after_the_import(shop, language, said):
    owner = Importer(shop, "owner", language=language)
    look = owner.choose("user_id,birth_date\n1,1978-03-14\n2,1900-01-01\n3,14.03.\n")

    assert said in plain(look.text)
    assert said in plain(owner.press(look).text)


def test_only_the_visit_that_sent_a_file_finds_it(shop, owner):
    look = owner.choose(PLAIN)
    data, place = form(look, "/import/done"), f"/import/look?file={form(look, '/import/done')['file']}"
    other = Importer(shop, "owner", name="another")
    token = form(other.choose(ORDERS), "/import/done")["form"]

    assert other.get(place).headers["Location"] == "/import"
    reply = other.client.post("/import/done", data={**data, "form": token}, headers={"Accept": "text/html"})
    assert reply.headers["Location"] == "/import"
    assert len(payments(shop)) == 3
    assert owner.get(place).status_code == 200
    for id_ in ("", "..", "../../data", "x" * 22, "%2e%2e"):
        assert owner.get(f"/import/look?file={id_}").headers["Location"] == "/import"


def test_a_file_is_kept_for_half_an_hour(shop, owner):
    look = owner.choose(PLAIN)
    (folder,) = (shop.settings.data_dir / "uploads").iterdir()
    then = time.time() - uploads.KEEP_SECONDS - 90
    os.utime(folder, (then, then))

    reply = owner.press(look)

    assert reply.headers["Location"] == "/import"
    assert "Choose it again." in notes(owner.get("/import"))[0]
    assert len(payments(shop)) == 3
    shop.app.extensions["smetka"].uploads.sweep()
    assert left(shop) == []


def test_a_folder_of_another_name_is_nobodys_upload(shop, owner):
    place = shop.settings.data_dir / "uploads"
    names = ["invoices", "arriving-mail", "kept-letters", f"kept-{'a' * 63}", f"arriving-{'a' * 33}"]
    then = time.time() - uploads.KEEP_SECONDS - 90
    for name in names:
        (place / name).mkdir(parents=True)
        os.utime(place / name, (then, then))

    owner.choose(PLAIN)
    shop.app.extensions["smetka"].uploads.sweep()

    assert {each.name for each in place.iterdir()} > {*names}


def test_a_file_goes_by_itself(owner, shop, monkeypatch):
    monkeypatch.setattr(uploads, "KEEP_SECONDS", 1)
    owner.send_file(owner.action(), PLAIN)
    assert left(shop) != []

    eventually(lambda: not left(shop))


def test_files_that_wait_do_not_fill_the_disk(owner, shop):
    for number in range(uploads.MOST_KEPT + 3):
        owner.choose(PLAIN, f"{number}.csv")

    assert len([*(shop.settings.data_dir / "uploads").iterdir()]) == uploads.MOST_KEPT


def test_a_form_of_another_page_is_refused_before_the_file_is_read(shop, owner):
    class Unread(io.BytesIO):
        def read(self, *_):
            raise AssertionError("read")

    ordinary = form(owner.get("/settings"), "/settings/keys")["form"]
    stranger = Importer(shop, "owner", name="another").action()
    for action in ("/import", "/import?form=", "/import?form=0", f"/import?form={ordinary}", stranger):
        reply = owner.client.post(
            action,
            content_type="multipart/form-data; boundary=x",
            environ_overrides={"wsgi.input": Unread(), "CONTENT_LENGTH": "100"},
        )
        assert reply.json["type"] == "/problems/form-expired", action
    upload = owner.action().partition("=")[2]
    reply = owner.client.post("/settings/keys", data={"form": upload, "name": "x", "role": "reader"})
    assert reply.json["type"] == "/problems/form-expired", "one that stood in an address is good for no more"
    assert left(shop) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n" + b"a" * 2_000_000,
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nuser_id,name\n1,a\n',
    ],
    ids=["nothing", "no end", "a file without its end"],
)
def test_a_form_that_is_none_leaves_nothing(owner, shop, body, assert_problem):
    reply = owner.client.post(owner.action(), data=body, content_type="multipart/form-data; boundary=x")

    assert reply.status_code in {400, 422}, reply.text
    assert left(shop) == []


def test_other_bodies_are_no_form(owner, shop):
    for media_type in ("application/json", "text/csv", "multipart/form-data", "multipart/mixed; boundary=x"):
        reply = owner.client.post(owner.action(), data=b"{}", content_type=media_type)
        assert reply.json["type"] == "/problems/unsupported-media-type"
    assert left(shop) == []


@pytest.mark.parametrize("role", ["reader", "cashier", "manager"])
def test_others_than_owners_see_nothing_of_it(shop, role):
    browser = Browser(shop, role)

    assert browser.get("/import").status_code == 403
    assert browser.get("/import/look?file=x").status_code == 403
    assert "/import" not in browser.get("/settings").text


def test_owners_find_the_page_from_the_settings(owner):
    assert 'href="/import"' in owner.get("/settings").text


def test_an_empty_ledger_points_to_the_page(make_shop):
    owner = Importer(make_shop(payments=()), "owner")

    assert 'href="/import"' in owner.get("/").text


def test_a_missing_ledger_is_made_by_the_first_file(make_shop, tmp_path):
    shop = make_shop(ledger=str(tmp_path / "new.db"))
    owner = Importer(shop, "owner")
    empty = owner.get("/")
    assert (empty.status_code, 'href="/import"' in empty.text) == (503, True)
    assert "There is no shop data yet." in notes(owner.get("/import"))[0]

    assert owner.press(owner.choose(PLAIN)).status_code == 200

    assert owner.get("/").status_code == 200
    assert len(payments(shop)) == 3


def test_a_ledger_on_a_server_is_said_to_take_no_files(make_shop):
    shop = make_shop(ledger="postgresql+psycopg://user:secret@127.0.0.1:1/shop")
    owner = Importer(shop, "owner")

    page = owner.get("/import")

    assert "on a database server" in notes(page)[0]
    assert "<input" not in page.text.partition("<main")[2].partition("</main>")[0]
    assert "/import" not in owner.get("/settings").text


def test_a_wide_file_makes_no_heavy_page(owner):
    columns = [f"a column with a rather long name {number}" for number in range(1500)]
    look = owner.choose(f"user_id,{','.join(columns)}\n1{',x' * 1500}\n")

    assert len(look.data) < 150_000
    assert "Only the first 100 columns can be chosen here." in look.text


def test_in_macedonian_nothing_of_the_pages_own_is_english(shop):
    owner = Importer(shop, "owner", language="mk")

    for reply in (owner.get("/import"), owner.choose(ORDERS)):
        assert 'lang="mk"' in reply.text
