"""What age groups spent as SQL: the sums by age, and beside them what is in the middle of each group."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import case, literal_column, null
from sqlalchemy.sql.expression import CompoundSelect

from smetka.core.age_groups import AgeGroup
from smetka.ledger.layout import Layout
from smetka.ledger.statements import Question, Tables, question_of, spending_by, word
from smetka.ledger.values import Expression


@lru_cache(maxsize=32)
def spending_by_group(layout: Layout, groups: tuple[AgeGroup, ...], *, by_year: bool) -> Question:
    """Rows `(kind, age_group, customers, spenders, payments, middle, largest, high, low)`, as those by age.

    `age_group` is a group's name, NULL those of none. Of the kind `paid`, `middle` is what spenders of the
    group spent, as `Values.in_the_middle` has it, and `largest` what the one who spent most did, in cents.
    """
    return question_of(
        layout, lambda wide: _spending_by_group(Tables(layout), groups, by_year=by_year, wide=wide)
    )


def _spending_by_group(
    tables: Tables, groups: tuple[AgeGroup, ...], *, by_year: bool, wide: bool
) -> CompoundSelect[Any]:
    def group_of(age: Expression) -> Expression:
        # Names of groups are digits, a dash or a sign: see `age_groups`.
        limits = (
            (
                age.between(literal_column(str(each.lowest)), literal_column(str(each.highest))),
                word(each.name),
            )
            for each in groups
        )
        return case(*limits, else_=null()).label("age_group")

    return spending_by(tables, group_of, by_year=by_year, wide=wide, with_middle=True)
