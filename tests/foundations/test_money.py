"""Money: minor units, ISO 4217 exponents, sums per currency."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.money import (
    AmountOutOfRange,
    CurrencyUnknown,
    MixedCurrencies,
    Money,
    average,
    exponent,
    totals,
)

amounts = st.integers(-(2**62), 2**62 - 1)


@pytest.mark.parametrize(
    ("currency", "text"), [("EUR", "12.34"), ("JPY", "1234"), ("KWD", "1.234"), ("CLF", "0.1234")]
)
def test_the_exponent_is_that_of_iso_4217(currency, text):
    assert Money(1234, currency).as_decimal() == Decimal(text)
    assert str(Money(1234, currency).as_decimal()) == text
    assert Money.of_decimal(text, currency) == Money(1234, currency)


@pytest.mark.parametrize("currency", ["", "eur", "XXX", "ABC", "EURO", "€"])
def test_unknown_currencies_are_refused(currency):
    with pytest.raises(CurrencyUnknown):
        exponent(currency)
    with pytest.raises(CurrencyUnknown):
        Money(1, currency)


@pytest.mark.parametrize(
    ("text", "currency"), [("0.5", "JPY"), ("1.005", "EUR"), ("NaN", "EUR"), ("Infinity", "EUR")]
)
def test_amounts_that_are_not_exact_are_refused(text, currency):
    with pytest.raises(AmountOutOfRange):
        Money.of_decimal(text, currency)


@pytest.mark.parametrize("amount", [2**63, -(2**63) - 1])
def test_amounts_beyond_64_bits_are_refused(amount):
    with pytest.raises(AmountOutOfRange):
        Money(amount, "EUR")


def test_currencies_never_mix():
    with pytest.raises(MixedCurrencies):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(MixedCurrencies):
        Money(1, "EUR") - Money(1, "USD")


@given(st.lists(st.tuples(amounts.map(lambda a: a // 2**20), st.sampled_from(["EUR", "JPY", "USD"]))))
def test_totals_are_the_sum_of_each_currency(rows):
    result = totals(Money(amount, currency) for amount, currency in rows)

    assert list(result) == sorted({currency for _, currency in rows})
    for currency, total in result.items():
        assert total.amount_minor == sum(amount for amount, other in rows if other == currency)


@given(amounts, st.integers(1, 2**31 - 1))
def test_an_average_is_rounded_half_to_even(total, count):
    with localcontext(prec=60):
        expected = (Decimal(total) / count).to_integral_value(ROUND_HALF_EVEN)

    mean = average(Money(total, "EUR"), count)

    assert mean is not None
    assert mean.amount_minor == int(expected)


@pytest.mark.parametrize(("total", "mean"), [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2), (-5, -2)])
def test_halves_go_to_the_even_neighbour(total, mean):
    assert average(Money(total, "EUR"), 2) == Money(mean, "EUR")


def test_the_average_of_nothing_is_absent():
    assert average(Money(0, "EUR"), 0) is None
