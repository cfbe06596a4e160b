"""Rate limits as clients meet them: a bucket that is spent stays spent, whatever address a client claims."""

from itertools import count

from libs.common.settings import DEFAULT_RATE_LIMITS
from tests.gateway.front import Front, error_of

FORGEABLE = ("x-forwarded-for", "x-client-address", "x-real-ip", "x-envoy-external-address", "true-client-ip")


async def test_forged_addresses_do_not_dodge_a_spent_limit_and_health_is_still_free(front: Front, anonymous):
    amount = int(DEFAULT_RATE_LIMITS["admin"].removesuffix("/minute"))
    spender = front.tokens.header(sub="spender")
    claimed = (dict.fromkeys(FORGEABLE, f"198.51.100.{number % 250}") for number in count())

    async def ask(headers: dict[str, str]) -> int:
        return (await anonymous.get("/api/cache/stats", headers=headers)).status_code

    within = [await ask(spender | next(claimed)) for _ in range(amount)]
    beyond = [await ask(spender | next(claimed)) for _ in range(10)]
    refused = await anonymous.get("/api/cache/stats", headers=spender | next(claimed))
    neighbour = await ask(front.tokens.header(sub="neighbour"))
    health = await anonymous.get("/health/ready", headers=spender)

    assert set(within) == {200}
    assert set(beyond) == {429}
    assert error_of(refused.json())["reason"] == "RATE_LIMITED"
    assert int(refused.headers["retry-after"]) > 0
    assert (neighbour, health.status_code) == (200, 200)
