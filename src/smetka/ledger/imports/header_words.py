"""What the words of a header speak of: orders and their money, or days.

They decide nothing by themselves. A file whose columns nobody mapped is asked about where they do.
Columns of real exports in English, Macedonian and the languages around; a word is matched by its stem.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_ORDER = (
    r"(?:order(?!s\b)\w*|invoice|transaction|receipt|payment|paid|purchase\w*|sale|checkout|financial|"
    r"fulfil\w*|(?:нарач|порач|плаќ|уплат|наплат|купувањ|фактур|трансакц|испорак|купен)\w*|платен\w*|"
    r"(?:narudž|narudz|narač|narac|porudž|porudz|plaćanj|placanj|uplat|faktur|račun|kupovin|poros|pagesë|pagesa)\w*|"
    r"(?:наруџб|поруџб|рачун|плаћањ|куповин)\w*|"
    r"(?:bestell|auftrag|rechnung|zahlung|commande|paiement|pedido|pago|ordin|pagament|sipari|ödeme|odeme|"
    r"zamówieni|objednáv|rendelés|поръч|плащан|заказ|оплат|платеж)\w*)"
)
_OF_NUMBER = (
    r"(?:id|number|no|nr|num|ref|reference|code|name|број|бр|шифра|broj|br|"
    r"numri|nummer|numero|número|numéro|numer|номер)"
)
_OF_DAY = r"(?:date|day|time|at|on|utc|gmt|датум\w*|ден|време|дата|datum|data|fecha|tarih\w*)"
_SMALL = r"(?:of|the|in|for|на|за|de|del|di|la|na|za|e|së)"
_OF_STATE = r"(?:status\w*|статус\w*|состојба|estado|estatus|statut|stato|durum\w*|stanje|gjendj\w*)"

REFUND = re.compile(
    r"\b(?:refund(?!able)\w*|reimburs\w*|chargeback\w*|(?:вратен|враќањ|поврат|рефунд|сторн|възстанов|возврат)\w*|"
    r"(?:povrat|povraćaj|povracaj|vraćen|vracen|storn|erstatt|rückerstatt|rembours|reembols|devoluc|rimbors|zwrot)"
    r"\w*|iade)\b"
)
CANCELLED = re.compile(
    r"\b(?:cancel(?!l?able)\w*|void(?:ed)?\b|(?:откаж|поништ|otkaz|poništ|storn|annul|cancelad)\w*|iptal)\b"
)
CURRENCY = re.compile(
    r"\b(?:currenc\w*|валут\w*|valut\w*|währung|waehrung|devise|monnaie|moneda|moneta|divisa|waluta|měna|"
    r"pénznem|para birimi)\b"
)
OUTSTANDING = re.compile(
    r"\b(?:outstanding|balance due|amount due|unpaid|due amount|(?:неплатен|доспеан|долг)\w*|неизмирен\w*|"
    r"preostal\w*|neplaćen\w*|dugovanj\w*)\b"
)
ITEM = re.compile(
    r"\b(?:(?:line)?items?|products?|sku|articles?|quantity|qty|quantité|producto|prodotto|cantidad|quantità|adet|"
    r"ilość|množství|termék|stück|menge|(?:артикл|артикал|производ|продукт|количин|количеств|товар|ставк)\w*|"
    r"(?:artikl|artikal|artikel|proizvod|produkt|produit|količin|kolicin|stavk|ürün)\w*)\b"
)
_AMOUNT = re.compile(
    r"\b(?:total\w*|subtotal|amount\w*|gross|price\w*|spent|spend|spending|revenue|turnover|balance|value|sum|"
    r"charged?|captured|money|income|payout|donat\w*|deposit|bought|ltv|"
    r"\w*(?:betrag|summe|preis|gesamt|wert)|brutto|bruto|netto|neto|erlös\w*|umsätze|bezahlt\w*|kosten|"
    r"(?:укуп|плаћен|уплаћен|вриједност|наплат)\w*|цијена|пари|вк|бруто|нето|динар\w*|за уплату|"
    r"denari|dinar\w*|za uplatu|za naplatu|"
    r"znesek|skupaj|bedrag|totaal|prijs|belopp|beløb|sum[ăa]|valoare|preț|valor|ποσό|σύνολο|стоимость|summa|"
    r"(?:вкупн|вкупен|износ|цен|промет|потрошен|стойност|вредност)\w*|сума|платено|общо|итого|сумма|"
    r"(?:vkupn|ukup|iznos|vrednost|vrijednost|potrošen|potrosen|wartość)\w*|cena|cijena|suma|promet|plaćeno|placeno|"
    r"shum[aë]|çmimi|gesamt\w*|summe|betrag\w*|preis|umsatz|montant|prix|importe|monto|precio|importo|prezzo|"
    r"totale|tutar\w*|toplam|fiyat\w*|kwota|celkem|cena|összeg)\b"
    r"|\b(?:mkd|eur|usd|gbp|chf|rsd|bam|bgn|ron|huf|czk|pln|sek|nok|dkk|денари|мкд|рсд|евра)\b"
    r"|^(?:net|sales|fee|cost|paid|payments?|платено)$|\b(?:net|gross|total) sales\b"
)
_STATE_NAMED = (
    rf"(?:(?:{_ORDER}|{_OF_NUMBER}|{_SMALL}|current) )*{_OF_STATE}(?: (?:{_ORDER}|{_OF_NUMBER}|{_SMALL}))*$"
)
_STATE = re.compile(rf"^{_STATE_NAMED}")
STATE = re.compile(rf"^(?!.*\b(?:fulfil|испорак)){_STATE_NAMED}|\b(?:order|payment) state\b")
"""Of an order's money: that it is on its way says nothing about that."""
PAID = re.compile(r"^(?:is )?(?:paid|captured|платен[ао]?|plaćen[oa]?|placen[oa]?|bezahlt)$")
TYPE = re.compile(r"^(?:(?:event|transaction|record|payment|document) )?(?:type|kind|тип|вид|tip|vrsta|typ)$")
_COMPOUND = re.compile(r"(?:bestell|auftrags|zahlungs|rechnungs)(?:status|nummer|nr|datum|wert|summe)")
_ORDER_NUMBER = re.compile(
    rf"\b{_ORDER} (?:{_SMALL} )*{_OF_NUMBER}\b|\b{_OF_NUMBER} (?:{_SMALL} )*{_ORDER}\b|^{_ORDER}$"
    r"|\bincrement id\b|\b(?:order|payment) state\b"
)
_ORDER_DAY = re.compile(rf"\b{_ORDER} (?:{_SMALL} )*{_OF_DAY}\b|\b{_OF_DAY} (?:{_SMALL} )*{_ORDER}\b")
_OF_A_PERSON = re.compile(
    r"\b(?:last|first|latest|recent|since|последн\w*|прв\w*|zadnj\w*|poslednj\w*|prv\w*)\b"
)
_ORDERS = (_AMOUNT, CURRENCY, _STATE, REFUND, CANCELLED, OUTSTANDING, _COMPOUND, _ORDER_NUMBER)

