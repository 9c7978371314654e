"""No record holds a name or an e-mail: not after a whole year-end, with everything that can be refused."""

from __future__ import annotations

import pytest

from smetka.core.money import Money
from tests.fixtures.web import BOT

CUSTOMERS = (
    (1, "Ана Петрова-Прима", "ana.prima@example.com", 30),
    (2, "Bogdan Secundo", "bogdan.secundo@example.com", 44),
    (3, "Цветан Терцо", "cvetan.terzo@example.com", 61),
)
PAYMENTS = ((1, 2000, 2026), (2, 3000, 2026), (3, 950, 2026))
PERSONAL = ("Прима", "prima", "Secundo", "secundo", "Терцо", "terzo", "@example.com")
RULES = {"name": "year-end", "year": 2026, "voucher_value": 100, "valid_until": "2027-01-31"}


pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS, auth="required", **BOT)


@pytest.fixture
def shop(shop):
    shop.headers = shop.key("owner", "the owner")
    return shop


def whole_year_end(shop) -> None:
    """Everything that writes, and everything that reads people."""

    def ask(method, path, body=None, status=200):
        reply = shop.request(method, path, headers=shop.headers, **({} if body is None else {"json": body}))
        assert reply.status_code == status, reply.text
        return reply.json

    ask("GET", "/average_spending_by_age")
    ask("GET", "/total_spent/1")
    ask("POST", "/write_to_mongodb", {"user_id": 1, "total_spending": 2000}, 201)
    ask("POST", "/write_to_mongodb", {"user_id": 3, "total_spending": 1500}, 201)
    ask("POST", "/write_to_mongodb", {"user_id": 2, "total_spending": 5}, 422)
    shop.services.bonus_customers.store(
        2, 2025, Money(2000_00), threshold=Money(1000_00), ledger_total=Money(0)
    )
    ask("POST", "/api/v1/bonus-customers/2026/3/approve")
    ask("POST", "/api/v1/bonus-customers/2025/2/reject")
    ask("POST", "/api/v1/campaigns", RULES, 201)
    ask("GET", "/api/v1/campaigns/year-end/preview")
    ask("POST", "/api/v1/campaigns/year-end/issue")
    ask("GET", "/api/v1/campaigns/year-end")
    vouchers = ask("GET", "/api/v1/campaigns/year-end/vouchers")["items"]
    first, second, third = (f"/api/v1/vouchers/{voucher['code']}" for voucher in vouchers)
    ask("POST", f"{first}/reserve", {"reference": "order 1"})
    ask("POST", f"{first}/redeem", {"reference": "order 1", "user_id": 1})
    ask("POST", f"{first}/reverse", {"reason": "sent back"})
    ask("POST", f"{second}/redeem", {"user_id": 1}, 409)
    ask("POST", f"{third}/void", {"reason": "a mistake"})
    ask("DELETE", "/api/v1/bonus-customers/2026/1")


def test_no_record_holds_a_name_or_an_e_mail(shop):
    whole_year_end(shop)

    database = shop.services.storage
    for name in ("bonus_customers", "campaigns", "issues", "vouchers", "audit", "deliveries"):
        records = str(list(database.collection(name).find()))
        assert len(records) > 100, name
        assert [word for word in PERSONAL if word in records] == [], name
    kept = database.collection("audit").database.list_collection_names()
    others = str([list(database.collection(name).find()) for name in kept])
    assert [word for word in PERSONAL if word in others] == []


def test_the_audit_and_histories_name_keys_only_to_those_who_may_see_them(shop):
    whole_year_end(shop)
    audit = shop.get("/api/v1/audit", headers=shop.headers)
    code = next(entry["code"] for entry in audit.json["items"] if entry["code"])
    cashier = shop.key("cashier")

    assert "the owner" in audit.text
    assert shop.get("/api/v1/audit", headers=cashier).status_code == 403
    shown = shop.get(f"/api/v1/vouchers/{code}", headers=cashier)
    assert shown.status_code == 200
    assert "the owner" not in shown.text
