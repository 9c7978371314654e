"""Whoever decides about a figure decides about the one he saw: another one by now is 409, and nothing is changed."""

from __future__ import annotations

import io
import json
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from unittest.mock import Mock

import pytest
from pymongo.collection import Collection

from smetka.bonus import issuing
from smetka.bonus.campaigns import Campaigns
from smetka.bonus.collection import Collected, _Run
from smetka.bonus.issuing import Confirmed, Issuing
from smetka.bonus.records import BonusCustomers
from smetka.bonus.redemptions import Order
from smetka.bonus.stored import Seen
from smetka.core.errors import BonusStoreUnavailable, Changed
from smetka.core.money import Money
from smetka.ledger.spending import Spent
from smetka.storage.batches import insert_new
from smetka.storage.values import milliseconds
from tests.fixtures.web import YEAR_END
from tests.web.browsing import Browser, form, notes, table

SEEN, OTHER = Money(2000_00), Money(990_000_00)
TERMS = {"threshold": Money(1000_00), "ledger_total": Money(1500_00)}
CUSTOMERS = tuple((n, f"Купувач {n}", f"{n}@example.com", 30) for n in range(1, 5))
PAYMENTS = ((1, 1500, 2026), (2, 3000, 2026), (3, 2000, 2026))
ONE, CAMPAIGN = "/api/v1/bonus-customers/2026/1", "/api/v1/campaigns/year-end"
LIST, PREVIEW = "/bonus/customers?year=2026", "/bonus/campaigns/year-end/preview"
DECISIONS = [("POST", f"{ONE}/approve"), ("POST", f"{ONE}/reject"), ("DELETE", ONE)]
pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS)


def store(shop, total):
    assert shop.post({"user_id": 1, "total_spending": total, "year": 2026}).status_code in {200, 201}


def decide(shop, method, path, **seen):
    if method == "DELETE":
        return shop.request(method, path, query_string=seen)
    return shop.post(seen, path=path)


def audited(shop):
    """What the audit says was decided on, the oldest first."""
    return [
        (each.action, each.amount and str(each.amount)) for each in reversed(shop.services.audit.page(99))
    ]


# --- stored customers ------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), DECISIONS)
def test_a_total_that_nobody_saw_is_not_decided_on(shop, assert_problem, method, path):
    store(shop, 2000)
    store(shop, 990000)
    before = shop.get(ONE).json

    problem = assert_problem(decide(shop, method, path, total_spending=2000), 409, "changed")

    assert {name: problem[name] for name in ("total_spending", "basis_period", "ledger_total", "review")} == {
        "total_spending": 990000,
        "basis_period": "2026",
        "ledger_total": 1500,
        "review": "pending",
    }
    assert "990000.00" in problem["detail"]
    assert shop.get(ONE).json == before
    assert audited(shop) == []
    assert decide(shop, method, path, total_spending=990000).status_code == 200
    assert [amount for _, amount in audited(shop)] == ["990000.00"]


@pytest.mark.parametrize(("method", "path"), DECISIONS)
def test_a_request_that_says_nothing_of_figures_goes_on_working(shop, method, path):
    store(shop, 2000)

    assert shop.request(method, path).status_code == 200
    assert [amount for _, amount in audited(shop)] == ["2000.00"], "the audit keeps what it was about"


@pytest.mark.parametrize(
    "seen",
    [{"basis_period": "all"}, {"ledger_total": -1}, {"ledger_year_total": 1500.01}, {"total_spending": 0}],
)
def test_every_figure_that_was_seen_is_compared(shop, assert_problem, seen):
    store(shop, 2000)

    for method, path in DECISIONS:
        assert_problem(decide(shop, method, path, **seen), 409, "changed")


@pytest.mark.parametrize(
    ("seen", "pointer"),
    [
        ({"total_spending": "2000"}, "/total_spending"),
        ({"total_spending": 0.001}, "/total_spending"),
        ({"basis_period": "2026 "}, "/basis_period"),
        ({"ledger_total": None}, "/ledger_total"),
        ({"total": 2000}, "/total"),
    ],
)
def test_figures_that_are_none_are_refused(shop, assert_problem, seen, pointer):
    store(shop, 2000)

    problem = assert_problem(shop.post(seen, path=f"{ONE}/approve"), 422, "invalid-value")
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert shop.get(ONE).json["review"] == "pending"


