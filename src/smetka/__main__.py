"""`python -m smetka` is the `smetka` command."""

from smetka.cli import main

main()
