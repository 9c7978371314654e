"""A shop that makes one campaign, and who then holds its vouchers."""

from __future__ import annotations

from smetka.bonus.vouchers import of_campaign

NASTY = "<script>alert(1)</script>{{7*7}}\"'"
CUSTOMERS = [
    (n, NASTY if n == 2 else f"=Купувач {n}", f"+{n}@example.com", 20 + n % 40) for n in range(1, 121)
]
PAYMENTS = [(n, 1000 + n, 2026) for n in range(1, 111)] + [(111, "abc", 2026), (999, 5000, 2026)]
SIMPLE = {
    "name": "year-end",
    "year": "2026",
    "threshold": "1000",
    "value": "500",
    "valid_from": "23.11.2026",
    "valid_until": "31.01.2027",
}
NEW, PAGE = "/bonus/new-campaign", "/bonus/campaigns/year-end"


def make(browser, **changes):
    return browser.post("/bonus/campaigns", SIMPLE | changes, NEW)


def holders(shop):
    return sorted(voucher.user_id for voucher in of_campaign(shop.services.storage, "year-end"))
