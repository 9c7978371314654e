"""Files into the ledger by the API."""

from __future__ import annotations

import io
import os
import resource
import sqlite3
import stat
import threading
import zipfile
from contextlib import closing

import pytest

from smetka.web import bodies, uploads
from smetka.web.uploads import safe_name
from tests.fixtures.web import AWAY, CUSTOMERS, PAYMENTS

pytestmark = pytest.mark.shop(customers=CUSTOMERS[:3], payments=PAYMENTS[:3])
"""Shops that have ids left for new customers."""

PATH = "/api/v1/ledger/imports"
PLAIN = "user_id,money_spent,year\n1,10.50,2023\n2,5,2023\n4711,1,2022\n"
ORDERS = (
    "Name,Email,Financial Status,Paid at,Currency,Total,Refunded Amount,Outstanding Balance,Cancelled at,"
    "Lineitem name,Billing Name\n"
    "#1,ana@example.com,paid,2022-02-03 10:00:00 +0100,MKD,1250.50,0,0,,Tea,Ана Петрова\n"
    "#2,new@example.com,paid,2022-03-03 10:00:00 +0100,MKD,300,0,0,,Tea,Somebody New\n"
    "#3,new@example.com,pending,,MKD,99,0,99,,Tea,Somebody New\n"
)


def send(shop, content, headers=None, media_type="text/csv", **query):
    query.setdefault("name", "orders.csv")
    data = content.encode() if isinstance(content, str) else content
    return shop.client.post(PATH, query_string=query, data=data, content_type=media_type, headers=headers)


def payments(shop):
    with closing(sqlite3.connect(shop.services.ledger.path)) as ledger:
        return ledger.execute("SELECT user_id, money_spent, year FROM user_spending").fetchall()


def left(shop):
    """What is in the folder of files that were sent."""
    return [str(path) for path in (shop.settings.data_dir / "uploads").rglob("*")]


def test_a_file_is_imported_and_again_adds_nothing(shop, exact):
    first, again = send(shop, PLAIN), send(shop, PLAIN, name="the same.csv")

    assert (first.status_code, again.status_code) == (201, 200)
    told = exact(first)
    assert (told["payments"], str(told["total"]), told["customers_added"]) == (3, "16.5", 1)
    assert (told["written"], told["dry_run"], told["rejects"]) == (True, False, [])
    assert told["files"][0]["mapping"] == {name: name for name in ("user_id", "money_spent", "year")}
    assert exact(again)["files"][0]["already"]
    assert not exact(again)["written"]
    assert len(payments(shop)) == 6
    assert left(shop) == []


def test_what_was_imported_is_what_the_other_answers_tell(shop, exact):
    before = exact(shop.get("/total_spent/2"))["total_spending"]

    assert send(shop, PLAIN).status_code == 201

    assert (before, exact(shop.get("/total_spent/2"))["total_spending"]) == (0, 5)


def test_a_dry_run_writes_nothing(shop, exact):
    before = payments(shop)

    reply = send(shop, PLAIN, dry_run="true")

    assert (reply.status_code, exact(reply)["payments"], exact(reply)["written"]) == (200, 3, False)
    assert payments(shop) == before
    assert shop.count("audit") == 0


def test_an_export_of_a_platform_is_known(shop, exact):
    told = exact(send(shop, ORDERS))

    assert told["files"][0]["recognised"] == "Shopify orders"
    assert told["files"][0]["left_out"] == {"not paid (pending)": 1}
    assert (told["payments"], str(told["total"])) == (2, "1550.5")


