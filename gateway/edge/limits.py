"""Rate limits of the edge: health is free, whatever else a client has used up."""

import sys

from libs.common.rpc.admission import Limiter
from libs.common.rpc.ratelimit import Allowance

_ENDLESS = Allowance(limit=sys.maxsize, remaining=sys.maxsize, resets_at=0.0)


class HealthIsFree:
    """Counts every class but `public`, which here is health only.

    A probe that were refused would take a working gateway out of service; answers come from memory anyway.
    """

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    async def spend(self, tenant: str, principal: str, rate_class: str) -> Allowance:
        if rate_class == "public":
            return _ENDLESS
        return await self._limiter.spend(tenant, principal, rate_class)
