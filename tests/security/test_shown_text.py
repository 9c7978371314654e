"""What others wrote moves no cursor, turns no line round and hides nothing, wherever it is shown."""

from __future__ import annotations

import ast
import io
import json
import sqlite3
import tracemalloc
import unicodedata
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from flask import Flask
from markupsafe import Markup

from smetka import cli
from smetka.bonus.redemptions import Order
from smetka.cli.options import table
from smetka.cli.speech import ENGLISH
from smetka.cli.terminal import say
from smetka.core.errors import InvalidValue, WrongUsage
from smetka.core.logs import configure_logging
from smetka.core.shown_text import as_reference, bare, has_hidden, shown
from smetka.keys import create_key
from smetka.ledger import Ledger
from smetka.ledger.values import LONGEST_TEXT
from smetka.telegram.layout import escaped
from smetka.telegram.schedules import Schedules
from smetka.telegram.standin import page as standin_page
from smetka.telegram.standin.markup import Parsed
from smetka.telegram.standin.world import Message, World
from smetka.web.pages import render
from smetka.web.uploads import safe_name

SOURCE = Path(cli.__file__).parent.parent

HIDDEN = {
    "escape": "\x1b",
    "bell": "\a",
    "return": "\r",
    "delete": "\x7f",
    "C1 introducer": "\x9b",
    "soft hyphen": "\xad",
    "arabic mark": "\u061c",
    "hangul filler": "\u3164",
    "zero-width space": "\u200b",
    "left-to-right mark": "\u200e",
    "right-to-left mark": "\u200f",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "embedding": "\u202a",
    "override": "\u202e",
    "isolate": "\u2066",
    "end of isolate": "\u2069",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
    "lone surrogate": "\ud83d",
    "joiner in a Latin word": "\u200d",
    "non-joiner in a Latin word": "\u200c",
    "variant of a Latin letter": "\ufe0f",
    "other variant of a Latin letter": "\U000e0100",
    "joint of hieroglyphs": "\U00013430",
    "note without a head": "\U0001d159",
    "no character": "\ufffe",
    "no character of another plane": "\U0001fffe",
    "no character in the middle": "\ufdd0",
    "empty cell of Braille": "\u2800",
}
BESIDE = {  # what a joiner or a selector changes nothing of
    "a letter that joins nothing": "\u062f\u200c\u0627",
    "letters that are joined anyway": "\u0641\u200d\u0628",
    "Thai letters": "\u0e01\u200c\u0e02",
    "a Thai letter": "\u0e01\ufe0f",
    "an Arabic letter": "\u0627\ufe0f\u0628",
    "a Georgian letter": "\u10d0\ufe0f",
    "vowels": "\u0936\u094d\u0930\u0940\u200c\u0930",
    "signs": "\u2211\u200d\u2211",
    "blocks": "\u2588\u200d\u2588",
    "an arrow": "\u2192\ufe0f",
    "an ideograph": "\u6f22\ufe0f",
    "a syllable": "\u304b\U000e0100",
    "a bracket": "\u300a\u200d\u300a",
    "the beginning": "\u200c\u062a",
    "the end": "\u0915\u094d\u200d",
    "what is no character yet": "\u062a\u200c\U0001e9ff",
}
NAMES = (
    "Ѓорѓи Ќосевски-Џамбаз",
    "محمد بن عبد الله",
    "می‌خواهم",  # Persian, with a non-joiner that its spelling needs
    "क्‌ष क्‍ष",  # half a letter, and a whole one
    "র‍্যাব",
    "शर्मा १३५ ٦٧٨ ؀",
    "שָׁלוֹם כהן",
    "Ана 👩‍👩‍👧‍👦",
    "🏳️‍🌈 ❤️‍🔥 👩🏽‍⚕️",
    "1️⃣ ©️ ✔️",
    "葛󠄀飾区",  # an ideograph in the variant of a family's name
    "O'Brien–Søren  (ж) №5",
)
MARKED = pytest.mark.parametrize("character", HIDDEN.values(), ids=HIDDEN.keys())


