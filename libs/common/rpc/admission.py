"""Who may make a call: token, kind of caller, permissions, rate limit. What exists is asked later."""

from typing import Protocol

from libs.common.auth.errors import PermissionMissing, ServiceIdentityRequired
from libs.common.auth.tokens import TokenVerifier
from libs.common.context import Caller, admit_caller
from libs.common.rpc.call import Call, Context, bearer_token
from libs.common.rpc.client_address import HEADER as CLIENT_ADDRESS
from libs.common.rpc.client_address import ClientAddresses
from libs.common.rpc.ratelimit import Allowance

_NOBODY = "-"


class Limiter(Protocol):
    """Counts calls and refuses those that are too many."""

    async def spend(self, tenant: str, principal: str, rate_class: str) -> Allowance: ...


class Admission:
    """Admits calls or refuses them; the caller it finds is the only source of the tenant."""

    def __init__(
        self, *, verifier: TokenVerifier, rate_limiter: Limiter | None, addresses: ClientAddresses
    ) -> None:
        self._verifier = verifier
        self._rate_limiter = rate_limiter
        self._addresses = addresses

    async def admit(self, call: Call, context: Context) -> Allowance | None:
        """Set the caller of the call and of this task.

        Returns:
            What the rate limit leaves, or None without a limiter.

        Raises:
            AnalyticsError: The call is refused.
        """
        call.client_address = self._addresses.of(context.peer(), call.text(CLIENT_ADDRESS))
        tenant, principal = _NOBODY, call.client_address
        if not call.policy.is_public:
            caller = await self._verifier.verify(bearer_token(call.text("authorization")))
            call.caller = caller
            admit_caller(caller)
            _require(call, caller)
            tenant = str(caller.tenant_id)
            principal = f"{caller.actor}/{caller.subject}" if caller.actor else caller.subject
        if self._rate_limiter is None:
            return None
        return await self._rate_limiter.spend(tenant, principal, call.policy.rate_class)


def _require(call: Call, caller: Caller) -> None:
    policy = call.policy
    if policy.is_internal and caller.actor is None:
        raise ServiceIdentityRequired("only services may call this method")
    if not policy.permissions <= caller.permissions:
        missing = ",".join(sorted(policy.permissions - caller.permissions))
        raise PermissionMissing("a permission is missing", permissions=missing)
