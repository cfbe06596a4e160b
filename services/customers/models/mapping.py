"""Models of the registry as messages of the contract."""

from tickettoken.customers.v1 import models_pb2

from libs.common.context import TenantScope
from libs.common.moments import timestamp_of
from services.customers.models.entry import WHOLE_TENANT, TrainedModel


def model_message(trained: TrainedModel, scope: TenantScope) -> models_pb2.FittedModel:
    """A candidate, as far as a scope may know of what it was fitted to."""
    entry = trained.entry if scope.venue_ids is None else trained.entry.without_lender()
    return models_pb2.FittedModel(
        venue_id="" if entry.venue_id == WHOLE_TENANT else str(entry.venue_id),
        kind=entry.kind,
        currency=entry.currency,
        name=entry.name,
        is_serving=entry.is_serving,
        fitted_on=entry.fitted_on,
        refusal_reason=entry.refusal or "",
        refusal_message=entry.refusal_message or "",
        parameters=entry.parameters,
        log_likelihood=entry.log_likelihood,
        hold_out=entry.hold_out,
        held_out_days=entry.held_out_days,
        customer_count=entry.customer_count,
        repeater_count=entry.repeater_count,
        first_date=entry.first_day.isoformat(),
        last_date=entry.last_day.isoformat(),
        trained_time=timestamp_of(trained.trained_at),
    )
