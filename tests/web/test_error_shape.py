"""Every error has a status, a slug and a page of its own, and leaves in one shape."""

from __future__ import annotations

import re
from html import unescape

import pytest
from werkzeug.exceptions import BadGateway, Gone, ImATeapot, InternalServerError

from smetka.core.errors import BelowThreshold, Refusal
from smetka.web import advice, problems, refusals

pytestmark = pytest.mark.shop(shared=True)


def kinds(base):
    """All that are told apart by a slug."""
    own = {base} if "slug" in vars(base) else set()
    return own.union(*(kinds(child) for child in base.__subclasses__()))


def test_every_refusal_has_a_status_and_advice():
    assert kinds(Refusal) == set(problems.STATUS) == set(advice.ADVICE)


def test_every_refusal_has_a_slug_of_its_own():
    slugs = [kind.slug for kind in problems.STATUS]

    assert len(set(slugs)) == len(slugs)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", slug) for slug in slugs)


def test_the_list_of_problems_names_every_kind(shop):
    page = unescape(shop.get("/problems").text)

    for kind in problems.STATUS:
        assert f'href="/problems/{kind.slug}"' in page
        assert kind.title in page


@pytest.mark.parametrize("kind", [BelowThreshold, refusals.InternalError], ids=lambda kind: kind.slug)
def test_every_slug_has_a_page(shop, kind):
    """That it opens for each kind, the links of the list show (test_pages.py)."""
    page = shop.get(f"/problems/{kind.slug}")

    assert page.status_code == 200
    assert kind.title in unescape(page.text)
    assert advice.ADVICE[kind] in unescape(page.text)


def failing(shop, error):
    def view():
        raise error

    shop.app.view_functions["healthz"] = view
    return shop.get("/healthz")


SECRET = "SELECT * FROM user_info -- /srv/shop.db smk_secret"


@pytest.mark.shop(shared=False)
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SECRET),
        KeyError(SECRET),
        RecursionError(SECRET),
        InternalServerError(SECRET),
        BadGateway(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_fault_of_ours_says_nothing_internal(shop, assert_problem, error):
    reply = failing(shop, error)

    assert_problem(reply, 500, "internal-error")
    assert "user_info" not in reply.text
    assert "Traceback" not in reply.text


@pytest.mark.shop(shared=False)
@pytest.mark.parametrize("error", [Gone(SECRET), ImATeapot(SECRET)], ids=lambda error: type(error).__name__)
def test_what_the_framework_refuses_has_the_shape_too(shop, assert_problem, error):
    assert "user_info" not in str(assert_problem(failing(shop, error), 400, "bad-request"))


@pytest.mark.shop(shared=False)
def test_a_fault_in_the_answer_itself_is_a_problem_too(shop, assert_problem):
    shop.app.view_functions["healthz"] = lambda: None
    assert_problem(shop.get("/healthz"), 500, "internal-error")


def test_a_part_of_a_file_that_is_not_there(shop, assert_problem):
    reply = shop.get("/static/smetka.css", headers={"Range": "bytes=9999999-"})

    assert_problem(reply, 416, "range-not-satisfiable")


@pytest.mark.parametrize(
    ("asked", "instance"),
    [
        ("/nothing/here?x=1", "/nothing/here"),
        ("/%D0%90%20b", "/%D0%90%20b"),
        ("/a%2Fb", "/a%2Fb"),
        ("/%FF", "/%FF"),
        ("/<script>", "/%3Cscript%3E"),
    ],
)
def test_the_instance_is_the_path_without_the_query(shop, assert_problem, asked, instance):
    assert assert_problem(shop.get(asked), 404, "not-found")["instance"] == instance


@pytest.mark.parametrize(
    ("raw", "instance"),
    [("/a%2Fb?x=1", "/a%2Fb"), ("", "/a/b"), ("http://localhost/a%2Fb", "/a/b"), ("//evil/a", "/evil/a")],
)
def test_the_instance_is_as_received_when_the_server_tells(shop, assert_problem, raw, instance):
    reply = shop.get("/a%2Fb", environ_overrides={"RAW_URI": raw, "REQUEST_URI": ""})

    assert assert_problem(reply, 404, "not-found")["instance"] == instance


def test_a_harmless_request_id_is_kept_and_any_other_replaced(shop, assert_problem):
    kept = shop.get("/nothing", headers={"X-Request-ID": "order-17.a_B"})
    assert assert_problem(kept, 404, "not-found")["request_id"] == "order-17.a_B"

    for other in ("", "a b", "a" * 65, "<script>", "ü"):
        replaced = shop.get("/nothing", headers={"X-Request-ID": other.encode().decode("latin-1")})
        assert re.fullmatch("[0-9a-f]{16}", assert_problem(replaced, 404, "not-found")["request_id"])


HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


def test_a_browser_gets_a_page_with_the_same_facts(shop):
    reply = shop.get("/problems/nothing", headers={"Accept": HTML, "X-Request-ID": "abc-1"})

    assert (reply.status_code, reply.mimetype) == (404, "text/html")
    for fact in ("There is no problem of this name.", "/problems/nothing", "abc-1", "/problems/not-found"):
        assert fact in reply.text


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/problems/nothing", "*/*"),
        ("/problems/nothing", "application/json, text/html"),
        ("/problems/nothing", "application/problem+json"),
        ("/total_spent/x", HTML),
        ("/nothing", HTML),
    ],
)
def test_everybody_else_gets_the_problem_body(shop, path, accept):
    assert shop.get(path, headers={"Accept": accept}).mimetype == "application/problem+json"