@pytest.mark.parametrize("decision", ["rejected", "approved"])
@pytest.mark.parametrize("question", range(1, 5))
def test_a_decision_between_the_questions_of_a_post_is_not_undone(
    storage, clock, monkeypatch, decision, question
):
    """A post is several questions to MongoDB, and somebody may decide before any of them."""
    customers, asked = BonusCustomers(storage, clock), []
    customers.store(1, 2026, SEEN, **TERMS)
    customers.decide(2026, 1, "approved")
    ask = Collection.update_one

    def decide_before(collection, *args, **options):
        if collection.name == "bonus_customers":
            asked.append(None)
        if len(asked) == question and collection.name == "bonus_customers":
            if decision == "approved":
                customers.store(1, 2026, OTHER, **TERMS)
            customers.decide(2026, 1, decision)
        return ask(collection, *args, **options)

    monkeypatch.setattr(Collection, "update_one", decide_before)
    BonusCustomers(storage, clock).store(1, 2026, OTHER, **TERMS)

    assert len(asked) > question
    assert (customers.get(2026, 1).review, customers.get(2026, 1).total) == (decision, OTHER)


def test_a_decision_while_collecting_is_not_undone(storage, clock, monkeypatch):
    """Also one within the very millisecond of what was collected before."""
    customers, change = BonusCustomers(storage, clock), _Run._change
    customers.store(1, 2026, SEEN, **TERMS)
    run = _Run(
        storage, 2026, TERMS["threshold"], milliseconds(clock()), Spent([(1, 30, 0, 3000_00)]), Collected()
    )

    def decide_first(*args, **options):
        customers.decide(2026, 1, "rejected")
        return change(*args, **options)

    monkeypatch.setattr(_Run, "_change", decide_first)
    run.see_to([(1, Money(3000_00))], 1, 9)

    assert customers.get(2026, 1).review == "rejected"


@pytest.mark.parametrize("decision", ["approved", "rejected", "removed"])
@pytest.mark.parametrize("seen", [Seen(total=SEEN), Seen()])
def test_a_total_that_is_posted_between_look_and_decision_is_looked_at_anew(storage, clock, decision, seen):
    """Whoever said what he saw is told; whoever did not decides about the total that the audit has."""
    customers, noted = BonusCustomers(storage, clock), []
    customers.store(1, 2026, SEEN, **TERMS)

    def post_another(record):
        noted.append(record.total)
        if record.total == SEEN:
            customers.store(1, 2026, OTHER, **TERMS)

    if seen.total:
        with pytest.raises(Changed):
            customers.decide(2026, 1, decision, seen=seen, about_to=post_another)
        assert (customers.get(2026, 1).total, customers.get(2026, 1).review) == (OTHER, "pending")
    else:
        customers.decide(2026, 1, decision, seen=seen, about_to=post_another)
        assert noted == [SEEN, OTHER]


def test_a_record_of_an_earlier_version_can_be_decided_on(storage, clock):
    customers = BonusCustomers(storage, clock)
    customers.store(1, 2026, SEEN, **TERMS)
    gone = {"$unset": {"basis_period": "", "ledger_year_total": ""}}
    storage.collection("bonus_customers").update_one({}, gone)
    record = customers.get(2026, 1)
    assert (record.basis_period, record.year_total) == (None, None)

    assert customers.decide(2026, 1, "approved", seen=Seen.of(record)).review == "approved"
    assert customers.decide(2026, 1, "removed", seen=Seen.of(record)).total == SEEN
    assert storage.collection("bonus_customers").count_documents({}) == 0


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_of_posts_and_decisions_at_once_none_decides_on_another_total(shop, decision):
    """Real requests at once: what stands decided stands with the total that was seen."""
    for round_ in range(6):
        store(shop, 2000)
        shop.services.storage.collection("bonus_customers").update_one({}, {"$set": {"review": "pending"}})
        work = [
            lambda n=n: shop.post({"user_id": 1, "total_spending": 5000 + n, "year": 2026}) for n in range(6)
        ]
        work += [lambda: shop.post({"total_spending": 2000}, path=f"{ONE}/{decision}")] * 6
        random.Random(round_).shuffle(work)
        with ThreadPoolExecutor(len(work)) as pool:
            replies = [each.result() for each in [pool.submit(one) for one in work]]

        assert {reply.status_code for reply in replies} <= {200, 409}
    assert {amount for _, amount in audited(shop)} <= {"2000.00"}
    if decision == "approve":  # a rejection stands, whatever is posted later
        record = shop.services.bonus_customers.get(2026, 1)
        assert record.review != "approved" or record.total == SEEN


