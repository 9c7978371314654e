"""`make bench`: every row, then the table. `python -m bench --help` has the options."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import figures
from bench.load import WrongAnswer
from bench.rows import ROWS, Sizes
from bench.servers import NotStarted


def main() -> int:
    """Measure and print; 1 when a row could not be measured. A missed target is a figure, not a fault."""
    options = _options()
    with ExitStack() as stack:
        if options.folder is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="smetka-bench-")))
        else:
            folder = options.folder.resolve()
            folder.mkdir(parents=True, exist_ok=True)
        sizes = _sizes(options, folder)
        found: list[figures.Figure] = []
        failed = []
        for name in options.only or ROWS:
            print(f"{name}…", file=sys.stderr, flush=True)
            try:
                found += ROWS[name](sizes)
            except (WrongAnswer, NotStarted, OSError, subprocess.CalledProcessError) as error:
                failed.append(f"{name} could not be measured: {error}")
                print(failed[-1], file=sys.stderr, flush=True)
    text = f"{figures.conditions(_how(options, sizes))}\n{figures.table(found)}"
    print(text)
    print("\n".join(failed), file=sys.stderr)
    if options.write and not failed:
        figures.write(text)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Smetka beside others.")
    parser.add_argument("--quick", action="store_true", help="small sizes, less than four minutes")
    parser.add_argument(
        "--only",
        action="append",
        choices=ROWS,
        metavar="NAME",
        help=f"one row of {', '.join(ROWS)}; again for more",
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument(
        "--folder", type=Path, help="keep ledgers here for the next run (1.3 GB, while servers run 4 GB)"
    )
    parser.add_argument("--payments", type=int, help="size of the ledger")
    parser.add_argument("--many-payments", type=int, help="size of the large ledger")
    parser.add_argument("--seconds", type=float, help="length of one load")
    parser.add_argument("--rounds", type=int, help="how often contestants take turns")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write puts the whole table into the page; leave out --only.")
    return options


def _sizes(options: argparse.Namespace, folder: Path) -> Sizes:
    sizes = Sizes(folder)
    if options.quick:
        sizes = Sizes(
            folder,
            payments=100_000,
            many_payments=None,
            seconds=1.0,
            rounds=3,
            posts=100,
            messages=100,
            bonus_customers=10_000,
            sustained_payments=1_000_000,
            sustained_seconds=30.0,
            busy_seconds=10.0,
            starts=1,
            together_payments=40_000,
            together_seconds=20.0,
        )
    given = {name: getattr(options, name) for name in ("payments", "many_payments", "seconds", "rounds")}
    return replace(sizes, **{name: value for name, value in given.items() if value is not None})


def _how(options: argparse.Namespace, sizes: Sizes) -> str:
    kind = "small sizes (`--quick`)" if options.quick else "full sizes"
    return (
        f"{kind}: {sizes.rounds} rounds in which the contestants take turns, loads of {sizes.seconds:g} s; "
        "the best round of each counts, of POSTs the median one"
    )


if __name__ == "__main__":
    # As Ctrl-C does: every server that was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
