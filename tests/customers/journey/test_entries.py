"""One order over all sources: what a source may still give behind a place, and how sources are merged."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.customers.journey.entries import Entry, Kind, Place, first_of
from tests.platform.events import NOON

PLACES = st.builds(
    Place,
    st.integers(0, 2).map(lambda second: NOON + timedelta(seconds=second)),
    st.sampled_from([kind.value for kind in Kind]),
    st.text("ab\U0010fffe", min_size=1, max_size=3),
)


@given(PLACES, PLACES)
def test_a_source_gives_exactly_what_lies_behind_a_place(candidate, place):
    behind = candidate.at < place.at or (
        candidate.at == place.at and candidate.key < place.key_of(Kind(candidate.kind))
    )

    assert behind == (candidate < place)


@given(st.lists(st.lists(PLACES, max_size=5), max_size=4), st.integers(0, 8))
def test_merged_sources_are_sorted_and_cut(sources, limit):
    entries = [
        [Entry(place.at, Kind(place.kind), place.key, place.key) for place in sorted(source, reverse=True)]
        for source in sources
    ]

    merged = [entry.place for entry in first_of(entries, limit)]

    assert merged == sorted((place for source in sources for place in source), reverse=True)[:limit]