def test_of_posts_and_removals_at_once_no_other_total_is_removed(shop):
    for _ in range(6):
        store(shop, 2000)
        work = [lambda: shop.post({"user_id": 1, "total_spending": 5000, "year": 2026})] * 4
        work += [lambda: decide(shop, "DELETE", ONE, total_spending=2000)] * 4
        with ThreadPoolExecutor(len(work)) as pool:
            replies = [each.result().status_code for each in [pool.submit(one) for one in work]]

        assert set(replies) <= {200, 201, 404, 409}
        assert shop.get(ONE).json["total_spending"] == 5000, "what was posted is still there"


# --- the page --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "the figures are no longer what you saw"), ("mk", "бројките веќе не се оние што ги видовте")],
)
@pytest.mark.parametrize("decision", ["approved", "rejected", "removed"])
def test_a_button_decides_on_what_stands_beside_it(shop, language, words, decision):
    browser = Browser(shop, language=language)
    store(shop, 2000)
    page = browser.get(LIST)
    store(shop, 990000)

    reply = browser.send("/bonus/decide", page, decision=decision)

    assert reply.status_code == 409
    assert words in notes(reply)[0]
    seen, now = ("2.000,00", "990.000,00") if language == "mk" else ("2,000.00", "990,000.00")
    [total, _ledger] = table(reply)
    assert (seen in total[1], now in total[2]) == (True, True)
    assert (shop.get(ONE).json["review"], audited(shop)) == ("pending", [])
    assert browser.send("/bonus/decide", reply, decision=decision).status_code == 303, "decided anew, there"
    assert [amount for _, amount in audited(shop)] == ["990000.00"]


def store_as_earlier(shop):
    """An earlier version's record says neither what its total is of nor what the ledger says of the year."""
    store(shop, 2000)
    shop.services.storage.collection("bonus_customers").update_one(
        {"user_id": 1}, {"$unset": {"basis_period": "", "ledger_year_total": ""}}
    )


AGAIN = pytest.mark.parametrize("again", [{"year": 2026}, {}], ids=["of the year", "of all years"])
NOT_KNOWN = ({"basis_period": None}, {"ledger_year_total": None})


@AGAIN
@pytest.mark.parametrize("seen", NOT_KNOWN, ids=str)
def test_what_was_not_known_can_be_said_and_is_compared(shop, assert_problem, again, seen):
    in_query = dict.fromkeys(seen, "")
    for method, path in DECISIONS:
        store_as_earlier(shop)
        assert decide(shop, method, path, **(in_query if method == "DELETE" else seen)).status_code == 200
    store_as_earlier(shop)
    shop.post({"user_id": 1, "total_spending": 2000, **again})
    for method, path in DECISIONS:
        reply = decide(shop, method, path, **(in_query if method == "DELETE" else seen))
        assert_problem(reply, 409, "changed")


def test_what_a_record_says_can_be_sent_back(shop):
    store_as_earlier(shop)
    names = ("total_spending", "basis_period", "ledger_total", "ledger_year_total")
    found = shop.get(ONE).json

    assert decide(shop, "POST", f"{ONE}/approve", **{name: found[name] for name in names}).status_code == 200


@AGAIN
@pytest.mark.parametrize("decision", ["approve", "reject", "remove"])
def test_a_command_that_showed_what_was_not_known_decides_on_nothing_that_is_known_by_now(
    shop, smetka, terminal, decision, again
):
    store_as_earlier(shop)
    terminal(True, lambda: shop.post({"user_id": 1, "total_spending": 2000, **again}))

    assert smetka("bonus", decision, "1", "--year", "2026")[0] == 1
    assert shop.get(ONE).json["review"] == "pending"
    terminal(True)
    assert smetka("bonus", decision, "1", "--year", "2026")[0] == 0


@AGAIN
@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_a_button_beside_what_was_not_known_decides_on_nothing_that_is_known_by_now(shop, decision, again):
    store_as_earlier(shop)
    browser = Browser(shop)
    page = browser.get(LIST)
    shop.post({"user_id": 1, "total_spending": 2000, **again})
    reply = browser.send("/bonus/decide", page, decision=decision)

    assert reply.status_code == 409
    assert shop.get(ONE).json["review"] == "pending"
    assert browser.send("/bonus/decide", reply, decision=decision).status_code == 303, "decided anew, there"


