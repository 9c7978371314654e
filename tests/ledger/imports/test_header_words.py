from __future__ import annotations

import pytest

from smetka.ledger.imports.header_words import of_days, of_orders

# What platforms write, shortened; every sign stands in one of them.
ORDERS = {
    "Squarespace": "Order ID|Email|Financial Status|Paid at|Currency|Subtotal|Amount Refunded|Total|Billing Name",
    "Stripe": "id|Created date (UTC)|Amount|Amount Refunded|Currency|Captured|Status|Customer Email",
    "BigCommerce": "Order ID|Customer Name|Customer Email|Order Date|Order Status|Order Total (inc tax)",
    "Magento": "ID|Purchase Date|Bill-to Name|Grand Total (Base)|Status|Customer Email|Total Refunded",
    "PrestaShop": "ID|Reference|New client|Delivery|Customer|Total|Payment|Status|Date",
    "Square": "Date|Time|Gross Sales|Net Sales|Partial Refunds|Total Collected|Customer Name",
    "PayPal": "Date|Time|Name|Type|Status|Currency|Gross|Fee|Net|From Email Address|Transaction ID",
    "Wix": "Order number|Date created|Contact email|Qty|Price|Payment status|Total",
}


@pytest.mark.parametrize("header", ORDERS.values(), ids=ORDERS)
def test_exports_of_orders_are_known_as_such(header):
    found = of_orders(header.split("|"))

    assert len(found) >= 3
    assert not {"Email", "Customer Email", "Customer Name", "Billing Name", "Name", "Date", "id"} & set(found)


@pytest.mark.parametrize(
    "column",
    [
        *("Total", "total_amount", "orderTotal", "Price", "Spent", "Sales", "Gross", "Balance", "Paid"),
        *(
            "Износ",
            "MKD",
            "Денари",
            "Вкупно",
            "Вкупен износ",
            "Сума",
            "Цена",
            "Промет",
            "Потрошено",
            "Платено",
        ),
        *("Charged", "Income", "Netto", "Endbetrag", "Bruttobetrag", "Kaufpreis", "Warenwert", "Erlös"),
        *(
            "Укупно",
            "Плаћено",
            "Наруџбина",
            "Број рачуна",
            "За уплату",
            "Цијена",
            "За наплата",
            "Плаќање во МКД",
        ),
        *("RSD", "Dinara", "Za uplatu", "Znesek", "Bedrag", "Valoare", "Ποσό", "Стоимость", "Order state"),
        *("Iznos", "Ukupno", "Vkupno", "Gesamtbetrag", "Montant", "Importe", "Importo", "Tutar", "Kwota"),
        *("Currency", "order_currency", "Валута", "Valuta", "Währung", "Moneda"),
        *("Status", "status", "Order status", "Payment Status", "financial_status", "Статус", "Состојба"),
        *(
            "Статус на нарачка",
            "Статус на нарачката",
            "Zahlungsstatus",
            "Status narudžbe",
            "Estado del pedido",
        ),
        *("Order", "Order ID", "order_number", "orderNumber", "id_order", "Order #", "increment_id"),
        *(
            "Invoice number",
            "Број на нарачка",
            "Нарачка бр.",
            "Бр. на порачка",
            "Broj narudžbe",
            "Bestellnummer",
        ),
        *(
            "Paid at",
            "paid_date",
            "Date paid",
            "Order Date",
            "Purchase Date",
            "Датум на плаќање",
            "Датум на купување",
        ),
        *(
            "Датум на нарачка",
            "Datum narudžbe",
            "Fecha de pago",
            "Refunded Amount",
            "Вратено",
            "Cancelled at",
        ),
    ],
)
def test_amounts_states_currencies_numbers_and_days_speak_of_orders(column):
    assert of_orders(["email", column, "name"]) == [column]


@pytest.mark.parametrize(
    "column",
    [
        *(
            "Customer ID",
            "First Name",
            "Email",
            "Phone",
            "State/Province",
            "State",
            "Country",
            "Tax VAT Number",
        ),
        *("taxvat", "Tax Exempt", "Email Marketing Status", "Marital status", "Lead Status", "Newsletter"),
        *("Last order date", "First Visit", "Customer Since", "Registration date", "created_at", "Note"),
        *(
            "Број на купувач",
            "Име",
            "Презиме",
            "Телефон",
            "Адреса",
            "Статус на претплата",
            "Роден",
            "Платформа",
        ),
        *(
            "Default group ID",
            "Датум на раѓање",
            "Ден на раѓање",
            "Bewertung",
            "Betreff",
            "Loyalty card number",
            "Points",
            "Accepts SMS Marketing",
            "Date of Birth",
            "age",
        ),
    ],
)
def test_what_is_known_of_a_customer_does_not_speak_of_orders(column):
    assert of_orders([column]) == []


def test_days_of_customers_are_found():
    header = "dob|Date of Birth|created_at|created_in|Customer Since|Last visit|Роден|Датум на регистрација"
    assert [name for name in header.split("|") if name not in of_days(header.split("|"))] == ["created_in"]
    assert of_days(["Name", "Email", "Birth (customer.metafields.facts.birth_date)", "Update me"]) == [
        "Birth (customer.metafields.facts.birth_date)"
    ]
