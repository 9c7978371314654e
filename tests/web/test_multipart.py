"""A form with a file, read as it arrives."""

from __future__ import annotations

import pytest

from smetka.web.multipart import SentFile
from smetka.web.refusals import BadRequest

FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
OTHER = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'


def sent(body, size=1024):
    """The name and the bytes of the file in a body that comes in pieces of that size."""
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    file = SentFile(pieces, "x", "file")
    return file.name, b"".join(file.pieces())


@pytest.mark.parametrize("size", [1, 7, 1024])
def test_a_file_is_what_stands_in_its_field(size):
    before, after = (
        FILE.replace(b'"file"', b'"b"') + b"1\r\n" + OTHER + b"1\r\n",
        b"\r\n" + OTHER + b"2\r\n--x--\r\n",
    )

    assert sent(before + FILE + b"user_id\r\n1\n" + after, size) == ("a.csv", b"user_id\r\n1\n")


@pytest.mark.parametrize("body", [OTHER + b"1\r\n--x--", FILE.replace(b"a.csv", b"") + b"\r\n--x--"])
def test_none_may_be_chosen(body):
    assert sent(body) == ("", b"")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"--x", id="a boundary"),
        pytest.param(b"--x\r\n\r\n", id="a part without a name"),
        pytest.param(b"--x\r\nContent-Disposition: form-data\r\n\r\nabc", id="a part cut short"),
        pytest.param(FILE + b"user_id,name\n1,a\n", id="a file without its end"),
        pytest.param(FILE + b"user_id\r\n--x\r\n", id="a form without its end"),
        pytest.param(b"\r\n" * 5000, id="empty lines"),
        pytest.param(b"--x\r\n" + b"a" * 2_000_000, id="a header without its end"),
        pytest.param(OTHER + b"\r\n" + (OTHER + b"\r\n") * 19 + b"--x--", id="twenty parts"),
        pytest.param(b"--x\r\n\xff: \xff\r\n\r\n--x--", id="a header that is none"),
    ],
)
def test_what_is_no_such_form_is_refused(body):
    with pytest.raises(BadRequest):
        sent(body)


def test_no_more_than_a_mebibyte_is_held_of_a_header_without_its_end():
    pieces = iter([b"--x\r\n", *[b"a" * 1024] * 5000])

    with pytest.raises(BadRequest):
        SentFile(pieces, "x", "file")
    assert len([*pieces]) > 3900, "the rest is not read"
