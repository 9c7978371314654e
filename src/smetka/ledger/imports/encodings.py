"""Which encoding a text file is in, and its text in pieces of bounded size."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from smetka.ledger.imports.refused import Refused

PIECE = 256 * 1024
_NO_CHARSETS = {"utf-7", "idna", "raw-unicode-escape"}
_HEAD = 64 * 1024
LONGEST_LINE = 1024 * 1024
"""In characters; it is noticed within a piece more."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16's does, hence before it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Those that shops around here save files in, and that cannot be told apart by any byte.
_SINGLE_BYTE = ("cp1250", "cp1251", "cp1252")
_BEYOND_ASCII = re.compile("[\x80-\xff]")
_ODD_RUN = re.compile("[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_BETWEEN_WORDS = re.compile("[\xa0«»„“”‘’–—…№•€]+")
_CYRILLIC = re.compile("[\u0400-\u045f\u0490\u0491]+")
_VOWEL = re.compile("[аеиоуыэюяёіїєѝѐ]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over the bytes of a file told. `codec` is Python's name for the encoding, "" if none."""

    sha256: str
    codec: str = ""
    found: tuple[str, ...] = ()

    @property
    def encoding(self) -> str:
        """The encoding as people call it."""
        return shown(self.codec)


def shown(codec: str) -> str:
    """An encoding as people call it: ``windows-1251`` for ``cp1251``."""
    if codec.startswith("cp125"):
        return f"windows-{codec[2:]}"
    return {"utf-8-sig": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(codec, codec)


def hash_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def survey(path: Path, encoding: str | None) -> Survey:
    """Hash a text file and find out its encoding, or check the one it is said to be in.

    Raises:
        Refused: it is in none, or could be in two.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        codec, found = _codec(encoding) if encoding else _by_its_beginning(head)
        digest = hashlib.sha256()
        decoder = codecs.getincrementaldecoder(codec)()
        decodes, ascii_only = True, True
        chunk = head
        while chunk:
            digest.update(chunk)
            if decodes:
                try:
                    ascii_only &= decoder.decode(chunk).isascii()
                except UnicodeDecodeError as error:
                    decodes = False
                    ascii_only &= error.object[: error.start].isascii()
            chunk = file.read(PIECE)
    if decodes:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            decodes = False
    if not decodes:
        if encoding or found or not ascii_only:
            raise _first_fault(path, codec)
        codec, found = _single_byte(path)
    return Survey(digest.hexdigest(), codec, found)


def pieces(path: Path, codec: str, advance: Callable[[int], None] | None = None) -> Iterator[str]:
    """The text of a file in pieces that end where lines do, never more than a line and a piece at once.

    Raises:
        Refused: a line is too long, holds a zero byte or bytes that the encoding does not have.
    """
    decoder = codecs.getincrementaldecoder(codec)()
    rest = ""
    lines = 0
    with path.open("rb") as file:
        last = False
        while not last:
            chunk = file.read(PIECE)
            last = not chunk
            try:
                text = rest + decoder.decode(chunk, final=last)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].count(b"\n") + count_lines(rest)
                raise Refused(f"is not valid {shown(codec)}", line=lines + before + 1) from None
            # A carriage return at the very end may be the first half of a line's end.
            cut = len(text) if last else max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
            piece, rest = text[:cut], text[cut:]
            if "\0" in text:
                before = count_lines(text[: text.index("\0")])
                raise Refused("holds a zero byte, which no text does", line=lines + before + 1)
            if piece:
                yield piece
            lines += count_lines(piece)
            if len(rest) > LONGEST_LINE:
                raise too_long(lines + 1)
            if advance and chunk:
                advance(len(chunk))


def count_lines(text: str) -> int:
    """How many lines end in the text, as editors and the csv module count."""
    returns = text.count("\r")
    return text.count("\n") + (returns - text.count("\r\n") if returns else 0)


def too_long(line: int) -> Refused:
    """The refusal of a line."""
    return Refused("is longer than 1 MiB, which no export's line is", line=line)


def _codec(encoding: str) -> tuple[str, tuple[str, ...]]:
    codec = ""
    try:
        codec = codecs.lookup(encoding).name
        # What is no text encoding raises, and what is not a superset of ASCII would hide the delimiters.
        usable = "a;1\n".encode(codec) == b"a;1\n" or codec.startswith("utf-16")
    except (LookupError, UnicodeError, ValueError):
        usable = False
    if not usable or codec in _NO_CHARSETS:
        raise Refused(f"cannot be read as {encoding!r}: there is no such encoding for --encoding")
    return ("utf-8-sig" if codec == "utf-8" else codec), ()


def _by_its_beginning(head: bytes) -> tuple[str, tuple[str, ...]]:
    for mark, codec in _MARKS:
        if head.startswith(mark):
            if codec == "utf-32":
                raise Refused("is in UTF-32; save it as UTF-8")
            return codec, (f"{shown(codec).upper()}, by its byte order mark",)
    # In UTF-16 every ASCII character is a pair with a zero byte, always on the same side.
    even, odd = head[0::2].count(0), head[1::2].count(0)
    for codec, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros * 4 > len(head) // 2 and not others:
            return codec, ("UTF-16 without a byte order mark, by its zero bytes",)
    return "utf-8-sig", ()


def _first_fault(path: Path, codec: str) -> Refused:
    try:
        for _ in pieces(path, codec):
            pass
    except Refused as refused:
        return refused
    return Refused("changed while it was read")


def _single_byte(path: Path) -> tuple[str, tuple[str, ...]]:
    """Windows-1251 if every word beyond ASCII reads as a Cyrillic one, which no Latin text's do."""
    words = long_ones = cased_oddly = of_three = with_vowel = 0
    example = ""
    for piece in pieces(path, "latin-1"):
        for run in dict.fromkeys(_ODD_RUN.findall(piece)):
            read = run.encode("latin-1").decode("cp1251", "replace")
            for word in _BETWEEN_WORDS.split(read):
                if word.isascii():
                    continue
                if not _CYRILLIC.fullmatch(word):
                    raise _unclear(path)
                words += 1
                if len(word) > 1:
                    long_ones += 1
                    cased_oddly += not (word[1:].islower() or word.isupper())
                    example = example or word
                if len(word) > 2:
                    of_three += 1
                    with_vowel += bool(_VOWEL.search(word))
    # Words of other alphabets' encodings come out without vowels or with capitals inside.
    plausible = long_ones * 2 > words and cased_oddly * 10 <= long_ones and with_vowel * 10 >= of_three * 8
    if not plausible:
        raise Refused(
            "is not UTF-8, and does not read as Windows-1251 either. Save it as UTF-8, or name its encoding "
            "with --encoding"
        )
    return "cp1251", (f"Windows-1251, for example {example!r}",)


def _unclear(path: Path) -> Refused:
    """The question which encoding it is, by the first word that most of them read differently."""
    seen: set[str] = set()
    example: dict[str, str] = {}
    line = lines = 0
    for piece in pieces(path, "latin-1"):
        seen.update(_BEYOND_ASCII.findall(piece))
        for run in dict.fromkeys(_ODD_RUN.findall(piece)):
            if len(set(example.values())) == len(_SINGLE_BYTE):
                break
            texts = {codec: run.encode("latin-1").decode(codec, "replace")[:40] for codec in _SINGLE_BYTE}
            if len(set(texts.values())) > len(set(example.values())):
                example, line = texts, lines + count_lines(piece[: piece.index(run)]) + 1
        lines += count_lines(piece)
    if example["cp1250"] == example["cp1252"]:
        del example["cp1250"]  # no word of the file tells them apart
    readings = {shown(codec): text for codec, text in example.items() if _has(codec, seen)}
    *others, last = [f"{text!r} in {name}" for name, text in readings.items()]
    return Refused(
        f"is not UTF-8. It has {', '.join(others)}{' and ' if others else ''}{last}: "
        "say which it is with --encoding",
        line=line,
        code="encodings",
        values=tuple(chain.from_iterable(readings.items())),
    )


def _has(codec: str, characters: Iterable[str]) -> bool:
    """An encoding of single bytes has all of them that stand in a file, read as Latin-1."""
    try:
        "".join(characters).encode("latin-1").decode(codec)
    except UnicodeDecodeError:
        return False
    return True
