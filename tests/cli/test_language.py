"""Commands speak the language of the setting: no word of English in a Macedonian terminal, and English as ever."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from smetka.bonus.records import BonusCustomers
from smetka.cli.speech import ENGLISH, Speech
from smetka.cli.telegram_bot import explain
from smetka.cli.words import told
from smetka.core.money import Money
from smetka.telegram.chats import Chats
from smetka.telegram.errors import Refused, Unreachable
from smetka.telegram.outbox import Outbox
from smetka.telegram.standin import FakeTelegram

MACEDONIAN = Speech("mk")
RULES = ("--year", "2026", "--voucher-value", "300", "--valid-until", "2099-01-31")
RULES += ("--tier", "5000:1500", "--budget", "2100")
MANAGER, GROUP, STRANGER = 1001, -1002002, 3003

NAMES = ("year-end", "Europe/Skopje", "ID", "Telegram")
NAMES += ("smetka ledger check", "smetka bonus list --review pending", "smetka campaign preview")
"""What stays as it is: names, settings, commands."""


@pytest.fixture(autouse=True)
def _configured(monkeypatch, make_ledger):
    customers = [(1, "Ана", "ana@example.com", 30), (2, "Борис", None, 40), (3, "Вера", None, 50)]
    customers += [(4, "Горан", None, 16), (5, "Дана", None, 61)]
    payments = [(1, 1500.5, 2026), (2, 2500, 2026), (3, 950, 2026), (4, 6000, 2026), (5, 1500.5, 2026)]
    payments += [(3, None, 2026), (9, 10, 2026), (1, 7, 2025)]
    monkeypatch.setenv("SMETKA_LEDGER", str(make_ledger(customers, payments)))


@pytest.fixture
def mongodb(monkeypatch, mongodb_uri):
    """Commands find our records."""
    monkeypatch.setenv("SMETKA_MONGODB_URI", mongodb_uri)


@pytest.fixture
def in_macedonian(smetka, monkeypatch):
    """A command that succeeds with the setting mk; what it says, with nothing of it in English.

    `names` are more of what is no word.
    """

    def in_macedonian(*arguments, names=()):
        monkeypatch.setenv("SMETKA_LANGUAGE", "mk")
        status, out, err = smetka(*arguments)
        monkeypatch.delenv("SMETKA_LANGUAGE")
        assert status == 0, err
        text = out + err
        for name in (*NAMES, *map(str, names)):
            text = text.replace(name, " ")
        assert re.findall(r"[A-Za-z]+", text) == []
        assert re.search(r"[а-ш]{3}", text)
        return out + err

    return in_macedonian


@pytest.fixture
def campaign(smetka, mongodb):
    """A campaign that does not reach everybody."""
    assert smetka("campaign", "create", "year-end", *RULES)[0] == 0


@pytest.fixture
def code(smetka, campaign, tmp_path):
    """The code of a voucher that was issued."""
    assert smetka("campaign", "issue", "year-end")[0] == 0
    file = tmp_path / "codes.csv"
    assert smetka("campaign", "export", "year-end", "--columns", "code", "--output", file)[0] == 0
    return file.read_text().split()[1]


@pytest.fixture
def telegram(monkeypatch):
    with FakeTelegram(chats=(MANAGER, GROUP)) as telegram:
        monkeypatch.setenv("SMETKA_TELEGRAM_BOT_TOKEN", telegram.token)
        monkeypatch.setenv("SMETKA_TELEGRAM_API_URL", telegram.url)
        monkeypatch.setenv("SMETKA_TELEGRAM_CHAT_IDS", f"{MANAGER},{GROUP},{STRANGER}")
        yield telegram


def now():
    return datetime.now(UTC)


SO_FAR = {
    "en": "2026 is not over yet: these are its figures so far.\n",
    "mk": "2026 година не е завршена: ова се бројките досега.\n",
}
"""What stands below figures of 2026 until that is over."""


def test_a_total_is_said_in_either_language(smetka, in_macedonian):
    assert in_macedonian("total", 1, "--year", 2026).removesuffix(SO_FAR["mk"]) == (
        "Купувач 1: потрошено 1.500,50 ден. во 2026 година (1 плаќање).\n"
    )
    assert in_macedonian("total", 1) == ("Купувач 1: потрошено 1.507,50 ден. во сите години (2 плаќања).\n")
    assert "1.507,50 EUR" in in_macedonian("total", 1, "--currency", "EUR", names=["EUR"])
    assert smetka("total", 1)[1] == "Customer 1 spent 1,507.50 MKD in all years (2 payments).\n"


def test_the_option_wins_over_the_environment(smetka, monkeypatch):
    monkeypatch.setenv("SMETKA_LANGUAGE", "mk")

    assert smetka("total", 1, "--language", "en")[1].startswith("Customer 1 spent")
    assert smetka("total", 1, "--language", "fr")[0] == 2


@pytest.mark.parametrize("basis", ["spender", "payment", "customer"])
def test_averages_are_said_in_macedonian(in_macedonian, basis):
    text = in_macedonian("averages", "--basis", basis)

    names = ["возраст", "просек", "медијана", "купувачи", "платиле", "плаќања", "вкупно"]
    assert text.splitlines()[2].split() == names
    assert "Надвор од овие групи: 1 купувач, со вкупно 6.000,00." in text
    assert "1 плаќање без употреблив износ; од непознати купувачи: 1." in text
    assert "во 2026 година (ден.):" in in_macedonian("averages", "--basis", basis, "--year", 2026)


def test_averages_are_said_in_english(smetka):
    assert smetka("averages", "--year", 2026)[1].removesuffix(SO_FAR["en"]) == (
        "Average spending in 2026 per paying customer, MKD:\n"
        "\n"
        "age     average    median  customers  paying  payments     total\n"
        "18-24         -         -          0       0         0      0.00\n"
        "25-30  1,500.50  1,500.50          1       1         1  1,500.50\n"
        "31-36         -         -          0       0         0      0.00\n"
        "37-47  2,500.00  2,500.00          1       1         1  2,500.00\n"
        ">47    1,225.25  1,225.25          2       2         2  2,450.50\n"
        "\n"
        "Median per paying customer: half of a group spent more, half less.\n"
        "One customer accounts for more than a tenth of what a group spent: 25-30\n"
        "(100.0%), 37-47 (100.0%), >47 (61.2%).\n"
        "\n"
        "In no group: 1 customer, 6,000.00 in total.\n"
        "Left out: 1 payment without a usable amount, 1 of unknown customers.\n"
        "`smetka ledger check` says more.\n"
    )


@pytest.mark.usefixtures("mongodb")
def test_who_is_due_the_bonus_is_said_in_macedonian(smetka, in_macedonian, storage):
    nobody = in_macedonian("bonus", "list", "--year", 2026)
    collected = in_macedonian("bonus", "collect", "--year", 2026)
    again = in_macedonian("bonus", "collect", "--year", 2026, "--bonus-threshold", "2000")
    posted, known = Money.parse("1234567.80"), Money.parse("950")
    BonusCustomers(storage, now).store(3, 2026, posted, threshold=Money.parse("1000"), ledger_total=known)
    listed = in_macedonian("bonus", "list", "--year", 2026)

    assert nobody == "Нема запишани купувачи што одговараат на ова.\n"
    assert "Повеќе од 1.000,00 ден. во 2026 година потрошиле 4 купувачи." in collected
    assert "Нови: 4. Ажурирани: 0. Без промена: 0." in collected
    assert "На 2 запишани купувачи веќе не им следува ваучер" in again
    head, first, *_ = listed.splitlines()
    assert head.startswith("купувач  запишан износ  според податоците")
    assert re.search(
        r"1 +1\.500,50 +1\.500,50  да +од податоците +чека одлука +\d\d\.\d\d\.\d{4} \d\d:\d\d  2026 +1\.500,50$",
        first,
    )
    assert re.search(
        r"^ +3 +1\.234\.567,80 +950,00  не +испратен од програма +чека одлука", listed, re.MULTILINE
    )
    english = smetka("bonus", "list", "--year", 2026)[1]
    assert re.search(
        r"^ +3 +1234567\.80 +950\.00  no +api +pending  [0-9T:-]{19}Z  2026 +950\.00$", english, re.MULTILINE
    )


@pytest.mark.usefixtures("mongodb")
def test_a_campaign_is_said_in_macedonian_from_the_plan_to_the_figures(in_macedonian, smetka):
    assert in_macedonian("campaign", "list") == "Сѐ уште нема кампањи.\n"
    assert "Кампањата year-end е направена.\n" in in_macedonian("campaign", "create", "year-end", *RULES)
    assert "веќе постои" in in_macedonian("campaign", "create", "year-end", *RULES)
    late = ("--year", "2020", "--voucher-value", "5", "--valid-until", "2021-01-31")
    assert "беше 31.01.2021" in in_macedonian("campaign", "create", "late", *late, names=["late"])
    row = in_macedonian("campaign", "list", names=["late"]).splitlines()[-1]
    assert re.fullmatch(r"year-end +2026 +1\.000,00 ден\. +300,00 ден\. +од .* до 31\.01\.2099 +0", row)

    preview = in_macedonian("campaign", "preview", "year-end")
    assert "! Поради буџетот од 2.100,00 ден. без ваучер останува 1 купувач" in preview
    assert "Им следува ваучер: 4 купувачи (вкупно 2.400,00 ден.)." in preview
    assert re.search(r"^повеќе од +ваучер +купувачи +трошок$", preview, re.MULTILINE)
    assert "Малку им недостига до прагот: 1" in preview
    assert in_macedonian("campaign", "issue", "year-end").startswith(
        "Издадени се 3 нови ваучери (вкупно 2.100,00 ден.).\n"
        "Без ваучер поради границите на кампањата: 1 купувач.\n"
    )
    show = in_macedonian("campaign", "show", "year-end")
    assert re.search(r"^важечки +3  2\.100,00$", show, re.MULTILINE)
    assert re.search(r"^сите +3  2\.100,00$", show, re.MULTILINE)


@pytest.mark.usefixtures("campaign")
def test_what_programs_read_stays_english(smetka, monkeypatch):
    monkeypatch.setenv("SMETKA_LANGUAGE", "mk")

    found = json.loads(smetka("campaign", "preview", "year-end", "--json")[1])

    assert found["warnings"][0].startswith("Not everyone is reached by the budget of 2,100.00 MKD")
    assert re.search(r"[а-ш]", smetka("bonus", "collect", "--year", "2026", "--json")[1]) is None


def test_a_voucher_is_said_in_macedonian(in_macedonian, smetka, code):
    assert in_macedonian("voucher", "reserve", code, names=[code]).startswith(f"{code} е резервиран: ")
    assert in_macedonian("voucher", "reverse", code, "--reason", "утка", names=[code]).startswith(
        f"{code} е важечки: "
    )
    assert in_macedonian("voucher", "redeem", code, names=[code]) == (
        f"{code} е искористен: 300,00 ден., купувач 1.\n"
    )
    assert "искористена вредност" in (show := in_macedonian("campaign", "show", "year-end"))
    assert re.search(r"^\d\d\.\d\d\.\d{4} +1 +300,00$", show, re.MULTILINE)
    smetka("voucher", "reverse", code, "--reason", "undone at the cash desk")
    assert "е поништен: " in in_macedonian("voucher", "void", code, "--reason", "грешка", names=[code])

    shown = in_macedonian("voucher", "show", code, names=[code]).splitlines()
    assert shown[:2] == [f"{code}: поништен, 300,00 ден.", "Купувач 1, кампања year-end"]
    assert re.fullmatch(r"Важи од \d\d\.\d\d\.\d{4} до 31\.01\.2099 \(Europe/Skopje\)", shown[2])
    done = "издаден резервиран вратен искористен вратен поништен"
    assert [line.split()[2] for line in shown[3:]] == done.split()
    assert shown[-1].endswith("поништен    некој на терминалот на серверот  грешка")
    assert "вратено на каса" in shown[-2]


def test_a_voucher_in_english_is_as_ever(smetka, code):
    smetka("voucher", "redeem", code, "--reference", "order 7")

    lines = smetka("voucher", "show", code)[1].splitlines()

    assert lines[:2] == [f"{code}: redeemed, 300.00 MKD", "Customer 1, campaign year-end"]
    assert re.fullmatch(r"Valid from \d{4}-\d\d-\d\d to 2099-01-31 \(Europe/Skopje\)", lines[2])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  issue", lines[3])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  redeem  terminal  order 7", lines[4])


@pytest.mark.usefixtures("mongodb")
def test_messages_are_said_in_macedonian(in_macedonian, smetka, storage):
    outbox = Outbox(storage, now=now)
    assert in_macedonian("deliveries", "list") == "Во редицата сѐ уште нема пораки.\n"
    assert "„задржана“" in in_macedonian("deliveries", "list", "--state", "held")
    assert smetka("deliveries", "list", "--state", "held")[2] == "No message is held.\n"
    (first,) = outbox.queue("one", "shop", {"year": 2025}, [MANAGER])
    (second,) = outbox.queue("two", "bonus", {"year": 2025}, [GROUP])
    outbox.cancel(first)

    head, *rows = in_macedonian("deliveries", "list", names=[first, second, "id"]).splitlines()

    assert head.split("  ")[0].strip() == "id"
    assert "состојба" in head
    assert any("годишен бонус" in row and "чека испраќање" in row for row in rows)
    assert any(row.endswith("  Откажана рачно.") for row in rows)
    english = smetka("deliveries", "list")[1].splitlines()
    assert english[0].split() == ["id", "kind", "chat", "state", "queued_at", "reason"]
    assert any("cancelled" in line and line.endswith("Z  Cancelled by hand.") for line in english)


@pytest.mark.usefixtures("mongodb")
def test_chats_are_said_in_macedonian(in_macedonian, smetka, storage, telegram):
    chats = Chats(storage, now=now)
    chats.pause(GROUP, "Forbidden: bot was kicked from the group chat")
    titles = [chat["title"] for chat in json.loads(smetka("telegram", "chats", "--json")[1]) if chat["title"]]

    text = in_macedonian("telegram", "chats", names=[*titles, "https://t.me/smetka_standin_bot", "Start"])

    assert text.splitlines()[0].split("  ")[0] == "разговор"
    assert "Ботот е изваден од групата." in text
    assert "Telegram не знае за ваков разговор." in text
    assert re.search(rf"^{MANAGER} +приватен +раководител +да +македонски +\w", text, re.MULTILINE)
    assert "title, or what is wrong" in smetka("telegram", "chats")[1]


@pytest.mark.usefixtures("mongodb")
def test_schedules_are_said_in_macedonian(in_macedonian, smetka):
    assert in_macedonian("schedule", "list").endswith(" уште нема распоред.\n")
    for name, cron, year in (("рано", "0 9 * * 1", "all"), ("доцна", "0 21 1 1 *", "previous")):
        added = smetka("schedule", "add", "averages", "--cron", cron, "--name", name, "--year", year)
        assert added[1].startswith(f"Schedule {name}: averages, next on ")
    added = in_macedonian("schedule", "add", "shop", "--cron", "0 9 * * 1", "--name", "пак")
    assert re.search(
        r"^Распоред пак: продавницата, следно испраќање: пон\. .* 09:00 \(Europe/Skopje\)\.\n"
        r"Потоа: пон\. .* 09:00, пон\. .* 09:00\.\n$",
        added,
    )
    smetka("schedule", "remove", "пак")

    head, *rows = in_macedonian("schedule", "list").splitlines()

    assert head.split() == ["име", "вид", "кога", "година", "разговори", "следно"]
    monday = re.compile(r"сите години +сите +пон\. \d\d\.\d\d\.\d{4} 09:00 \(Europe/Skopje\)$")
    assert any(map(monday.search, rows))
    assert any("просечна потрошувачка по возраст" in row and "претходната година" in row for row in rows)
    english = smetka("schedule", "list")[1]
    assert re.search(
        r"averages  0 9 \* \* 1 +all +all +Mon \d{4}-\d\d-\d\d 09:00 \(Europe/Skopje\)$",
        english,
        re.MULTILINE,
    )


EXPLAINED = {
    Refused(400, "Bad Request: x", migrate_to_chat_id=-100): (
        "the group became a supergroup: use -100 in SMETKA_TELEGRAM_CHAT_IDS.",
        "групата стана супергрупа: во SMETKA_TELEGRAM_CHAT_IDS наведете -100.",
    ),
    Refused(403, "Forbidden: bot can't initiate conversation with a user"): (
        "the person has not started the bot yet: open https://t.me/shop_bot and press Start.",
        "лицето сѐ уште не го стартувало ботот: нека отвори https://t.me/shop_bot и нека притисне Start.",
    ),
    Refused(403, "Forbidden: bot was blocked by the user"): (
        "the person blocked the bot; it has to be unblocked in Telegram.",
        "лицето го блокирало ботот; треба да го одблокира во Telegram.",
    ),
    Refused(403, "Forbidden: bot was kicked from the group chat"): (
        "the bot is not in that group any more; add it again.",
        "ботот веќе не е во таа група; додајте го повторно.",
    ),
    Refused(429, "Too Many Requests", retry_after=7): (
        "Telegram asks to wait 7 s; try again then.",
        "Telegram бара да се почека 7 s; потоа обидете се повторно.",
    ),
    Refused(400, "Something {new}"): (
        "Telegram refused: Something {new} (400).",
        "Telegram одби: Something {new} (400).",
    ),
    Unreachable("no connection", outcome_unknown=False): (
        "Telegram cannot be reached: no connection.",
        "Telegram е недостапен: нема врска.",
    ),
}


@pytest.mark.parametrize("error", EXPLAINED, ids=str)
def test_what_is_wrong_with_a_chat_is_said_in_either_language(error):
    account = {"username": "shop_bot"}

    assert (explain(error, account, ENGLISH), explain(error, account, MACEDONIAN)) == EXPLAINED[error]


WRITTEN = {
    "": "",
    "{0} of a person's own %(words)s": "{0} of a person's own %(words)s",
    "Given up after 3 attempts: Telegram cannot be reached: no answer in time.": (
        "Откажано по 3 обиди: Telegram е недостапен: нема одговор навреме."
    ),
    "The chat is paused: The bot was blocked.": "Разговорот е паузиран: Ботот е блокиран.",
}


@pytest.mark.parametrize("text", WRITTEN)
def test_what_was_written_down_is_said_where_the_catalogue_has_it(text):
    assert (told(text, ENGLISH), told(text, MACEDONIAN)) == (text, WRITTEN[text])
