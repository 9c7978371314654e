"""`make mutants`: change a copy of the project, one place at a time, and see the tests turn red.

First each guard is taken away, then the code of the figures is changed wherever it can be.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.copies import REPOSITORY, Copies, noticed_by
from tests.mutants.figures import FILES, HARMLESS, Change, all_changes
from tests.mutants.guards import GUARDS, Guard, without

PAGE = REPOSITORY / "docs" / "mutants.md"
BEGIN, END = "<!-- tried: begin -->", "<!-- tried: end -->"
PACKAGE = Path("src", "smetka")
COSMIC_RAY = REPOSITORY / ".venv" / "mutation" / "bin" / "python"
UNNOTICED = "**nobody**"


def main() -> int:
    """Print the tables; status 1 unless every loss that matters was noticed."""
    options = _options()
    guards = [g for g in GUARDS if not options.words or any(word in g.name for word in options.words)]
    if not guards:
        print(f"No guard's name has {' or '.join(options.words)} in it.", file=sys.stderr)
        return 2
    for guard in guards:
        without(REPOSITORY / PACKAGE, guard)  # says at once which one has moved
    tests = [test for guard in guards for test in guard.tests.split()]
    text = [f"Tried on {time.strftime('%Y-%m-%d', time.gmtime())}, {options.jobs} at a time.\n"]
    began = time.monotonic()
    with Copies(options.jobs) as copies:
        if said := copies.fault(dict.fromkeys(tests if options.words else [*tests, *FILES.values()])):
            print(said[-5000:], "\nRed with nothing changed.", file=sys.stderr)
            return 1
        rows = _shown(_guards(copies, guards))
        if not options.words:
            rows += _shown(_changes(copies, all_changes(REPOSITORY / PACKAGE, COSMIC_RAY)))
    text += [*rows, f"\nAll of it took {(time.monotonic() - began) / 60:.0f} minutes."]
    print(text[-1])
    unnoticed = sum(UNNOTICED in row for row in rows)
    if options.write and not unnoticed:
        _write("\n".join(text))
    return 1 if unnoticed else 0


def _shown(rows: Iterator[str]) -> list[str]:
    found = []
    for row in rows:
        print(row, flush=True)
        found.append(row)
    return found


def _guards(copies: Copies, guards: list[Guard]) -> Iterator[str]:
    """The table of guards: who noticed that each was gone."""

    def notice(copy: Path, guard: Guard) -> tuple[Guard, str | None, float]:
        began = time.monotonic()
        by = noticed_by(copy, without(copy / PACKAGE, guard), guard.tests)
        return guard, by, time.monotonic() - began

    yield "| guard | protects | noticed by | seconds |"
    yield "|---|---|---|---|"
    noticed = 0
    for guard, by, seconds in copies.each(guards, notice):
        noticed += by is not None
        shown = f"`{by}`" if by else UNNOTICED
        yield f"| {guard.name} | {guard.protects} | {shown} | {seconds:.0f} |"
    yield f"\nGuards taken away: {len(guards)}, noticed: {noticed}.\n"


def _changes(copies: Copies, changes: list[Change]) -> Iterator[str]:
    """The table of small changes: of each file how many, and every one that nobody noticed."""

    def notice(copy: Path, change: Change) -> tuple[Change, str | None]:
        return change, noticed_by(copy, {copy / PACKAGE / change.file: change.content}, change.tests)

    found = list(copies.each(changes, notice))
    unnoticed = [change for change, by in found if by is None]
    yield "| file | small changes | noticed | that change no answer |"
    yield "|---|---|---|---|"
    for file in FILES:
        here, missed = (sum(c.file == file for c in group) for group in (changes, unnoticed))
        harmless = sum(c.file == file and _why_harmless(c) is not None for c in unnoticed)
        yield f"| `{file}` | {here} | {here - missed} | {harmless} |"
    yield ""
    for change in unnoticed:
        why = _why_harmless(change) or UNNOTICED
        yield f"- `{change.file}`, line {change.line}: `{change.before}` as `{change.after}`: {why}"


def _why_harmless(change: Change) -> str | None:
    return next((each.why for each in HARMLESS if each.covers(change)), None)


def _write(text: str) -> None:
    """Put the tables between the page's markers."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"{PAGE} has no lines {BEGIN} and {END}."
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only guards whose name has one of these words")
    parser.add_argument("--jobs", type=int, default=2, help="how many at the same time (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/mutants.md")
    options = parser.parse_args()
    if options.write and options.words:
        parser.error("--write puts the whole tables into the page; name no guards.")
    return options


if __name__ == "__main__":
    # As Ctrl-C does: what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
