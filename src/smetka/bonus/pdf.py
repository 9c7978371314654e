"""A PDF that is written page by page: however long it is, little more than one page is held in memory.

reportlab keeps every page until the end. Of its document only that is changed: all else, such as the fonts,
whose characters are known last, is written as it writes it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any, BinaryIO

from reportlab.pdfbase.pdfdoc import (
    PDFDocument,
    PDFFile,
    PDFIndirectObject,
    PDFObject,
    PDFPages,
    PDFTrailer,
)
from reportlab.pdfgen.canvas import Canvas


def sheet(output: BinaryIO, size: tuple[float, float], font: str) -> Any:
    """What is drawn on; each page is in `output` when `showPage` returns, the file whole after `save`.

    Args:
        font: a TrueType font that is registered, for whatever is written before another is set.
    """
    made = Canvas(output, pagesize=size, initialFontName=font, pageCompression=1, invariant=1)
    made._doc = _Document(output)  # noqa: SLF001 - it takes none
    return made


class _Pages(PDFPages):  # type: ignore[misc]
    """The list of pages, as numbers of objects."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = array("Q")

    def check_format(self, _document: PDFDocument) -> None:
        self.Kids, self.Count = _References(self.numbers), len(self.numbers)


class _References(PDFObject):  # type: ignore[misc]
    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = numbers

    def format(self, _document: PDFDocument) -> bytes:
        return b"[" + b"\n".join(b"%d 0 R" % number for number in self._numbers) + b"]"


class _Document(PDFDocument):  # type: ignore[misc]
    def __init__(self, output: BinaryIO) -> None:
        super().__init__(compression=1, invariant=1)
        self.Pages = self.Catalog.Pages = _Pages()
        self._file = PDFFile(self._pdfVersion)
        self._file.write = output.write
        output.writelines(self._file.strings)
        self._offsets = array("Q")

    def addPage(self, page: Any) -> None:  # noqa: N802 - reportlab's name
        name = self.thisPageName()
        self.Reference(page, name)
        self.Pages.numbers.append(self.idToObjectNumberAndVersion[name][0])
        self.pageCounter += 1
        self.inObject = None
        self._write(name)
        self._write(self.Reference(page.Contents).name)

    def format(self) -> bytes:
        """Write whatever is left, and where everything stands."""
        catalog, info = self.Reference(self.Catalog), self.Reference(self.info)
        while self.numberToId:  # writing one may bring others
            self._write(self.numberToId[min(self.numberToId)], forget=False)
        table = self._file.add(b"xref\n0 %d\n0000000000 65535 f \n" % (len(self._offsets) + 1))
        for offset in self._offsets:
            self._file.add(b"%010d 00000 n \n" % offset)
        trailer = PDFTrailer(
            startxref=table, Size=len(self._offsets) + 1, Root=catalog, Info=info, ID=self.ID()
        )
        self._file.add(trailer.format(self))
        return b""  # which is written behind it

    def _write(self, name: str, *, forget: bool = True) -> None:
        """Put an object into the file; its name is not known any more when it is to be forgotten."""
        text = PDFIndirectObject(name, self.idToObject[name]).format(self)
        number = self.idToObjectNumberAndVersion[name][0]
        self._offsets.extend([0] * (number - len(self._offsets)))
        self._offsets[number - 1] = self._file.add(text)
        del self.numberToId[number]
        if forget:
            del self.idToObject[name], self.idToObjectNumberAndVersion[name]