@pytest.mark.parametrize("stored", ["text", "bytes"])
@pytest.mark.parametrize("keyed", [True, False])
def test_a_long_name_is_cut_before_it_is_fetched(tmp_path, stored, keyed):
    """Also one that a zero byte ends for SQLite's own functions, and is found by its end all the same."""
    size = 3 * 2**20
    long = ("Ж\0" + "ж" * size, "e" * size + "@example.com", "9" * size)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        key = "PRIMARY KEY" if keyed else ""
        database.execute(f"CREATE TABLE user_info (user_id INTEGER {key}, name, email, age INTEGER)")
        database.execute("CREATE TABLE user_spending (user_id INTEGER, money_spent, year INTEGER)")
        name, email, amount = long if stored == "text" else (each.encode() for each in long)
        database.execute("INSERT INTO user_info VALUES (1, ?, ?, 20)", (name, email))
        short = ("Ж" * LONGEST_TEXT, "a\0b", 20)
        database.execute("INSERT INTO user_info VALUES (2, ?, ?, ?)", short)
        database.execute("INSERT INTO user_spending VALUES (1, ?, 2026)", (amount,))
        database.commit()
    with closing(Ledger(str(tmp_path / "shop.db"))) as ledger:
        ledger.customers(9)
        tracemalloc.start()
        found = [ledger.person(1), ledger.customers(9, in_names=True)[0]]
        texts = [text for each in found for text in (each.name, each.email)] + [
            ledger.payments(1, 9)[0].stored
        ]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert [(len(text) <= LONGEST_TEXT + 1, text[-1]) for text in texts] == [(True, "…")] * 5
        assert most < size / 10
        assert (ledger.person(2).name, ledger.person(2).email) == short[:2]
        assert [each.user_id for each in ledger.customers(9, text="eee@example.com", in_names=True)] == [1]


@MARKED
def test_what_is_hidden_is_shown_as_json_writes_it(character):
    written = shown(f"ab{character}cd")

    assert written.isascii()
    assert written.isprintable()
    assert json.loads(f'"{written}"') == f"ab{character}cd"
    assert bare(f"ab{character}cd") in {"abcd", "ab cd"}
    assert has_hidden(f"ab{character}cd")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_every_script_read_as_they_are_written(name):
    assert shown(name) == bare(name) == as_reference(name) == name
    assert not has_hidden(name)


@pytest.mark.parametrize("text", BESIDE.values(), ids=BESIDE.keys())
def test_a_joiner_or_selector_that_changes_nothing_is_shown(text):
    assert has_hidden(text)
    assert "\\u" in shown(text)


def test_all_that_unicode_calls_invisible_is_hidden():
    """But signs around numbers, which are seen, joiners, and what selects variants."""
    seen = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    invisible = [
        code
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or code & 0xFFFE == 0xFFFE
    ]

    assert {code for code in invisible if not has_hidden(f"a{chr(code)}b")} == seen


def test_ends_of_lines_are_kept_where_lines_are_shown_and_nowhere_else():
    assert shown("a\n\tb", lines=True) == bare("a\n\tb", lines=True) == "a\n\tb"
    assert shown("a\n\tb") == r"a\n\tb"
    assert bare("a\nb") == "a b"


# --- the terminal


def test_commands_have_one_way_to_the_terminal():
    printed = [
        f"{file.name}:{node.lineno}"
        for file in (SOURCE / "cli").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute | ast.Name)
        and ast.unparse(node) in {"click.echo", "click.secho", "print", "sys.stdout.write"}
        if file.name != "terminal.py"
    ]

    assert printed == []


@MARKED
def test_nothing_hidden_is_printed(character, capsys):
    say(f"title {character}[31m")

    assert capsys.readouterr().out == f"title {shown(character)}[31m\n"


def test_a_value_begins_no_line_of_its_own():
    assert table([("name", "total"), ("Ана\nall is well", "5")]).count("\n") == 1
    assert ENGLISH.gettext("Chat {chat}: {result}", chat="a\nb", result="\x1b[2J") == r"Chat a\nb: \u001b[2J"


