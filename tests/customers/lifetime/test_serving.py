"""Lifetime values over gRPC: what the answers hold, and every refusal with its reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import grpc
import numpy as np
import pytest
from tickettoken.customers.v1 import lifetime_pb2, models_pb2

from tests.customers.lifetime.conftest import AS_OF, orders_of
from tests.customers.lifetime.histories import START, Row, drawn_rows
from tests.metrics.serving import bad_fields, refused

SHIFT = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0) - AS_OF.replace(hour=0)


@pytest.fixture
async def client(customers_process, tenant_id):
    async with customers_process.client(tenant_id) as client:
        yield client


@pytest.fixture
async def filled(apply, fit, tenant_id, venue_ids):
    """Two venues whose purchases end yesterday, and a run over them; one customer pays in two currencies."""
    rows = drawn_rows(
        500,
        22,
        venue_of=lambda number: 1 if number % 8 == 0 else 0,
        currency_of=lambda number: "USD" if number % 4 == 1 else "EUR",
    )
    rows += [
        Row(0, UUID(int=900), START + timedelta(days=1), "EUR", spend=100),
        Row(0, UUID(int=900), START + timedelta(days=9), "EUR", spend=300),
        Row(0, UUID(int=900), START + timedelta(days=99), "CHF", spend=700),
    ]
    rows = [replace(row, sold_at=row.sold_at + SHIFT) for row in rows]
    await apply(orders_of(tenant_id, venue_ids, rows))
    await fit(tenant_id, as_of=None)
    return rows


async def test_a_customers_value_holds_history_and_what_to_expect(client, venue_ids, filled):
    request = lifetime_pb2.GetLifetimeValueRequest(venue_id=str(venue_ids[0]), customer_id=str(UUID(int=900)))

    answer = await client.customers.GetLifetimeValue(request, metadata=client.metadata)

    euros, francs = answer.values
    assert (euros.currency, euros.basis, euros.purchase_count, euros.historic.amount_minor) == (
        "EUR",
        "model",
        2,
        400,
    )
    assert euros.low.amount_minor <= euros.expected.amount_minor <= euros.high.amount_minor
    assert (francs.currency, francs.basis, francs.historic.amount_minor) == ("CHF", "historic", 700)
    assert not francs.HasField("expected")
    assert (answer.basis, answer.refusal_reason, answer.fitted_on) == ("model", "", "venue")
    assert answer.model in {"bg_nbd", "mbg_nbd", "pareto_nbd"}
    assert 0 < answer.active_probability <= 1
    assert answer.expected_purchase_count > 0
    assert answer.horizon_days == 365
    assert answer.as_of.ToDatetime(UTC) == START + timedelta(days=99) + SHIFT
    assert answer.HasField("computed_time")


async def test_a_currency_without_a_model_of_spend_says_why(apply, fit, client, tenant_id, venue_ids, filled):
    customer = UUID(int=902)
    orders = [Row(0, customer, START + SHIFT + timedelta(days=day), "CHF", spend=700) for day in (3, 40)]
    await apply(orders_of(tenant_id, venue_ids, orders))
    await fit(tenant_id, as_of=None)
    who = {"venue_id": str(venue_ids[0]), "customer_id": str(customer)}

    answer = await client.customers.GetLifetimeValue(
        lifetime_pb2.GetLifetimeValueRequest(**who), metadata=client.metadata
    )

    assert (answer.basis, answer.refusal_reason) == ("historic", "NOT_ENOUGH_HISTORY")
    assert answer.expected_purchase_count > 0
    request = lifetime_pb2.PredictLifetimeValueRequest(**who)
    call = client.predictions.PredictLifetimeValue(request, metadata=client.metadata)
    assert await refused(call) == ("FAILED_PRECONDITION", "NOT_ENOUGH_HISTORY")


async def test_what_was_bought_after_the_run_counts_at_once(apply, client, tenant_id, venue_ids, filled):
    customer = UUID(int=901)
    await apply(orders_of(tenant_id, venue_ids, [Row(1, customer, datetime.now(UTC), spend=1234)]))
    request = lifetime_pb2.GetLifetimeValueRequest(venue_id=str(venue_ids[1]), customer_id=str(customer))

    answer = await client.customers.GetLifetimeValue(request, metadata=client.metadata)

    (value,) = answer.values
    assert (value.basis, value.historic.amount_minor, value.purchase_count) == ("historic", 1234, 1)
    assert (answer.basis, answer.refusal_reason) == ("historic", "NOT_ENOUGH_HISTORY")
    assert answer.fitted_on == "tenant"


async def test_a_prediction_on_its_usual_terms_is_the_stored_value(client, venue_ids, filled):
    who = {"venue_id": str(venue_ids[0]), "customer_id": str(UUID(int=900))}
    request = lifetime_pb2.PredictLifetimeValueRequest(**who)

    answer = await client.predictions.PredictLifetimeValue(request, metadata=client.metadata)

    stored = await client.customers.GetLifetimeValue(
        lifetime_pb2.GetLifetimeValueRequest(**who), metadata=client.metadata
    )
    assert list(answer.values) == list(stored.values)
    assert answer.expected_purchase_count == pytest.approx(stored.expected_purchase_count)
    assert (answer.horizon_days, answer.discount_rate, answer.margin_ratio) == (365, 0, 1)
    assert (answer.model, answer.fitted_on) == (stored.model, stored.fitted_on)
    assert answer.last_date == (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


async def test_terms_of_a_prediction_have_bounds(client, venue_ids):
    who = {"venue_id": str(venue_ids[0]), "customer_id": str(uuid4())}

    for field, values in {
        "horizon_days": (0, 1826),
        "discount_rate": (-0.01, 1.01),
        "margin_ratio": (0, 1.01),
        "venue_id": ("", "x"),
        "customer_id": ("",),
    }.items():
        for value in values:
            request = lifetime_pb2.PredictLifetimeValueRequest(**(who | {field: value}))
            call = client.predictions.PredictLifetimeValue(request, metadata=client.metadata)
            assert await bad_fields(call) == [
                "".join(part.title() if at else part for at, part in enumerate(field.split("_")))
            ]


async def test_refusals_name_their_reason(apply, fit, client, tenant_id, venue_ids):
    customer = UUID(int=3)
    rows = [Row(0, UUID(int=n), START + SHIFT + timedelta(days=n), spend=500) for n in range(90)]
    await apply(orders_of(tenant_id, venue_ids, rows))
    who = {"venue_id": str(venue_ids[0]), "customer_id": str(customer)}

    def predict(**changed):
        request = lifetime_pb2.PredictLifetimeValueRequest(**(who | changed))
        return client.predictions.PredictLifetimeValue(request, metadata=client.metadata)

    def get(**changed):
        request = lifetime_pb2.GetLifetimeValueRequest(**(who | changed))
        return client.customers.GetLifetimeValue(request, metadata=client.metadata)

    assert await refused(predict()) == ("FAILED_PRECONDITION", "MODEL_NOT_FITTED")
    assert (await get()).refusal_reason == "MODEL_NOT_FITTED"
    await fit(tenant_id, as_of=None)
    assert await refused(predict()) == ("FAILED_PRECONDITION", "NOT_ENOUGH_HISTORY")
    assert (await get()).refusal_reason == "NOT_ENOUGH_HISTORY"
    chance = np.random.default_rng(5)
    often = [
        Row(0, UUID(int=1000 + n), START + SHIFT + timedelta(days=int(day)))
        for n in range(150)
        for day in chance.choice(400, 13, replace=False)
    ]
    await apply(orders_of(tenant_id, venue_ids, often))
    await fit(tenant_id, as_of=None)
    assert await refused(predict()) == ("FAILED_PRECONDITION", "MODEL_NOT_IDENTIFIABLE")
    answer = await get()
    assert (answer.basis, answer.refusal_reason, answer.model) == ("historic", "MODEL_NOT_IDENTIFIABLE", "")
    assert answer.values[0].historic.amount_minor == 500
    for use in (predict, get):
        assert await refused(use(customer_id=str(uuid4()))) == ("NOT_FOUND", "CUSTOMER_NOT_FOUND")
        assert await refused(use(venue_id=str(uuid4()))) == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_the_summary_holds_distribution_models_and_hold_out_figures(client, venue_ids, filled):
    request = lifetime_pb2.GetLifetimeValueSummaryRequest()

    answer = await client.analytics.GetLifetimeValueSummary(request, metadata=client.metadata)

    (whole,) = answer.summaries
    assert (whole.venue_id, whole.customer_count, whole.purchase_count) == ("", 501, len(filled))
    by_currency = {one.currency: one for one in whole.distributions}
    assert set(by_currency) == {"CHF", "EUR", "USD"}
    euros = by_currency["EUR"]
    assert euros.historic.total.amount_minor == sum(row.spend for row in filled if row.currency == "EUR")
    assert sum(one.customer_count for one in euros.historic.bins) == euros.historic.customer_count
    assert [one.share_ratio for one in euros.expected.quantiles] == [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]
    assert (
        euros.expected_total_low.amount_minor
        < euros.expected.total.amount_minor
        < euros.expected_total_high.amount_minor
    )
    assert not by_currency["CHF"].HasField("expected")
    purchases = [one for one in whole.models if one.kind == "purchases"]
    assert {one.name for one in purchases} == {"bg_nbd", "mbg_nbd", "pareto_nbd"}
    (serving,) = [one for one in purchases if one.is_serving]
    assert serving.name == whole.model
    assert serving.hold_out["root_mean_square_error"] == min(
        one.hold_out["root_mean_square_error"] for one in purchases if one.parameters
    )
    one = await client.analytics.GetLifetimeValueSummary(
        lifetime_pb2.GetLifetimeValueSummaryRequest(venue_id=str(venue_ids[1])), metadata=client.metadata
    )
    assert [summary.venue_id for summary in one.summaries] == [str(venue_ids[1])]
    assert one.summaries[0].fitted_on == "tenant"


async def test_a_grant_gets_its_venues_and_nothing_of_the_others(
    customers_process, tenant_id, venue_ids, filled
):
    async with customers_process.client(tenant_id, venue_ids=[venue_ids[1]]) as client:
        summary = await client.analytics.GetLifetimeValueSummary(
            lifetime_pb2.GetLifetimeValueSummaryRequest(), metadata=client.metadata
        )
        foreign = lifetime_pb2.GetLifetimeValueSummaryRequest(venue_id=str(venue_ids[0]))
        refusal = await refused(client.analytics.GetLifetimeValueSummary(foreign, metadata=client.metadata))

    assert [one.venue_id for one in summary.summaries] == [str(venue_ids[1])]
    assert {one.venue_id for one in summary.summaries[0].models} == {str(venue_ids[1])}
    assert refusal == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_a_grant_is_told_nothing_of_others_by_a_fit_that_the_tenant_lent(
    customers_process, client, tenant_id, venue_ids, filled
):
    request = lifetime_pb2.GetLifetimeValueSummaryRequest(venue_id=str(venue_ids[1]))

    (whole,) = (await client.analytics.GetLifetimeValueSummary(request, metadata=client.metadata)).summaries
    async with customers_process.client(tenant_id, venue_ids=[venue_ids[1]]) as limited:
        (own,) = (
            await limited.analytics.GetLifetimeValueSummary(request, metadata=limited.metadata)
        ).summaries

    assert {one.fitted_on for one in own.models} == {"tenant"}
    assert [one.name for one in own.models] == [one.name for one in whole.models]
    assert all(one.parameters and one.HasField("log_likelihood") for one in whole.models if one.is_serving)
    assert not any(one.parameters or one.HasField("log_likelihood") for one in own.models)
    assert not any(name.startswith("before_") for one in own.models for name in one.hold_out)
    assert {one.first_date for one in own.models} == {own.first_date}
    serving = next(one for one in own.models if one.kind == "purchases" and one.is_serving)
    assert serving.hold_out["actual_total"] > 0


async def test_another_tenant_finds_nothing(customers_process, venue_ids, filled):
    async with customers_process.client(uuid4()) as client:
        summary = await client.analytics.GetLifetimeValueSummary(
            lifetime_pb2.GetLifetimeValueSummaryRequest(), metadata=client.metadata
        )
        request = lifetime_pb2.GetLifetimeValueRequest(
            venue_id=str(venue_ids[0]), customer_id=str(UUID(int=900))
        )
        refusal = await refused(client.customers.GetLifetimeValue(request, metadata=client.metadata))

    assert not summary.summaries
    assert refusal == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_services_read_how_models_did_and_users_do_not(
    customers_process, client, tenant_id, venue_ids, filled
):
    def ask(metadata, **fields):
        request = models_pb2.GetCustomerModelPerformanceRequest(**({"model_type": "clv"} | fields))
        return client.predictions.GetCustomerModelPerformance(request, metadata=metadata)

    service = (("authorization", f"Bearer {customers_process.service_token(tenant_id)}"),)
    answer = await ask(service)
    venue = await ask(service, venue_id=str(venue_ids[0]))

    assert {one.kind for one in answer.models} == {"purchases", "spend"}
    assert {one.venue_id for one in answer.models} == {""}
    assert {one.venue_id for one in venue.models} == {str(venue_ids[0])}
    assert all(one.parameters or one.refusal_reason for one in answer.models)
    assert not (await ask(service, model_type="churn")).models
    assert await bad_fields(ask(service, model_type="demand")) == ["modelType"]
    assert await refused(ask(service, venue_id=str(uuid4()))) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await ask(client.metadata)
    assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED
