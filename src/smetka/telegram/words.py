"""All that reports say, in English and Macedonian."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Catalogue:
    """All that is said in one language. Averages are keyed by what they are per."""

    title: str
    all_years: str
    year: str
    basis: dict[str, str]
    per: dict[str, str]
    columns: dict[str, tuple[str, str, str]]
    change: str
    compared: str
    payers: str
    outside: str
    ignored: str
    orphans: str
    nothing: str
    bonus: str
    bonus_rule: str
    bonus_due: str
    bonus_nobody: str
    near_misses: str
    largest: str
    bonus_columns: tuple[str, str]
    campaign: str
    campaign_issued: str
    campaign_valid: str
    campaign_budget: str
    campaign_left_out: str
    shop: str
    shop_rows: dict[str, str]
    late: str
    by_schedule: str
    report: str
    trial: str
    buttons: dict[str, str]
    time: str
    thousands: str
    point: str
    currencies: dict[str, str]


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
    per={"spender": "per paying customer", "payment": "per payment", "customer": "per customer"},
    columns={
        "spender": ("Age", "Average", "Paying"),
        "payment": ("Age", "Average", "Payments"),
        "customer": ("Age", "Average", "All"),
    },
    change="±%",
    compared="±%: change against {year}.",
    payers="Paying customers {spenders} of {customers}, payments {payments}, together {total} {currency}.",
    outside="In none of these groups: customers {customers}, payments {payments}.",
    ignored="Payments left out, their amount is not usable: {count}.",
    orphans="Payments of unknown customers, left out: {count}.",
    nothing="There are no payments in this period.",
    bonus="Year-end bonus {year}",
    bonus_rule="By the ledger: customers who spent more than {threshold} {currency} in {year}.",
    bonus_due="Due a voucher: <b>{count}</b>, who spent {total} {currency} together.",
    bonus_nobody="Nobody is due a voucher yet.",
    near_misses="Near misses, from {from_} up to the threshold: {count}.",
    largest="Those who spent most:",
    bonus_columns=("Customer", "Spent"),
    campaign="Vouchers issued: {name}",
    campaign_issued="New vouchers: <b>{count}</b>, worth {cost} {currency} together.",
    campaign_valid="Valid from {first} to {last}.",
    campaign_budget="Budget of the campaign: {budget} {currency}.",
    campaign_left_out="Due, and left out by the limits of the campaign: {count}.",
    shop="The shop",
    shop_rows={
        "total_spending": "Total",
        "spenders": "Paying customers",
        "customers": "All customers",
        "payments": "Payments",
        "median": "Median per paying customer",
        "top": "Share of the top tenth",
    },
    late="Late: it was due at {time}.",
    by_schedule="Schedule {name}",
    report="Report {report_id} · {time}",
    trial="Smetka can write to this chat. Reports will arrive here.",
    buttons={"all": "All years", "spender": "Paying customer", "payment": "Payment", "customer": "Customer"},
    time="%d.%m.%Y %H:%M",
    thousands=",",
    point=".",
    currencies={},
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
    per={"spender": "по купувач што платил", "payment": "по плаќање", "customer": "по купувач"},
    columns={
        "spender": ("Возраст", "Просек", "Платиле"),
        "payment": ("Возраст", "Просек", "Плаќања"),
        "customer": ("Возраст", "Просек", "Сите"),
    },
    change="±%",
    compared="±%: промена во однос на {year}.",
    payers="Вкупно {total} {currency}, платиле {spenders} од {customers} купувачи, плаќања {payments}.",
    outside="Надвор од овие групи: купувачи {customers}, плаќања {payments}.",
    ignored="Изоставени плаќања, со неупотреблив износ: {count}.",
    orphans="Изоставени плаќања, од непознати купувачи: {count}.",
    nothing="Во овој период нема плаќања.",
    bonus="Годишен бонус {year}",
    bonus_rule="Според книгата: купувачи што потрошиле повеќе од {threshold} {currency} во {year}.",
    bonus_due="За <b>{count}</b> купувачи, што потрошиле {total} {currency} заедно, следува ваучер.",
    bonus_nobody="Засега никому не му следува ваучер.",
    near_misses="За малку, од {from_} до прагот: {count}.",
    largest="Најмногу потрошиле:",
    bonus_columns=("Купувач", "Потрошил"),
    campaign="Издадени ваучери: {name}",
    campaign_issued="Нови ваучери: <b>{count}</b>, во вкупна вредност од {cost} {currency}",
    campaign_valid="Важат од {first} до {last}.",
    campaign_budget="Буџет на кампањата: {budget} {currency}",
    campaign_left_out="Им следува, а останаа надвор од границите на кампањата: {count}.",
    shop="Продавницата",
    shop_rows={
        "total_spending": "Вкупно",
        "spenders": "Купувачи што платиле",
        "customers": "Сите купувачи",
        "payments": "Плаќања",
        "median": "Медијана по купувач што платил",
        "top": "Удел на горната десетина",
    },
    late="Задоцнет: требаше во {time}.",
    by_schedule="Распоред {name}",
    report="Извештај {report_id} · {time}",
    trial="Сметка може да пишува во овој разговор. Тука ќе пристигнуваат извештаите.",
    buttons={
        "all": "Сите години",
        "spender": "По купувач што платил",
        "payment": "По плаќање",
        "customer": "По купувач",
    },
    time="%d.%m.%Y %H:%M",
    thousands=".",
    point=",",
    currencies={"MKD": "ден."},
)

CATALOGUES = {"en": ENGLISH, "mk": MACEDONIAN}
