"""The documentation page in a real browser: offline, under the strict policy, without an error."""

from __future__ import annotations

import pytest
from playwright.sync_api import sync_playwright


@pytest.fixture
def address(shop, serve):
    return serve(shop)


@pytest.fixture
def page(chromium):
    """A browser's page that keeps every complaint and every request that leaves this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.complaints = []
        page.on(
            "console",
            lambda message: page.complaints.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if "//127.0.0.1:" in request.url or request.url.startswith("data:")
                else page.complaints.append(f"left this machine: {request.url}")
            ),
        )
        yield page
        browser.close()


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


@pytest.mark.parametrize("path", ["/", "/problems", "/problems/invalid-value"])
@pytest.mark.parametrize("width", [360, 1200])
def test_pages_fit_a_phone_and_a_desk(page, address, path, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address + path)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints == []
