"""Purchases drawn at random, as codes of customers and days, and places made of them."""

import numpy as np

from services.customers.lifetime.accounts import place_of
from services.customers.lifetime.purchases import Purchases


def place_with(customers, days, end):
    """What a run knows of customers with these purchases."""
    count = len(days)
    zeros = np.zeros(count, np.uint64)
    purchases = Purchases(
        customer_high=zeros,
        customer_low=zeros,
        venue=np.zeros(count, np.int32),
        currency=np.zeros(count, np.int32),
        sold=days * 86_400_000_000,
        stands=np.ones(count, np.bool_),
        spend=np.full(count, 1000),
        newest=days * 86_400_000_000,
        currencies=("EUR",),
    )
    return place_of(purchases, customers, days, np.arange(count), end=end)


def drawn(count, seed, *, days=540, later=60, mean_gap=40.0, loss=(0.9, 2.4)):
    """Customers who buy at gamma rates and are lost with a beta chance after each purchase.

    Days run from 1 to `days + later`; everyone comes first before the last two months of `days`.
    """
    chance = np.random.default_rng(seed)
    customers, bought = [], []
    for customer in range(count):
        rate = chance.gamma(0.9, 1 / mean_gap)
        lost = chance.beta(*loss)
        day = chance.uniform(1, days - 60)
        while day <= days + later:
            customers.append(customer)
            bought.append(int(day))
            if chance.random() < lost:
                break
            day += chance.exponential(1 / rate)
    order = chance.permutation(len(bought))
    return np.array(customers, np.int64)[order], np.array(bought, np.int64)[order]