def test_orders_that_changed_and_what_is_left_out_are_told_in_money(shop, exact):
    assert send(shop, ORDERS).status_code == 201
    later = ORDERS.replace("#1,ana@example.com,paid", "#1,ana@example.com,refunded").replace(
        "#3,new@example.com,pending,,MKD,99,0,99", "#3,,paid,2022-04-03,MKD,99.5,0,0"
    )

    for dry_run in ("true", "false"):
        told = exact(send(shop, later, dry_run=dry_run))
        assert [
            (each["reason"], each["orders"], str(each["amount"])) for each in told["changed"]["reasons"]
        ] == [("refunded", 1, "-1250.5")]
        assert (told["changed"]["orders"], str(told["changed"]["amount"])) == (1, "-1250.5")
        assert {each["reason"]: str(each["amount"]) for each in told["left_out"]} == {
            "no_customer": "99.5",
            "known": "300",
        }
        assert (told["payments"], told["customers"], told["rejected"]) == (0, 0, 0)


def test_columns_are_named_by_the_query(shop, exact):
    told = exact(send(shop, "who,much,when\n1,5,2021\n", map="user_id=who,money_spent=much,year=when"))

    assert told["files"][0]["mapping"] == {"user_id": "who", "money_spent": "much", "year": "when"}
    assert told["written"]


def test_states_of_the_shop_s_own_are_told_by_the_query(shop, assert_problem, exact):
    text = "user_id,order_id,money_spent,year,status\n1,11,5.00,2021,held\n2,12,6.00,2021,packed up\n"
    problem = assert_problem(send(shop, text), 422, "file-refused")

    assert problem["outcome"]["files"][0]["unknown_states"] == {"held": 1, "packed up": 1}
    assert problem["outcome"]["files"][0]["unknown_state_orders"] == [
        {"state": "held", "orders": 1, "amount": 5, "amount_unknown": 0},
        {"state": "packed up", "orders": 1, "amount": 6, "amount_unknown": 0},
    ]
    assert "`state` WORD=paid" in problem["detail"]
    told = exact(send(shop, text, state=["held=unpaid", "packed up=paid", "ready=paid"]))
    assert told["states_unmet"] == ["ready"]
    assert (told["payments"], told["files"][0]["left_out"]) == (1, {"not paid (held)": 1})


def test_a_list_that_may_be_of_orders_is_refused_with_the_way_out(shop, assert_problem, exact):
    text = "email,name,Total,Order ID\nana@example.com,#7,20.00,7\n"
    problem = assert_problem(send(shop, text), 422, "file-refused")

    assert "'Total', 'Order ID'" in problem["detail"]
    assert "`map` money_spent=" in problem["detail"]
    told = exact(send(shop, text, map="money_spent=,name="))
    assert (told["payments"], told["customers_added"]) == (0, 0)


def test_windows_1250_is_proposed_and_taken_when_told(shop, assert_problem, exact):
    content = "user_id,name\n4712,Čedomir\n".encode("windows-1250")
    problem = assert_problem(send(shop, content), 422, "file-refused")

    assert "'Čedomir' in windows-1250" in problem["detail"]
    assert "say which it is with `encoding`" in problem["detail"]
    assert exact(send(shop, content, encoding="windows-1250"))["files"][0]["encoding"] == "windows-1250"


def test_unknown_ages_are_counted(shop, exact):
    told = exact(send(shop, "user_id,birth_date\n1,1978-03-14\n2,0000-00-00\n3,01.01.1900\n"))

    assert (told["rejected"], told["written"]) == (0, True)
    assert told["files"][0]["ages_unknown"] == 2


@pytest.mark.parametrize("name", ["list", "list.csv"])
def test_the_media_type_says_what_the_file_is(shop, exact, name):
    content = '{"user_id": 1, "money_spent": 5, "year": 2021}\n'

    for media_type in ("application/jsonl", "application/x-ndjson"):
        assert exact(send(shop, content, media_type=media_type, name=name, dry_run="true"))["payments"] == 1
    told = exact(send(shop, content, media_type="application/octet-stream", name="list.jsonl"))
    assert told["files"][0]["kind"] == "jsonl"


