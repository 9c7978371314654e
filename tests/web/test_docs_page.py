"""The documentation page in a real browser: offline, under the strict policy, without an error."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.shop(shared=True)


@pytest.fixture
def address(shop, serve):
    return serve(shop)


def test_the_documentation_works_offline_without_an_error(page, address):
    page.goto(f"{address}/docs")
    page.wait_for_selector("text=/write_to_mongodb")
    for path in ("/total_spent/{user_id}", "/average_spending_by_age", "/readyz"):
        assert page.locator(f'[data-path="{path}"]').count() == 1
    page.wait_for_load_state("networkidle")

    assert page.complaints == []


def test_a_request_can_be_tried_from_the_documentation(page, address):
    page.goto(f"{address}/docs")
    operation = page.locator("#operations-The_brief-write_to_mongodb")
    operation.locator(".opblock-summary-control").click()
    operation.locator("text=Try it out").click()
    operation.locator("button.execute").click()
    operation.locator(".live-responses-table .response-col_status >> text=201").wait_for()

    assert page.complaints == []


def test_pages_fit_a_phone_and_a_desk(page, address):
    for path in ("/", "/problems", "/problems/invalid-value"):
        for width in (360, 1200):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(address + path)

            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
    assert page.complaints == []
