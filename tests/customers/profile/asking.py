"""Somebody who is known well, and what is asked of the service about them."""

from tickettoken.customers.v1 import journey_pb2, preferences_pb2, profile_pb2, search_pb2

from deploy.local.credentials import PERMISSIONS

WITHOUT_PII = frozenset(PERMISSIONS) - {"analytics.pii"}


class Asking:
    """The methods, by name, about one customer at one venue."""

    def __init__(self, client, venue, person, text="Quirina Vandersteen"):
        venue_id, customer_id, self._client = str(venue), str(person), client
        self.calls = {
            "profile": (
                client.customers.GetCustomerProfile,
                profile_pb2.GetCustomerProfileRequest(venue_id=venue_id, customer_id=customer_id),
            ),
            "journey": (
                client.customers.GetCustomerJourney,
                journey_pb2.GetCustomerJourneyRequest(venue_id=venue_id, customer_id=customer_id),
            ),
            "search": (
                client.customers.SearchCustomers,
                search_pb2.SearchCustomersRequest(venue_id=venue_id, q=text),
            ),
            "user_profile": (
                client.insights.GetUserProfile,
                profile_pb2.GetUserProfileRequest(user_id=customer_id),
            ),
            "user_preferences": (
                client.insights.GetUserPreferences,
                preferences_pb2.GetUserPreferencesRequest(user_id=customer_id),
            ),
        }

    async def ask(self, name, **changed):
        method, request = self.calls[name]
        for field, value in changed.items():
            setattr(request, field, value)
        return await method(request, metadata=self._client.metadata)


KNOWN = {
    "name": "Quirina Vandersteen",
    "email": "quirina.v@vandersteen-family.example",
    "phone": "+4799887766",
    "city": "Ytterhausen",
    "country": "NO",
    "tags": ["knows-the-director"],
    "marketing_consent": True,
    "channel": "web",
}