def test_rejected_rows_are_told_by_place_and_nothing_is_written(shop, assert_problem, exact):
    content = "user_id,money_spent,year\n1,10,2021\n2,ten,2021\n3,5,1066\n"
    before = payments(shop)

    problem = assert_problem(send(shop, content), 422, "file-refused")

    assert [(row["line"], row["column"]) for row in problem["rejects"]] == [(3, "money_spent"), (4, "year")]
    assert "2 rows break rules, the first on line 3, column money_spent, which" in problem["detail"]
    assert problem["outcome"]["rejected"] == 2
    one = assert_problem(send(shop, "user_id,money_spent,year\n2,ten,2021\n"), 422, "file-refused")
    assert "One row breaks a rule: line 2, column money_spent, which is no amount." in one["detail"]
    assert payments(shop) == before
    assert_problem(send(shop, content, dry_run="true"), 422, "file-refused")
    others = send(shop, content, skip_rejected="true")
    assert (others.status_code, exact(others)["payments"], len(exact(others)["rejects"])) == (201, 1, 2)


def test_a_header_below_titles_is_found_or_named(shop, exact):
    known = "Sales\n\n" + PLAIN
    foreign = known.replace("user_id,money_spent", "Број,Износ")

    told = exact(send(shop, known, dry_run="true"))
    assert told["files"][0]["found"] == [
        "separated by ,",
        "header on line 3; the lines above it are not read",
    ]
    told = exact(send(shop, foreign, dry_run="true", header_row="3", map="user_id=Број,money_spent=Износ"))
    assert (told["payments"], told["files"][0]["found"]) == (3, ["separated by ,"])
    # What is mapped tells the header as well.
    assert exact(send(shop, foreign, dry_run="true", map="user_id=Број,money_spent=Износ"))["payments"] == 3


def test_a_broken_cell_and_a_total_are_told_by_place(shop, assert_problem):
    content = "user_id,name,money_spent,refunded,year\n1,A,5,#N/A,2021\n1,A,5,,2021\nTotal,,5,,\n"
    problem = assert_problem(send(shop, content), 422, "file-refused")

    assert problem["rejects"] == [
        {
            "line": 2,
            "column": "refunded",
            "reason": "is #N/A, a spreadsheet error; correct the cell, or clear it",
        },
        {
            "line": 4,
            "column": "money_spent",
            "reason": "looks like the total of the rows above; remove this row",
        },
    ]


def test_of_many_rejected_rows_the_first_hundred_are_listed(shop, assert_problem):
    content = "user_id,money_spent,year\n" + "1,x,2021\n" * 250

    problem = assert_problem(send(shop, content), 422, "file-refused")

    assert (len(problem["rejects"]), problem["outcome"]["rejected"]) == (100, 250)


@pytest.mark.shop(shared=True)
@pytest.mark.parametrize(
    ("content", "query", "line", "column", "words"),
    [
        (b"", {}, None, None, "is empty"),
        (b"user_id,money_spent,year\n", {}, None, None, "no rows"),
        (b"user_id,money_spent,year\n1,5,2021\n1,\x00,2021\n", {}, 3, None, "zero byte"),
        (b"user_id,money_spent,year\n1,5,2021\n1,caf\xe9,2021\n", {}, 3, None, "`encoding`"),
        (b"user_id;money_spent;year\n1;1.234;2021\n", {}, None, "money_spent", "`decimal`"),
        (b"user_id,money_spent,date\n1,5,01/02/2021\n", {}, None, "date", "`dates`"),
        (b"a,b\n1,2\n", {}, None, None, "`map`"),
        (b"Sales\n\na,b,c\n1,2,3\n", {}, None, None, "say `header_row` 3"),
        (b"Sales\n\na,b,c\n1,2,3\n", {"header_row": "2"}, 2, None, "is not where a row begins; `header_row`"),
        (b"user_id,money_spent,year\n1,5,2021\n", {"encoding": "klingon"}, None, None, "no such encoding"),
        (b"user_id,money_spent,year\n1,5,2021\n", {"delimiter": "x"}, None, None, "`delimiter` is one of"),
        (b"PK\x03\x04 and so on", {}, None, None, "zip archive"),
        (b"<!doctype html><p>Sign in", {}, None, None, "web page"),
        (b"user_id,user_id\n1,2\n", {}, 1, "user_id", "two columns"),
    ],
)
def test_a_file_that_cannot_be_taken_is_told_by_place(
    shop, assert_problem, content, query, line, column, words
):
    problem = assert_problem(send(shop, content, **query), 422, "file-refused")

    assert (problem["line"], problem["column"]) == (line, column)
    assert words in problem["detail"]
    assert "--" not in problem["detail"]
    assert str(shop.settings.data_dir) not in str(problem)
    assert left(shop) == []


