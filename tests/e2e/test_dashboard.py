"""The owner's year-end in a real browser: both languages, phone and desktop, light and dark, no scripts."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from smetka.keys import create_key
from tests.e2e.torture import brief_or_long
from tests.fixtures.ledger import write_ledger
from tests.fixtures.product import make_shop_in

AXE = (Path(__file__).parent.parent / "vendor" / "axe-core" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
NASTY = "<script>alert(1)</script>{{ 7 * 7 }}\"' =1+1"
CUT = """[...document.querySelectorAll(".table")].filter(
    table => table.querySelector("td.number") && table.scrollWidth > table.clientWidth
).map(table => table.innerText.slice(0, 60))"""

FLOATING = "document.querySelector('body > footer').getBoundingClientRect().bottom < innerHeight - 1"

CUSTOMERS = [
    (n, NASTY if n == 7 else f"Купувач {n}", f"{'=cmd' if n == 7 else 'c'}{n}@example.com", 17 + n % 50)
    for n in range(1, 201)
]
PAYMENTS = [(n, round(20.05 * n, 2), 2026 - n % 2) for n in range(1, 181)] + [
    (3, "abc", 2026),
    (999, 5, 2026),
]
VISITS = [
    pytest.param("en", "desktop", "light", True, id="en-desktop-light"),
    pytest.param("mk", "phone", "dark", True, id="mk-phone-dark"),
    pytest.param("mk", "desktop", "dark", False, id="mk-desktop-no-scripts"),
    pytest.param("en", "phone", "light", False, id="en-phone-no-scripts"),
]


def looks(size, scheme, *, scripts=True):
    """How a browser is: options of `new_page`."""
    return {
        "viewport": SIZES[size],
        "color_scheme": scheme,
        "java_script_enabled": scripts,
        "locale": "de-DE",
    }


def axe(page):
    """What the accessibility engine finds wrong with the page."""
    page.evaluate(AXE)
    # What it finds right is half of its work, and looked at by nobody.
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", [*RULES]
    )
    return [
        (each["id"], node["target"], node.get("failureSummary", "")[:200])
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.fixture(scope="module")
def module_shop(tmp_path_factory, prepared_home):
    """A running shop whose owner has a key."""
    folder = tmp_path_factory.mktemp("year-end")
    ledger = write_ledger(folder / "year-end.db", CUSTOMERS, PAYMENTS)
    shop = make_shop_in(folder, prepared_home, ledger=ledger, SMETKA_BONUS_THRESHOLD="2000")
    shop.key = create_key(shop.data_dir / "keys.json", "the owner", "owner")
    yield shop.start()
    shop.close()


def ask(shop, path):
    reply = shop.get(path, headers={"Authorization": f"Bearer {shop.key}"})
    return json.loads(reply.text, parse_float=Decimal)


def due(year, threshold):
    totals = {}
    for user_id, amount, of in PAYMENTS:
        if of == year and isinstance(amount, float | int) and user_id <= 200:
            totals[user_id] = totals.get(user_id, 0) + Decimal(str(amount))
    return {user_id for user_id, total in totals.items() if total > threshold}


def sign_in(page, shop, path="/"):
    page.goto(shop.url + path)
    assert urlsplit(page.url).path == "/sign-in"
    page.fill("#key", shop.key)
    page.click("main form button")


def shown(amount, language):
    text = f"{amount:,.2f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "mk" else text


@pytest.mark.parametrize(("language", "size", "scheme", "scripts"), VISITS)
def test_an_owner_sees_decides_and_acts(new_page, shop, language, size, scheme, scripts):
    page, campaign = new_page(**looks(size, scheme, scripts=scripts)), f"new-year-{language}-{size}"
    page.goto(f"{shop.url}/sign-in?lang={language}")
    sign_in(page, shop)
    assert urlsplit(page.url).path == "/"
    assert page.locator("html").get_attribute("lang") == language

    # What does each age group spend?
    average = ask(shop, "/average_spending_by_age?notify=false")["average_spending"]["31-36"]
    row = page.locator("section:has(#ages) tr", has_text="31-36")
    expect(row.locator("td").first).to_have_text(shown(average, language))

    # What does lowering the threshold by 500 cost?
    page.click("nav a[href='/bonus']")
    expect(page.locator("#plan .figure").first).to_have_text(str(len(due(2026, 2000))))
    lower = page.locator("#plan tbody tr", has=page.locator("th", has_text="(−500)"))
    more = len(due(2026, 1500)) - len(due(2026, 2000))
    cost = shown(Decimal(500 * more), language).removesuffix(",00").removesuffix(".00")
    expect(lower.locator("td").last).to_have_text(f"+{cost}")
    page.fill("#threshold", "1.500" if language == "mk" else "1,500")
    if not scripts:
        page.click("form:has(#threshold) button")
    expect(page.locator("#plan .figure").first).to_have_text(str(len(due(2026, 1500))))

    # Who is due, one by one
    page.locator("#plan p a[href^='/bonus/due']").click()
    expect(page.locator("main .lead")).to_contain_text(str(len(due(2026, 1500))))
    page.go_back()

    # A campaign, its preview, its vouchers
    page.fill("#threshold", "1500")
    if not scripts:
        page.click("form:has(#threshold) button")
    expect(page.locator("#plan .figure").first).to_have_text(str(len(due(2026, 1500))))
    page.click("#plan a.button")
    page.fill("#name", campaign)
    page.click("main form button")
    assert urlsplit(page.url).path == f"/bonus/campaigns/{campaign}"
    expect(page.locator(".told")).to_be_visible()
    page.click("main a[href$='/preview']")
    expect(page.locator("main .figure").first).to_have_text(str(len(due(2026, 1500))))
    page.click("main .act button")
    assert urlsplit(page.url).path == f"/bonus/campaigns/{campaign}"
    for _ in range(100):
        if page.locator("section:has(#figures) .figure").count():
            break
        page.wait_for_timeout(100)
        if not scripts:
            page.reload()
    expect(page.locator("section:has(#figures) .figure").first).to_have_text(str(len(due(2026, 1500))))
    code = page.locator("section:has(#vouchers) code").first.inner_text()
    customer = page.locator("section:has(#vouchers) tbody th a").first.inner_text()

    # Why that customer
    page.click(f"section:has(#vouchers) a[href='/customers/{customer}']")
    expect(page.locator("section:has(#bonus) code")).to_have_text(code)

    # At the cash desk, by keyboard only
    page.click("nav a[href='/desk']")
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.type(code.lower().replace("-", " "))
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.good")).to_contain_text(code)
    page.locator("form[action='/desk/redeem'] button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("form[action='/desk/undo'] button")).to_be_visible()
    assert ask(shop, f"/api/v1/vouchers/{code}")["status"] == "redeemed"
    page.click("form[action='/desk/undo'] button")
    assert ask(shop, f"/api/v1/vouchers/{code}")["status"] == "issued"
    page.click("form[action='/desk/redeem'] button")
    page.fill("#code", code)
    page.keyboard.press("Enter")
    expect(page.locator(".verdict:not(.good)")).to_contain_text(code)
    assert ask(shop, f"/api/v1/vouchers/{code}")["status"] == "redeemed"

    # Who did it, and out
    page.goto(f"{shop.url}/settings/audit")
    expect(page.locator("main tbody tr").first).to_contain_text("the owner")
    page.click("header form button")
    assert urlsplit(page.url).path == "/sign-in"
    page.goto(f"{shop.url}/bonus")
    assert urlsplit(page.url).path == "/sign-in"
    assert page.complaints == []


PAGES = (
    "/",
    "/?year=all&basis=customer",
    "/customers",
    "/customers?find=Купувач",
    "/customers/7",
    "/customers/3",
    "/bonus",
    "/bonus?threshold=x&budget=-1",
    "/bonus/due",
    "/bonus/customers",
    "/bonus/customers?year=x",
    "/bonus/new-campaign",
    "/bonus/campaigns/a",
    "/bonus/campaigns/a/preview",
    "/desk",
    "/messages",
    "/import",
    "/settings",
    "/settings/ledger",
    "/settings/audit",
    "/sign-in",
    "/problems",
    "/problems/below-threshold",
    "/customers/123456",
)


# Every page is looked at in both ways and languages, and closely in one of them; `make torture` has the others.
WAYS = (("desktop", "light"), ("phone", "dark"))


@brief_or_long("closely", {"en": WAYS[:1], "mk": WAYS[1:]}, {"en": WAYS[1:], "mk": WAYS[:1]})
@pytest.mark.parametrize("language", ["en", "mk"])
def test_every_page_is_for_everybody(new_page, shop, language, closely):
    valid = ["--valid-until", "2099-01-31", "--threshold", "2000", "--voucher-value", "500", "--year", "2026"]
    assert shop.run("campaign", "create", "a", *valid).returncode == 0
    assert shop.run("campaign", "issue", "a").returncode == 0
    assert shop.run("bonus", "collect", "--year", "2026").returncode == 0
    body = json.dumps({"user_id": 150, "total_spending": 99999, "year": 2026})
    headers = {"Authorization": f"Bearer {shop.key}", "Content-Type": "application/json"}
    code = ask(shop, "/api/v1/campaigns/a/vouchers")["items"][0]["code"]
    page = new_page(**looks("desktop", "light"))
    page.goto(f"{shop.url}/sign-in?lang={language}")
    sign_in(page, shop)
    page.request.post(f"{shop.url}/write_to_mongodb", data=body, headers=headers)
    wrong, wide = {}, []
    for path in PAGES:
        page.goto(shop.url + path)
        for size, scheme in WAYS:
            page.set_viewport_size(SIZES[size])
            page.emulate_media(color_scheme=scheme)
            if (size, scheme) in closely[language]:
                wrong[f"{path} {size}"] = axe(page)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                wide.append(f"{path} {size}")
            if page.evaluate(FLOATING):
                wide.append(f"{path} {size}: the footer is not at the bottom")
            # A figure that is cut at the edge reads as another one.
            wide += [f"{path} {size}: {table}" for table in page.evaluate(CUT)]
        assert "49" not in page.title()
    for typed in (code, "AAAA-AAAA-AAAA", code.replace(code[0], "Z")):
        page.goto(f"{shop.url}/desk")
        page.fill("#code", typed)
        page.keyboard.press("Enter")
        expect(page.locator(".verdict")).to_be_visible()
        for size, scheme in closely[language]:
            page.set_viewport_size(SIZES[size])
            page.emulate_media(color_scheme=scheme)
            wrong[f"/desk {typed} {size}"] = axe(page)
    assert "\n".join(f"{path} {found}" for path, found in wrong.items() if found) == ""
    assert wide == []
    # The browser itself reports answers of 4xx in its console: those were asked for.
    assert [c for c in page.complaints if not re.search(r"status of 4\d\d", c)] == []
    page.goto(f"{shop.url}/customers/7")
    assert NASTY in page.locator("h1").inner_text()