@pytest.mark.parametrize(
    "arguments",
    [["\x1b[31mred"], ["status", "\u202ered"], ["total", "\x1b]0;title\a"], ["key", "revoke", "a\x9b"]],
)
def test_an_error_repeats_no_escape_sequence(smetka, tmp_path, arguments):
    _, _, err = smetka(*arguments)

    assert err
    assert not has_hidden(err.replace("\n", ""))


# --- pages


def page_of(text, **values):
    app = Flask("pages")
    render.register(app)
    return app.jinja_env.from_string(text).render(**values)


@MARKED
def test_pages_show_what_is_hidden(character):
    written = page_of("<p>{{ name }}</p>", name=f"<b>{character}")

    assert written == f"<p>&lt;b&gt;{shown(character)}</p>"
    assert page_of("{{ made }}", made=Markup(f"<i>{character}</i>")) == f"<i>{shown(character)}</i>"


def test_a_form_sends_back_what_it_was_given():
    assert page_of('<i value="{{ name|sent }}">', name='a"\u202eb') == '<i value="a&#34;&#x202e;b">'
    assert page_of("{{ number }}{{ nothing }}{{ unknown }}", number=5, nothing="") == "5"


@MARKED
def test_the_stand_ins_pages_show_what_is_hidden(character):
    hostile, world = f"x{character}y", World()
    world.add_chat(-2002, name=hostile, topics={5: hostile})
    parsed = Parsed(hostile, [], [(None, False, hostile)])
    world.messages.append(
        Message(1, -2002, hostile, hostile, 0, 0.0, parsed, buttons=(((hostile, hostile),),))
    )

    for target in ("/", "/chat/-2002", f"/t.me?start={quote(hostile, errors='surrogatepass')}"):
        _, written, _ = standin_page.get(world, target)
        assert not has_hidden(written.replace("\n", ""))


# --- messages, logs, file names


@MARKED
def test_messages_leave_out_what_is_hidden(character):
    assert escaped(f"a{character}<b") in {"a&lt;b", "a &lt;b"}


@pytest.mark.parametrize("is_terminal", [True, False])
def test_logs_hide_nothing_and_lose_nothing(monkeypatch, is_terminal):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    configure_logging("web", stream=stream)
    for character in HIDDEN.values():
        structlog.get_logger("t").info("seen", title=f"a{character}[2Jb")

    lines = stream.getvalue().split("\n")[:-1]
    assert len(lines) == len(HIDDEN)
    for line, character in zip(lines, HIDDEN.values(), strict=True):
        assert f"a{shown(character)}[2Jb" in line
        if not is_terminal:
            assert json.loads(line)["title"] == f"a{character}[2Jb"


def test_the_name_of_a_file_is_without_what_is_hidden():
    assert safe_name("or\u202eders\u200b.csv") == "orders.csv"


# --- what comes in


@MARKED
@pytest.mark.parametrize("field", ["reference", "reason"])
def test_a_reference_and_a_reason_that_hide_something_are_refused(field, character):
    with pytest.raises(
        InvalidValue, match=f"{field} must be without what cannot be seen: control characters"
    ):
        Order("redeem", "terminal", **{field: f"order{character} 7"})


@pytest.mark.parametrize("name", NAMES)
def test_a_reference_may_be_of_any_script(name):
    assert Order("redeem", "terminal", reference=name).reference == name


@MARKED
def test_a_keys_name_that_hides_something_is_refused(character, tmp_path):
    with pytest.raises(WrongUsage, match="A key's name has"):
        create_key(tmp_path / "keys.json", f"til{character}l", "cashier")


@MARKED
def test_a_schedules_name_that_hides_something_is_refused(character, clock):
    with pytest.raises(WrongUsage, match="A schedule's name has"):
        Schedules(None, recipients=(), timezone=None, now=clock).add(
            "averages", "0 9 * * *", name=f"week{character}ly"
        )
