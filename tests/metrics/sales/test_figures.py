"""Averages of money round to even, and are absent without an order."""

import pytest

from services.metrics.sales.figures import RevenueFigures


@pytest.mark.parametrize(("gross", "orders", "average"), [(5, 2, 2), (7, 2, 4), (10, 3, 3), (0, 1, 0)])
def test_average_order_value_rounds_half_to_even(gross, orders, average):
    figures = RevenueFigures("EUR", orders, 1, gross, 0, 0)

    assert figures.average_order_minor == average


def test_no_average_without_an_order():
    assert RevenueFigures("EUR", 0, 0, 0, 5, 0).average_order_minor is None
