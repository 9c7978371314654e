"""`python -m smetka` is the `smetka` command."""

import sys

# `python -m` looks for modules in the working directory first; what lies beside a ledger is data (see
# `core.processes.python`).
if not sys.flags.safe_path:
    del sys.path[0]

from smetka.cli import main

main()
