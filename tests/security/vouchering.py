"""A shop with one voucher, and what is asked of it."""

from __future__ import annotations

from tests.fixtures.web import YEAR_END


def issue(shop, valid_until="2027-01-31"):
    """The shop, with the code of customer 1's voucher."""
    rules = YEAR_END | {"valid_until": valid_until}
    assert shop.post(rules, path="/api/v1/campaigns").status_code == 201
    assert shop.request("POST", "/api/v1/campaigns/year-end/issue").json["vouchers_issued"] == 1
    shop.code = shop.get("/api/v1/campaigns/year-end/vouchers").json["items"][0]["code"]
    shop.voucher = lambda: shop.get(f"/api/v1/vouchers/{shop.code}").json
    return shop


def act(shop, action, body, **headers):
    return shop.post(body, path=f"/api/v1/vouchers/{shop.code}/{action}", headers=headers)
