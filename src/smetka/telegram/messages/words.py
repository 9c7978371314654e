"""All that messages say, in English and Macedonian."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Catalogue:
    """All that is said in one language. Averages are keyed by what they are per."""

    title: str
    all_years: str
    year: str
    basis: dict[str, str]
    columns: dict[str, tuple[str, str, str]]
    outside: str
    ignored: str
    orphans: str
    more_groups: str
    report: str
    trial: str
    time: str
    thousands: str
    point: str


ENGLISH = Catalogue(
    title="Average spending by age",
    all_years="All years",
    year="Year {year}",
    basis={
        "spender": "Average per paying customer: what a group spent, divided by its customers "
        "with a payment.",
        "payment": "Average per payment: what a group spent, divided by the number of its payments.",
        "customer": "Average per customer: what a group spent, divided by all its customers, "
        "those without a payment included.",
    },
    columns={
        "spender": ("Age", "Average", "Paying"),
        "payment": ("Age", "Average", "Payments"),
        "customer": ("Age", "Average", "All"),
    },
    outside="In none of these groups: customers {customers}, payments {payments}.",
    ignored="Payments left out, their amount is not usable: {count}.",
    orphans="Payments of unknown customers, left out: {count}.",
    more_groups="… and {count} more groups",
    report="Report {report_id} · {time}",
    trial="Smetka can write to this chat. Reports will arrive here.",
    time="%d.%m.%Y %H:%M",
    thousands=",",
    point=".",
)

MACEDONIAN = Catalogue(
    title="Просечна потрошувачка по возраст",
    all_years="Сите години",
    year="{year} година",
    basis={
        "spender": "Просек по купувач што платил: потрошеното во групата поделено со нејзините купувачи "
        "што имаат плаќање.",
        "payment": "Просек по плаќање: потрошеното во групата поделено со бројот на плаќањата.",
        "customer": "Просек по купувач: потрошеното во групата поделено со сите нејзини купувачи, "
        "и со оние без плаќање.",
    },
    columns={
        "spender": ("Возраст", "Просек", "Платиле"),
        "payment": ("Возраст", "Просек", "Плаќања"),
        "customer": ("Возраст", "Просек", "Сите"),
    },
    outside="Надвор од овие групи: купувачи {customers}, плаќања {payments}.",
    ignored="Изоставени плаќања, со неупотреблив износ: {count}.",
    orphans="Изоставени плаќања, од непознати купувачи: {count}.",
    more_groups="… и уште {count} групи",
    report="Извештај {report_id} · {time}",
    trial="Сметка може да пишува во овој разговор. Тука ќе пристигнуваат извештаите.",
    time="%d.%m.%Y %H:%M",
    thousands=".",
    point=",",
)

CATALOGUES = {"en": ENGLISH, "mk": MACEDONIAN}