def test_payments_that_may_be_there_already_are_refused(shop, assert_problem, exact):
    content = "user_id,money_spent,year\n1,10,2026\n"
    before = payments(shop)

    problem = assert_problem(send(shop, content), 409, "import-overlaps")

    assert "`despite_overlap`" in problem["detail"]
    assert payments(shop) == before
    assert exact(send(shop, content, despite_overlap="true"))["written"]


@pytest.mark.shop(shared=True)
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"name": "../../etc/passwd"}, "name"),
        ({"map": "nobody=user_id"}, "map"),
        ({"map": "age=nowhere"}, "map"),
    ],
)
def test_a_parameter_that_breaks_a_rule_is_named(shop, assert_problem, query, parameter):
    problem = assert_problem(send(shop, PLAIN, **query), 422, "invalid-value")

    assert [fault["parameter"] for fault in problem["errors"]] == [parameter]
    assert "--" not in problem["detail"]
    assert left(shop) == []


def test_markup_in_names_is_told_as_it_is(shop, exact):
    name = "<script>alert(1)<script> {{ 7*7 }} Нарачки.csv"

    assert exact(send(shop, PLAIN, name=name))["files"][0]["name"] == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("orders.csv", "orders.csv"),
        ("../../../etc/cron.d/x.csv", "x.csv"),
        ("C:\\Users\\Ana\\нарачки.xlsx", "нарачки.xlsx"),
        ("..", "file"),
        ("", "file"),
        (".csv", "file.csv"),
        ("a/.csv", "file.csv"),
        ("a\x00b\x1b[31m\u202egpj.csv", "ab[31mgpj.csv"),
        ("\ud800.csv", "file.csv"),
    ],
)
def test_a_files_name_is_a_name_alone(name, safe):
    assert safe_name(name) == safe


def test_a_long_name_keeps_its_end():
    name = safe_name("ѓ" * 500 + ".xlsx")

    assert name.endswith("ѓ.xlsx")
    assert len(name.encode()) <= uploads.LONGEST_NAME


def test_a_body_of_another_kind_is_not_read(shop, assert_problem):
    class Unread(io.BytesIO):
        def read(self, *_):
            raise AssertionError("read")

    for media_type in ("application/json", "multipart/form-data; boundary=x", "text/plain", ""):
        reply = shop.client.post(
            f"{PATH}?name=a.csv",
            environ_overrides={"wsgi.input": Unread(), "CONTENT_LENGTH": "10", "CONTENT_TYPE": media_type},
        )
        assert_problem(reply, 415, "unsupported-media-type")


@pytest.mark.parametrize(("role", "slug"), [(None, "key-needed"), ("manager", "not-allowed")])
def test_who_may_not_import_sends_nothing(make_shop, assert_problem, role, slug):
    shop = make_shop(auth="required")
    unread = io.BytesIO(PLAIN.encode())
    headers = {} if role is None else shop.key(role)

    reply = shop.client.post(
        f"{PATH}?name=a.csv",
        headers=headers,
        content_type="text/csv",
        environ_overrides={"wsgi.input": unread, "CONTENT_LENGTH": str(len(PLAIN))},
    )

    assert reply.json["type"] == f"/problems/{slug}"
    assert unread.tell() == 0
    assert not (shop.settings.data_dir / "uploads").exists()


def test_another_sites_page_sends_nothing(shop, assert_problem):
    reply = send(shop, PLAIN, headers={"Origin": "https://evil.example"})

    assert_problem(reply, 403, "cross-site")
    assert left(shop) == []