def test_a_button_beside_what_is_not_known_decides(shop):
    store_as_earlier(shop)
    browser = Browser(shop)
    assert browser.send("/bonus/decide", browser.get(LIST), decision="approved").status_code == 303
    assert shop.get(ONE).json["review"] == "approved"


def test_a_form_that_carries_no_figure_decides_nothing(shop):
    """As of a page that was opened before an upgrade."""
    browser = Browser(shop)
    store(shop, 2000)
    fields = {"year": "2026", "user_id": "1", "decision": "approved"}

    assert browser.post("/bonus/decide", fields, LIST).status_code == 422
    assert shop.get(ONE).json["review"] == "pending"


# --- issuing ---------------------------------------------------------------------------------


@pytest.fixture
def campaign(shop):
    assert shop.post(YEAR_END, path="/api/v1/campaigns").status_code == 201
    return shop


def one_more(shop):
    """Another who is due, since somebody looked: 4 spent nothing, by the ledger."""
    assert shop.post({"user_id": 4, "total_spending": 7000, "year": 2026}).status_code == 201
    assert shop.request("POST", "/api/v1/bonus-customers/2026/4/approve").status_code == 200


def figures(shop):
    found = shop.get(f"{CAMPAIGN}/preview").json
    return {name: found[name] for name in ("customers_reached", "cost_within_budget")}


def test_what_is_issued_is_what_the_preview_said(campaign, assert_problem):
    seen = figures(campaign)
    one_more(campaign)

    problem = assert_problem(campaign.post(seen, path=f"{CAMPAIGN}/issue"), 409, "changed")

    assert (problem["customers_reached"], problem["cost_within_budget"]) == (4, 2000)
    assert campaign.count("vouchers") == campaign.count("issues") == 0
    assert campaign.get(CAMPAIGN).json["issues"] == 0
    assert campaign.post(figures(campaign), path=f"{CAMPAIGN}/issue").json["vouchers_issued"] == 4
    issued = [each for each in campaign.services.audit.page(9) if each.action == "issue"]
    assert {(str(each.amount), each.subject["customers"]) for each in issued} == {
        ("2000.00", 4),
        ("1500.00", 3),
    }


def test_a_cost_beyond_any_single_amount_can_be_confirmed(shop, assert_problem):
    """Each of three vouchers is worth the largest amount that there is."""
    assert shop.post({**YEAR_END, "voucher_value": 10**12}, path="/api/v1/campaigns").status_code == 201
    seen = figures(shop)
    assert seen == {"customers_reached": 3, "cost_within_budget": 3 * 10**12}

    assert_problem(shop.post({"cost_within_budget": 10**13}, path=f"{CAMPAIGN}/issue"), 409, "changed")
    assert shop.post(seen, path=f"{CAMPAIGN}/issue").json["vouchers_issued"] == 3


def test_a_confirmed_issue_can_be_repeated_and_one_without_figures_too(campaign):
    seen = figures(campaign)

    issued = [campaign.post(seen, path=f"{CAMPAIGN}/issue").json["vouchers_issued"] for _ in range(2)]
    assert issued == [3, 0]
    one_more(campaign)
    assert campaign.request("POST", f"{CAMPAIGN}/issue").json["vouchers_issued"] == 1


@pytest.mark.parametrize(
    "seen", [Confirmed(customers_reached=2), Confirmed(cost_within_budget=Money(1499_99))]
)
def test_each_figure_of_an_issue_is_compared(campaign, clock, seen):
    services = campaign.services

    with pytest.raises(Changed):
        Issuing(services.ledger, services.storage, now=clock).issue("year-end", "test", confirmed=seen)
    assert campaign.count("vouchers") == 0


@pytest.fixture
def begun(campaign, monkeypatch):
    """A list of three whose run was killed when one of its vouchers was written."""

    def killed(storage, name, records, **options):
        insert_new(storage, name, records[:1], **options)
        raise BonusStoreUnavailable("killed")

    with monkeypatch.context() as patched:
        patched.setattr(issuing, "insert_new", killed)
        assert campaign.post(figures(campaign), path=f"{CAMPAIGN}/issue").status_code == 503
    assert (campaign.count("vouchers"), campaign.get(CAMPAIGN).json["is_issuing"]) == (1, True)
    return campaign


