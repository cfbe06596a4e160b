"""A venue with campaigns, touchpoints and purchases, told to the service by platform events."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from tickettoken.customers.v1 import campaigns_pb2

from libs.common.bus.port import BatchHandler, Delivery, Settlement
from tests.customers.process import Client
from tests.platform import events as make

NOON = make.NOON


@dataclass
class Marketing:
    """One tenant's venue; facts go to the handlers of both queues, as the bus would bring them."""

    tenant_id: UUID
    venue_id: UUID
    handler: BatchHandler
    touchpoints: BatchHandler

    async def told(self, *events: Any) -> list[Settlement]:
        """Deliver events, each to its queue; returns what became of the touchpoints."""
        met = [Delivery(event, 1) for event in events if event.type == "campaign.touchpoint"]
        rest = [Delivery(event, 1) for event in events if event.type != "campaign.touchpoint"]
        if rest:
            await self.handler(rest)
        return list(await self.touchpoints(met)) if met else []

    async def opened(self, **venue: Any) -> None:
        """The venue becomes known."""
        await self.told(make.venue_updated(self.tenant_id, self.venue_id, **venue))

    def met(self, channel: str, *, days: float = 0, **fields: Any) -> Any:
        """A touchpoint so many days after noon of the first day."""
        at = NOON + timedelta(days=days)
        return make.campaign_touchpoint(self.tenant_id, self.venue_id, channel=channel, at=at, **fields)

    def bought(self, customer: UUID, *, days: float = 1, gross: int = 1000, **fields: Any) -> Any:
        """A purchase of the customer."""
        at = NOON + timedelta(days=days)
        event = make.order_completed(self.tenant_id, self.venue_id, at=at, gross=gross, **fields)
        event.order_completed.customer_id = str(customer)
        return event

    def journey(self, path: str, campaign: UUID | None, *, buys: bool, gross: int = 1000) -> list[Any]:
        """A new customer who meets one channel a day, a letter each, and then buys or does not."""
        customer = uuid4()
        met = [
            self.met(channel.lower(), days=day, campaign=campaign, customer=customer)
            for day, channel in enumerate(path)
        ]
        return [*met, self.bought(customer, days=len(path), gross=gross)] if buys else met


async def created(client: Client, venue_id: UUID, **fields: Any) -> campaigns_pb2.Campaign:
    """A campaign that the client creates."""
    request = campaigns_pb2.CreateCampaignRequest(
        venue_id=str(venue_id), **({"name": "Spring", "channel": "email"} | fields)
    )
    response = await client.campaigns.CreateCampaign(request, metadata=client.metadata)
    return response.campaign
