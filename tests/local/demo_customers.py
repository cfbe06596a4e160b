"""What the services tell of the demo's house and its customers, asked over gRPC through the gateway."""

import json
import time
from collections.abc import Collection
from statistics import fmean
from typing import NamedTuple

import grpc
from tickettoken.customers.v1 import (
    churn_pb2,
    customer_analytics_service_pb2_grpc,
    insights_pb2,
    insights_service_pb2_grpc,
    segments_pb2,
)

from deploy.local.credentials import DEMO_TENANT
from tests.servers.stack import StackUnderTest

_MODELS_WITHIN_SECONDS = 120


class DemoCustomers(NamedTuple):
    """The house's customers as the first models left them, by customer id."""

    expected_minor: dict[str, int]
    churn: dict[str, float]

    def mean_churn(self, customer_ids: Collection[str]) -> float:
        """The mean probability of those among them who have one."""
        return fmean(chance for customer_id, chance in self.churn.items() if customer_id in customer_ids)


def truth_of(stack: StackUnderTest) -> dict:
    """What the simulator knows of the house's customers."""
    return json.loads((stack.folder / "demo" / "patrons.json").read_text())


def after_the_first_models(stack: StackUnderTest) -> DemoCustomers:
    """The customers once the first models were fitted and the findings made after them."""
    venue = truth_of(stack)["venue_id"]
    metadata = (("authorization", f"Bearer {stack.token(DEMO_TENANT)}"),)
    with grpc.insecure_channel(stack.grpc_target) as channel:
        insights = insights_service_pb2_grpc.InsightsServiceStub(channel)
        analytics = customer_analytics_service_pb2_grpc.CustomerAnalyticsServiceStub(channel)
        give_up_at = time.monotonic() + _MODELS_WITHIN_SECONDS
        findings = insights_pb2.ListInsightsRequest(venue_id=venue)
        while not insights.ListInsights(findings, metadata=metadata, timeout=30).HasField("as_of"):
            assert time.monotonic() < give_up_at, "no findings were made of the demo in time"
            time.sleep(0.5)
        listed = insights.ListVenueCustomers(
            segments_pb2.ListVenueCustomersRequest(venue_id=venue, page_size=1000), metadata=metadata
        )
        at_risk = analytics.GetChurnRisk(
            churn_pb2.GetChurnRiskRequest(venue_id=venue, threshold=1, page_size=1000), metadata=metadata
        )
    return DemoCustomers(
        expected_minor={
            customer.customer_id: customer.expected_value.amount_minor
            for customer in listed.customers
            if customer.HasField("expected_value")
        },
        churn={
            customer.customer_id: customer.churn_probability
            for customer in at_risk.customers
            if customer.HasField("churn_probability")
        },
    )