def test_a_declared_length_beyond_the_limit_is_refused_unread(shop, assert_problem):
    unread = io.BytesIO(b"x" * 100)
    for length in (bodies.MAX_UPLOAD_BYTES + 1, 300 * 1024 * 1024, "9" * 40):
        reply = shop.client.post(
            f"{PATH}?name=a.csv",
            content_type="text/csv",
            environ_overrides={"wsgi.input": unread, "CONTENT_LENGTH": str(length)},
        )
        assert_problem(reply, 413, "too-large")
    assert unread.tell() == 0
    assert left(shop) == []


class Endless(io.RawIOBase):
    """Chunks without an end."""

    def __init__(self):
        self.given = 0

    def read(self, size=-1):
        self.given += size
        return b"1,2,2020\n" * (size // 9) + b"1" * (size % 9)


def test_chunks_without_end_are_cut_at_the_limit(shop, assert_problem, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_UPLOAD_BYTES", 2_000_000)
    endless = Endless()

    reply = shop.client.post(
        f"{PATH}?name=a.csv",
        content_type="text/csv",
        environ_overrides={
            "wsgi.input": endless,
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
        },
    )

    assert_problem(reply, 413, "too-large")
    assert endless.given <= 2_000_001
    assert left(shop) == []


def test_a_body_that_ends_early_leaves_nothing(shop, assert_problem):
    before = payments(shop)
    reply = shop.client.post(
        f"{PATH}?name=a.csv",
        content_type="text/csv",
        environ_overrides={"wsgi.input": io.BytesIO(PLAIN.encode()), "CONTENT_LENGTH": "5000"},
    )

    assert_problem(reply, 400, "bad-request")
    assert payments(shop) == before
    assert left(shop) == []


def test_a_zip_bomb_is_refused(shop, assert_problem):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(129):
                sheet.write(b" " * 1024 * 1024)

    reply = send(
        shop,
        bomb.getvalue(),
        name="a.xlsx",
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )

    assert "is larger than 128 MiB when unpacked" in assert_problem(reply, 422, "file-refused")["detail"]
    assert left(shop) == []


class Slow(io.BytesIO):
    """A body of which the rest comes later."""

    def __init__(self, content):
        super().__init__(content)
        self.began, self.go_on = threading.Event(), threading.Event()

    def read(self, *size):
        self.began.set()
        assert self.go_on.wait(30)
        return super().read(*size)


def test_more_than_two_at_a_time_are_asked_to_come_again(shop, assert_problem):
    bodies_ = [Slow(f"user_id,money_spent,year\n1,{n},{2010 + n}\n".encode()) for n in (1, 2)]
    replies = []

    def slowly(body):
        length = str(len(body.getvalue()))
        environ = {"wsgi.input": body, "CONTENT_LENGTH": length}
        replies.append(
            shop.app.test_client().post(
                f"{PATH}?name=a.csv", content_type="text/csv", environ_overrides=environ
            )
        )

    threads = [threading.Thread(target=slowly, args=(body,)) for body in bodies_]
    for thread, body in zip(threads, bodies_, strict=True):
        thread.start()
        assert body.began.wait(30)
    paths = left(shop)
    third = send(shop, PLAIN)
    for body in bodies_:
        body.go_on.set()
    for thread in threads:
        thread.join()

    assert_problem(third, 503, "overloaded")
    assert third.headers["Retry-After"]
    assert sorted(reply.status_code for reply in replies) == [201, 201]
    assert len([path for path in paths if path.endswith("a.csv")]) == 2
    assert left(shop) == []
    assert send(shop, PLAIN).status_code == 201


def test_a_file_is_nobody_elses_while_it_is_here(shop):
    seen = {}

    class Looking(io.BytesIO):
        def read(self, *size):
            folder = shop.settings.data_dir / "uploads"
            for path in (folder, *folder.rglob("*")):
                seen[path.suffix] = stat.S_IMODE(path.stat().st_mode)
            return super().read(*size)

    content = PLAIN.encode()
    shop.client.post(
        f"{PATH}?name=a.csv",
        content_type="text/csv",
        environ_overrides={"wsgi.input": Looking(content), "CONTENT_LENGTH": str(len(content))},
    )

    assert seen == {"": 0o700, ".csv": 0o600}


def test_a_full_disk_is_told_and_leaves_nothing(shop, assert_problem):
    before = payments(shop)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # what is longer cannot be written
    try:
        reply = send(shop, PLAIN + "1,1,2020\n" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert_problem(reply, 507, "no-room")
    assert payments(shop) == before
    assert left(shop) == []


def test_a_ledger_on_a_server_takes_no_imports(make_shop, assert_problem):
    shop = make_shop(ledger="postgresql+psycopg://user:secret@127.0.0.1:1/shop")

    problem = assert_problem(send(shop, PLAIN), 409, "takes-no-imports")

    assert "database server" in problem["detail"]
    assert "secret" not in str(problem)
    assert left(shop) == []


def test_a_ledger_of_another_shape_takes_no_imports(make_shop, make_ledger, assert_problem):
    ledger = make_ledger(name="odd.db")
    with closing(sqlite3.connect(ledger)) as database:
        database.execute("DROP TABLE user_spending")
        database.execute("CREATE VIEW user_spending AS SELECT 1 AS user_id, 2 AS money_spent, 3 AS year")
    shop = make_shop(ledger=str(ledger))

    problem = assert_problem(send(shop, PLAIN), 409, "takes-no-imports")

    assert "is a view" in problem["detail"]
    assert str(ledger) not in problem["detail"]


def test_without_ids_for_new_customers_nothing_is_imported(make_shop, assert_problem):
    problem = assert_problem(send(make_shop(customers=CUSTOMERS), ORDERS), 409, "takes-no-imports")

    assert "no ids left" in problem["detail"]


def test_a_locked_ledger_is_told_as_away(shop, assert_problem, monkeypatch):
    monkeypatch.setattr("smetka.ledger.imports.target.BUSY_SECONDS", 0.2)
    with closing(sqlite3.connect(shop.services.ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        reply = send(shop, PLAIN)

    assert_problem(reply, 503, "ledger-unavailable")
    assert reply.headers["Retry-After"]
    assert send(shop, PLAIN).status_code == 201


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_takes_no_imports(shop, assert_problem):
    folder = shop.services.ledger.path.parent
    folder.chmod(0o500)
    try:
        assert_problem(send(shop, PLAIN), 409, "takes-no-imports")
    finally:
        folder.chmod(0o700)


def test_a_ledger_that_is_not_there_is_made(make_shop, tmp_path, exact):
    shop = make_shop(ledger=str(tmp_path / "new.db"))
    assert shop.get("/total_spent/1").status_code == 503

    assert send(shop, PLAIN).status_code == 201

    assert str(exact(shop.get("/total_spent/1"))["total_spending"]) == "10.5"


def test_the_audit_tells_file_and_counts_and_no_names(shop):
    key = shop.key("owner", "the owner")

    assert send(shop, ORDERS, headers=key).status_code == 201

    # The clock stands still, so that the page has them in any order.
    begun, done = sorted(shop.services.audit.page(10), key=lambda entry: entry.action)
    assert (begun.action, begun.by, begun.subject["reason"]) == ("import", "key the owner", "orders.csv")
    assert done.action == "imported"
    assert done.subject["reference"] == begun.subject["reference"]
    assert len(begun.subject["reference"].removeprefix("sha256 ")) == 64
    assert "payments 2, new customers 1" in done.subject["reason"]
    assert "example.com" not in str((done, begun))


def test_without_mongodb_files_are_imported_all_the_same(make_shop):
    shop = make_shop(mongodb_uri=AWAY)

    assert send(shop, PLAIN).status_code == 201


def test_names_of_customers_are_in_no_log(shop, capsys):
    send(shop, ORDERS)
    send(shop, ORDERS.replace("paid,2022", "odd,2022"))

    assert not any(word in capsys.readouterr().out for word in ("Петрова", "new@example.com"))
