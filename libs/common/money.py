"""Money as whole minor units of an ISO 4217 currency: no floats, and sums never mix currencies."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from libs.common.errors import InvalidField

_TWO_DIGITS = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR
MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK
SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD
XCG YER ZAR ZMW ZWG
"""
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"
_EXPONENTS = {
    code: digits
    for codes, digits in ((_NO_DIGITS, 0), (_TWO_DIGITS, 2), (_THREE_DIGITS, 3), (_FOUR_DIGITS, 4))
    for code in codes.split()
}
_INT64 = range(-(2**63), 2**63)


class CurrencyUnknown(InvalidField):
    """The currency is no ISO 4217 code of a circulating currency."""

    reason = "CURRENCY_UNKNOWN"


class AmountOutOfRange(InvalidField):
    """The amount does not fit into 64 bits of minor units, or has more decimals than the currency."""

    reason = "AMOUNT_OUT_OF_RANGE"


class MixedCurrencies(ValueError):
    """Two currencies met in one sum: a mistake of the program, since answers are per currency."""


def exponent(currency: str, *, field: str = "currency") -> int:
    """Decimals of the currency's minor unit (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD.

    Raises:
        CurrencyUnknown: Not an active ISO 4217 code in capitals.
    """
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise CurrencyUnknown.of(field, "must be an ISO 4217 currency code such as EUR") from None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units: Money(1234, "EUR") is 12.34 EUR, Money(1234, "JPY") is 1234 JPY."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)
        if self.amount_minor not in _INT64:
            raise AmountOutOfRange.of("amountMinor", "must fit into 64 bits")

    @classmethod
    def of_decimal(cls, amount: Decimal | str, currency: str) -> Self:
        """Money from a decimal amount in major units, which must be exact in the currency's minor unit."""
        scaled = Decimal(amount).scaleb(exponent(currency))
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise AmountOutOfRange.of("amount", f"must be exact in the minor unit of {currency}")
        return cls(int(scaled), currency)

    def as_decimal(self) -> Decimal:
        """The amount in major units, with the currency's decimals."""
        return Decimal(self.amount_minor).scaleb(-exponent(self.currency))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise MixedCurrencies(f"{self.currency} and {other.currency}")
        return other.amount_minor


def totals(amounts: Iterable[Money]) -> dict[str, Money]:
    """The sum of each currency, by currency code in alphabetical order."""
    sums: dict[str, int] = {}
    for money in amounts:
        sums[money.currency] = sums.get(money.currency, 0) + money.amount_minor
    return {currency: Money(sums[currency], currency) for currency in sorted(sums)}


def average(total: Money, count: int) -> Money | None:
    """`total` shared by `count`, to the nearest minor unit, halves to the even one; None when count is 0."""
    if count == 0:
        return None
    mean, rest = divmod(total.amount_minor, count)
    if 2 * rest > count or (2 * rest == count and mean % 2 == 1):
        mean += 1
    return Money(mean, total.currency)
