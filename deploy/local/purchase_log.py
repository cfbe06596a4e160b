"""A purchase log as rows: a CSV file, plain or gzipped, whose columns are found by their header names."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

from libs.common.errors import AnalyticsError
from libs.common.money import Money

_HEADERS = {
    "customer": ("customer_id", "customer", "customerid", "client", "client_id", "user_id", "buyer"),
    "date": ("date", "order_date", "purchase_date", "purchased_at", "timestamp", "time", "created_at"),
    "quantity": ("quantity", "qty", "tickets", "units", "items", "number"),
    "amount": ("amount", "total", "value", "price", "revenue", "gross", "spend"),
}
_LARGEST_QUANTITY = 100_000


class BadPurchaseLog(Exception):
    """The file is no purchase log; the text names line and column."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One row. `occurrence` counts equal rows above it, so that equal rows stay distinct purchases."""

    customer: str
    purchased_at: datetime
    quantity: int
    amount: Money
    occurrence: int

    @property
    def identity(self) -> str:
        """The same for the same row wherever it stands, so a file that has grown adds only its new rows."""
        when = self.purchased_at.replace(tzinfo=None).isoformat()
        money = str(self.amount.as_decimal())
        return "|".join((self.customer, when, str(self.quantity), money, str(self.occurrence)))


def read_purchases(path: Path, *, currency: str, zone: ZoneInfo) -> Iterator[Purchase]:
    """The purchases of a file, row by row.

    Args:
        path: CSV with a header line; a name that ends in .gz is gunzipped.
        currency: ISO 4217 code of every amount.
        zone: Zone of dates that carry no offset; a date without a time is noon.

    Raises:
        BadPurchaseLog: A column or a value cannot be understood.
    """
    seen: Counter[tuple[str, datetime, int, Money]] = Counter()
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, None)
        if header is None:
            raise BadPurchaseLog(f"{path}: the file is empty")
        columns = _columns(path, header)
        for row in reader:
            if not row:
                continue
            fields = _Fields(path, reader.line_num, row, columns)
            key = (fields.customer(), fields.moment(zone), fields.quantity(), fields.amount(currency))
            seen[key] += 1
            yield Purchase(*key, occurrence=seen[key])


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    """Positions of the four columns."""
    names = [name.strip().lower().replace(" ", "_") for name in header]
    found = {}
    for column, accepted in _HEADERS.items():
        matches = [names.index(name) for name in accepted if name in names]
        if not matches:
            raise BadPurchaseLog(
                f"{path}, line 1: no column for the {column}; the header is {', '.join(header)!r},"
                f" one of {', '.join(accepted)} is expected"
            )
        found[column] = matches[0]
    return found


class _Fields:
    """One row's values, each with its place for the error text."""

    def __init__(self, path: Path, line: int, row: Sequence[str], columns: dict[str, int]) -> None:
        self._place = f"{path}, line {line}"
        self._row = row
        self._columns = columns

    def customer(self) -> str:
        return self._text("customer")

    def moment(self, zone: ZoneInfo) -> datetime:
        text = self._text("date")
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self._bad("date", text, "is not an ISO 8601 date such as 1997-01-31") from None
        if len(text) <= len("1997-01-31"):
            moment = datetime.combine(moment.date(), time(12))
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)

    def quantity(self) -> int:
        text = self._text("quantity")
        if not text.isdecimal() or not 1 <= int(text) <= _LARGEST_QUANTITY:
            raise self._bad("quantity", text, f"is not a whole number from 1 to {_LARGEST_QUANTITY}")
        return int(text)

    def amount(self, currency: str) -> Money:
        text = self._text("amount")
        try:
            money = Money.of_decimal(Decimal(text), currency)
        except (InvalidOperation, AnalyticsError):
            raise self._bad("amount", text, f"is not an exact amount in {currency} such as 29.33") from None
        if money.amount_minor < 0:
            raise self._bad("amount", text, "is negative; refunds are not purchases")
        return money

    def _text(self, column: str) -> str:
        index = self._columns[column]
        text = self._row[index].strip() if index < len(self._row) else ""
        if not text:
            raise self._bad(column, text, "is missing")
        return text

    def _bad(self, column: str, text: str, what: str) -> BadPurchaseLog:
        position = self._columns[column] + 1
        return BadPurchaseLog(f"{self._place}, column {column} (number {position}): {text!r} {what}")
