"""Amounts divided over lines lose nothing and favour nobody."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from libs.common.orders.allocation import allocate

amounts = st.integers(min_value=-(10**15), max_value=10**15)
weights = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=20)


@given(amounts, weights)
def test_parts_add_up_to_the_amount(total, shares):
    parts = allocate(total, shares)

    assert sum(parts) == total
    assert len(parts) == len(shares)


@given(amounts, weights.filter(any))
def test_no_part_is_off_its_share_by_a_whole_unit(total, shares):
    parts = allocate(total, shares)

    for part, share in zip(parts, shares, strict=True):
        assert abs(part - Fraction(total * share, sum(shares))) < 1
        if share == 0:
            assert part == 0


def test_an_order_of_comps_leaves_its_fee_on_the_first_line():
    assert allocate(150, [0, 0, 0]) == [150, 0, 0]