def test_a_list_that_was_begun_counts_in_the_preview(begun):
    one_more(begun)
    found = begun.get(f"{CAMPAIGN}/preview").json

    assert (found["already_issued"], found["begun"]) == (
        {"customers": 1, "cost": 500},
        {"customers": 2, "cost": 1000},
    )
    assert "2 vouchers of its list, for 1,000.00 MKD, are not written yet" in found["warnings"][0]
    assert begun.post(figures(begun), path=f"{CAMPAIGN}/issue").json["vouchers_issued"] == 4
    assert figures(begun) == {"customers_reached": 4, "cost_within_budget": 2000}
    assert (begun.count("vouchers"), begun.get(f"{CAMPAIGN}/preview").json["begun"]["customers"]) == (4, 0)


def test_a_list_that_was_begun_is_no_budget_for_others(shop, monkeypatch):
    """Who was rejected since stands in it all the same, and the budget is for two."""
    assert shop.post({**YEAR_END, "budget": 1000}, path="/api/v1/campaigns").status_code == 201
    with monkeypatch.context() as patched:
        patched.setattr(issuing, "insert_new", Mock(side_effect=BonusStoreUnavailable("killed")))
        shop.request("POST", f"{CAMPAIGN}/issue")
    one_more(shop)

    assert figures(shop) == {"customers_reached": 2, "cost_within_budget": 1000}


def test_a_list_that_was_begun_waits_for_whoever_sees_it(begun, assert_problem):
    """Other figures finish nothing of it, and it is not lost."""
    for unseen in ({"customers_reached": 1}, {"cost_within_budget": 500}):
        problem = assert_problem(begun.post(unseen, path=f"{CAMPAIGN}/issue"), 409, "changed")
        assert (problem["customers_reached"], problem["cost_within_budget"]) == (3, 1500)
    assert (begun.count("vouchers"), begun.get(CAMPAIGN).json["is_issuing"]) == (1, True)

    assert begun.post(figures(begun), path=f"{CAMPAIGN}/issue").json["vouchers_issued"] == 3
    assert (begun.count("vouchers"), begun.get(CAMPAIGN).json["is_issuing"]) == (3, False)


def test_whoever_says_no_figures_finishes_what_was_begun(begun):
    assert begun.request("POST", f"{CAMPAIGN}/issue").json["vouchers_issued"] == 3
    assert begun.count("vouchers") == 3


@pytest.mark.parametrize("is_killed", [True, False])
def test_a_list_that_another_run_began_meanwhile_is_compared_too(
    campaign, clock, monkeypatch, assert_problem, is_killed
):
    """Both made theirs from what they saw; the faster one's is another than was confirmed."""
    seen, begin, services = figures(campaign), Campaigns.begin, campaign.services

    def slower(campaigns, found, issue):
        monkeypatch.setattr(Campaigns, "begin", begin)
        one_more(campaign)
        other = Issuing(services.ledger, services.storage, now=clock)
        with monkeypatch.context() as patched, suppress(BonusStoreUnavailable):
            if is_killed:
                patched.setattr(issuing, "insert_new", Mock(side_effect=BonusStoreUnavailable("killed")))
            other.issue("year-end", "other")
        return begin(campaigns, found, issue)

    monkeypatch.setattr(Campaigns, "begin", slower)

    problem = assert_problem(campaign.post(seen, path=f"{CAMPAIGN}/issue"), 409, "changed")
    assert problem["customers_reached"] == 4
    assert (campaign.count("vouchers"), campaign.count("issues")) == (0 if is_killed else 4, 1)


def test_of_issues_and_approvals_at_once_none_issues_what_was_not_seen(campaign):
    seen = figures(campaign)
    work = [lambda: campaign.post(seen, path=f"{CAMPAIGN}/issue")] * 6 + [lambda: one_more(campaign)]
    random.Random(1).shuffle(work)
    with ThreadPoolExecutor(len(work)) as pool:
        replies = [each.result() for each in [pool.submit(one) for one in work]]

    assert {reply.status_code for reply in replies if reply} <= {200, 409}
    assert campaign.count("vouchers") in {0, 3}


@pytest.mark.parametrize(("language", "words"), [("en", "Nothing was issued"), ("mk", "Ништо не е издадено")])
def test_the_page_issues_what_it_showed(campaign, language, words):
    browser = Browser(campaign, language=language)
    page = browser.get(PREVIEW)
    one_more(campaign)

    reply = browser.send("/bonus/campaigns/year-end/issue", page)

    assert reply.status_code == 409
    assert words in notes(reply)[0]
    assert campaign.count("vouchers") == 0
    assert form(reply, "/bonus/campaigns/year-end/issue")["customers_reached"] == "4"
    assert browser.post("/bonus/campaigns/year-end/issue", {}, PREVIEW).status_code == 422


