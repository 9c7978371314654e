"""Months by their names and abbreviations, as shops and Excel write them in the languages around here."""

from __future__ import annotations

import unicodedata

from smetka.ledger.imports.refused import Refused

NAME = r"[^\W\d_]{3,10}"
"""What may be one of them, as a part of a regular expression."""

# English, German, Macedonian (and Bulgarian where it is the same), Serbian, Bosnian and Croatian; the second
# case of the last three, as in "10. siječnja". From January on.
_NAMES = """
jan january januar jaenner jänner jän januari januara siječanj siječnja sij јан јануари јануар јануара
feb february februar februara fevruari velj veljača veljače фев фебр февруари фебруар фебруара
mar march mär märz maerz mrz mart marta ožu ožujak ožujka мар март марта
apr april aprila tra travanj travnja апр април априла
may mai maj maja svi svibanj svibnja мај маја
jun june juni juna lipanj lipnja јун јуни јуна
jul july juli jula srpanj srpnja јул јули јула
aug august augusta avg avgust avgusta kol kolovoz kolovoza авг август августа
sep sept september septembar septembra septemvri ruj rujan rujna сеп септ септември септембар септембра
oct october okt oktober oktobar oktobra oktomvri окт октомври октобар октобра
nov november novembar novembra noemvri stu studeni studenog studenoga ное ноем нов ноември новембар новембра
dec december dez dezember decembar decembra dekemvri pro prosinac prosinca дек декември децембар децембра
"""
# October in Croatian and November in Polish and Czech; June or July; July or August.
_OF_TWO_MONTHS = frozenset("listopad listopada lis lip srp".split())


def _folded(name: str) -> str:
    """A name without capitals and accents, which are often left out."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in apart if not unicodedata.combining(character))


_MONTHS = {
    _folded(name): number
    for number, names in enumerate(_NAMES.strip().splitlines(), start=1)
    for name in names.split()
}


def month_of(name: str) -> int:
    """The number of a month; 0 if the name is of none.

    Raises:
        Refused: it is of one month in one language, and of another in another.
    """
    folded = _folded(name)
    if folded in _OF_TWO_MONTHS:
        raise Refused(
            "has a month whose name is that of another month in another language; write it as a number"
        )
    return _MONTHS.get(folded, 0)
