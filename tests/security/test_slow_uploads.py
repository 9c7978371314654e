"""Who sends a file slowly keeps nobody from sending one."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain, islice

import pytest

from smetka.web.refusals import Overloaded, RequestTimeout
from smetka.web.uploads import AT_ONCE, SLOW_BYTES, WAITING_SECONDS, Uploads


class Seconds:
    """A clock that a file's pieces move on."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def uploads(tmp_path, seconds):
    return Uploads(tmp_path / "uploads", clock=seconds)


def minute(seconds, rate, *, before_each=lambda _: None):
    """A minute of a body, of so many bytes a second."""
    for second in range(60):
        seconds.now += 1
        before_each(second)
        yield b"x" * rate


def arriving(uploads, *body, **options):
    return uploads.until_another_waits(minute(*body, **options))


def come_once(uploads, at):
    """Another who comes in this second, and finds every place taken."""

    def come(second):
        if second == at:
            with ExitStack() as others:
                for _ in range(AT_ONCE - 1):
                    others.enter_context(uploads.turn())
                with pytest.raises(Overloaded), uploads.turn():
                    pass

    return come


def test_a_slow_file_gives_up_its_place_when_another_found_none(uploads, seconds, tmp_path):
    pieces = arriving(uploads, seconds, SLOW_BYTES - 1, before_each=come_once(uploads, 20))

    with pytest.raises(RequestTimeout), uploads.turn(), uploads.received("a.csv", pieces):
        pytest.fail("it was received")

    assert seconds.now == 1021, "at once"
    assert [*(tmp_path / "uploads").iterdir()] == []
    with uploads.turn(), uploads.received("b.csv", arriving(uploads, seconds, SLOW_BYTES - 1)) as path:
        assert path.stat().st_size == 60 * (SLOW_BYTES - 1), "nobody waits any more"


def test_what_came_fast_does_not_make_up_for_what_comes_slowly(uploads, seconds):
    fast = minute(seconds, 100 * SLOW_BYTES)
    slow = minute(seconds, 1, before_each=come_once(uploads, 20))

    with pytest.raises(RequestTimeout), uploads.turn():
        list(uploads.until_another_waits(chain(fast, slow)))

    assert seconds.now <= 1060 + 30, "not after an hour"


@pytest.mark.parametrize(
    ("rate", "comes"),
    [
        pytest.param(SLOW_BYTES, 20, id="quick enough"),
        pytest.param(1, None, id="nobody waits"),
        pytest.param(1, -1, id="who came went away"),
    ],
)
def test_any_other_file_arrives(uploads, seconds, rate, comes):
    if comes == -1:
        with uploads.turn():
            come_once(uploads, comes)(comes)
        seconds.now += WAITING_SECONDS
    pieces = arriving(uploads, seconds, rate, before_each=come_once(uploads, comes))

    with uploads.turn(), uploads.received("a.csv", pieces) as path:
        assert path.stat().st_size == 60 * rate


def test_a_file_that_has_just_begun_is_not_slow_yet(uploads, seconds):
    pieces = minute(seconds, 1, before_each=come_once(uploads, 5))

    with uploads.turn(), uploads.received("a.csv", uploads.until_another_waits(islice(pieces, 9))) as path:
        assert path.stat().st_size == 9


class Slowly:
    """A request's body, a byte a second."""

    def __init__(self, beginning, uploads, seconds):
        body = minute(seconds, 1, before_each=come_once(uploads, 20))
        self._pieces = chain([beginning], body)

    def read(self, _size):
        return next(self._pieces, b"")


@pytest.mark.parametrize(
    ("path", "media_type", "beginning"),
    [
        ("/api/v1/ledger/imports?name=a.csv&dry_run=true", "text/csv", b"user_id,age"),
        (
            "/import",
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n',
        ),
    ],
)
def test_so_it_is_wherever_a_file_is_sent_to(shop, seconds, monkeypatch, path, media_type, beginning):
    uploads = shop.app.extensions["smetka"].uploads
    monkeypatch.setattr(uploads, "_clock", seconds)
    monkeypatch.setattr("smetka.web.pages.forms.check_upload", lambda: None)  # whose token would come first
    body = {"wsgi.input": Slowly(beginning, uploads, seconds), "CONTENT_LENGTH": "9999"}

    reply = shop.request("POST", path, content_type=media_type, environ_overrides=body)

    assert reply.status_code == 408
    assert seconds.now == 1021