# --- vouchers --------------------------------------------------------------------------------


@pytest.fixture
def code(campaign):
    campaign.request("POST", f"{CAMPAIGN}/issue")
    return campaign.get(f"{CAMPAIGN}/vouchers").json["items"][0]["code"]


@pytest.mark.parametrize(("action", "body"), [("reverse", {}), ("void", {"reason": "sent back"})])
def test_a_voucher_that_was_changed_since_it_was_seen_is_left_alone(shop, code, assert_problem, action, body):
    address = f"/api/v1/vouchers/{code}"
    shop.post({"reference": "order 7"}, path=f"{address}/reserve")
    seen = shop.get(address).json["revision"]
    shop.post({"reference": "order 7", "minutes": 60}, path=f"{address}/reserve")

    problem = assert_problem(shop.post(body | {"revision": seen}, path=f"{address}/{action}"), 409, "changed")

    assert (problem["state"], problem["revision"]) == ("reserved", 2)
    assert shop.get(address).json["status"] == "reserved"
    assert shop.post(body | {"revision": 2}, path=f"{address}/{action}").status_code == 200
    assert "500.00" in [amount for _, amount in audited(shop)]


def test_the_desk_undoes_the_redemption_that_it_shows(shop, code):
    browser = Browser(shop)
    done = browser.send("/desk/redeem", browser.post("/desk", {"code": code}, "/desk"))
    by = "anybody"
    shop.services.redemptions.carry_out(code, Order("reverse", by))
    shop.services.redemptions.carry_out(code, Order("redeem", by, reference="another customer's"))

    assert browser.send("/desk/undo", done).status_code == 409
    assert shop.get(f"/api/v1/vouchers/{code}").json["status"] == "redeemed"


# --- the commands ----------------------------------------------------------------------------


@pytest.fixture
def terminal(shop, monkeypatch):
    """The shop's commands, whose user sits at a terminal and answers as told."""
    monkeypatch.setenv("SMETKA_LEDGER", str(shop.settings.ledger))
    monkeypatch.setenv("SMETKA_MONGODB_URI", shop.settings.mongodb_uri.get_secret_value())

    def sit_down(says, does=lambda: None):
        class Person(io.StringIO):
            def isatty(self):
                return True

            def readline(self, *_):
                does()
                return "y\n" if says else "n\n"

        monkeypatch.setattr("sys.stdin", Person())

    return sit_down


def test_a_command_shows_the_figure_and_decides_on_that(shop, smetka, terminal):
    store(shop, 2000)
    terminal(True, lambda: store(shop, 990000))
    approve = ("bonus", "approve", "1", "--year", "2026")

    status, _, said = smetka(*approve)
    assert (status, "stored total 2,000.00 MKD" in said, "990000.00" in said) == (1, True, True)
    assert shop.get(ONE).json["review"] == "pending"
    terminal(False)
    assert smetka(*approve)[0] == 1
    assert smetka(*approve, "--total-spending", "2000")[0] == 1
    assert shop.get(ONE).json["review"] == "pending"
    assert smetka(*approve, "--total-spending", "990000")[0] == 0
    assert shop.get(ONE).json["review"] == "approved"


def test_a_command_issues_what_it_showed(campaign, smetka, terminal):
    terminal(True, lambda: one_more(campaign))

    assert smetka("campaign", "issue", "year-end")[0] == 1
    assert smetka("campaign", "issue", "year-end", "--customers-reached", "3")[0] == 1
    assert campaign.count("vouchers") == 0
    terminal(True)
    assert json.loads(smetka("campaign", "issue", "year-end", "--json")[1])["vouchers_issued"] == 4


def test_a_command_takes_back_what_it_showed(shop, code, smetka, terminal):
    redemptions = shop.services.redemptions
    redemptions.carry_out(code, Order("redeem", "a till", reference="order 7"))

    def another():
        redemptions.carry_out(code, Order("reverse", "a manager"))
        redemptions.carry_out(code, Order("redeem", "a till", reference="order 8"))

    terminal(True, another)
    status, _, said = smetka("voucher", "reverse", code)
    assert (status, "order 7" in said) == (1, True)
    assert smetka("voucher", "reverse", code, "--revision", "1")[0] == 1
    assert shop.get(f"/api/v1/vouchers/{code}").json["status"] == "redeemed"
    assert smetka("voucher", "reverse", code, "--revision", "3")[0] == 0
