"""Print every small change of some files that Cosmic Ray knows, as JSON, with the whole file as it would be.

Run by the interpreter of `.venv/mutation`, whose packages are not Smetka's; nothing else is imported.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names


def small_changes(source: str) -> Iterator[str]:
    """The source with one operator, number, comparison, decorator or the like replaced, again and again."""
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments():
            continue  # it needs to be told which variables to exchange
        for occurrence in itertools.count():
            changed = mutate_code(source, operator(), occurrence)
            if changed is None:
                break
            yield changed


print(json.dumps({file: [*small_changes(Path(file).read_text(encoding="utf-8"))] for file in sys.argv[1:]}))
