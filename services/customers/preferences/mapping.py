"""Preferences as messages of the contract."""

from tickettoken.customers.v1 import preferences_pb2

from libs.common.moments import timestamp_of
from services.customers.preferences.preferences import Preferences
from services.customers.preferences.taste import Dimension


def preferences_message(found: Preferences) -> preferences_pb2.GetUserPreferencesResponse:
    return preferences_pb2.GetUserPreferencesResponse(
        dimensions=[_dimension_message(dimension) for dimension in found.dimensions],
        purchase_count=found.purchase_count,
        as_of=timestamp_of(found.as_of),
    )


def _dimension_message(dimension: Dimension) -> preferences_pb2.PreferenceDimension:
    return preferences_pb2.PreferenceDimension(
        dimension=dimension.name,
        evidence_count=dimension.evidence_count,
        preferences=[
            preferences_pb2.Preference(
                value=preference.value,
                evidence_count=preference.evidence_count,
                share=preference.evidence_count / dimension.evidence_count,
                expected_count=preference.expected_count,
                lift=preference.lift,
            )
            for preference in dimension.preferences
        ],
    )