_DAY = re.compile(
    r"\b(?:dates?|day|dob|born|birth\w*|birthday|since|registered|registration|joined|"
    r"signup|sign up|subscribed|(?:last|first) (?:visit|seen|login|active|order|purchase)|"
    r"(?:датум|роден|рожд|раѓањ|регистр)\w*|дата|datum\w*|(?:rođen|roden|rođ|registr)\w*|"
    r"geburt\w*|naissance|nacimiento|nascita|fecha|tarih\w*|doğum\w*|datëlindj\w*|urodzen\w*|narozen\w*)\b"
    r"|\bat$|\b(?:created|updated|modified)$|\btimestamp\b"
)


def plain(name: str) -> str:
    """A column's name in small letters, its words parted by single spaces: ``orderTotal`` is order total."""
    parted = re.sub(r"(?<=[a-zа-ш])(?=[A-ZА-Ш])", " ", unicodedata.normalize("NFKC", name))
    return " ".join(re.sub(r"[\W_]+", " ", parted.casefold()).split())


def of_orders(header: Sequence[str]) -> list[str]:
    """The columns that speak of amounts, currencies, states, order numbers or days of payment."""
    return [name for name in header if _is_of_orders(plain(name))]


def of_days(header: Sequence[str]) -> list[str]:
    """The columns that speak of days."""
    return [name for name in header if _DAY.search(plain(name))]


def _is_of_orders(words: str) -> bool:
    if any(pattern.search(words) for pattern in _ORDERS):
        return True
    # A customer's last order has a day too.
    return bool(_ORDER_DAY.search(words)) and not _OF_A_PERSON.search(words)
