"""gRPC: CustomersService's and InsightsService's profiles."""

from uuid import UUID

from tickettoken.customers.v1 import profile_pb2

from libs.common.context import current_caller
from services.customers.people.identity import caller_sees_pii
from services.customers.profile.profiles import Profiles


class ProfileServicer:
    """GetCustomerProfile."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    async def GetCustomerProfile(
        self, request: profile_pb2.GetCustomerProfileRequest, _context: object
    ) -> profile_pb2.GetCustomerProfileResponse:
        profile = await self._profiles.at_venue(
            current_caller().scope,
            UUID(request.venue_id),
            UUID(request.customer_id),
            shows_pii=caller_sees_pii(),
        )
        return profile_pb2.GetCustomerProfileResponse(profile=profile)


class UserProfileServicer:
    """GetUserProfile."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    async def GetUserProfile(
        self, request: profile_pb2.GetUserProfileRequest, _context: object
    ) -> profile_pb2.GetUserProfileResponse:
        profile = await self._profiles.of_user(
            current_caller().scope, UUID(request.user_id), shows_pii=caller_sees_pii()
        )
        return profile_pb2.GetUserProfileResponse(profile=profile)
