"""Why a model does not serve, as a refusal of a call."""

from collections.abc import Sequence

from libs.common.errors import AnalyticsError, NotEnoughHistory
from services.customers.errors import ModelNotFitted, ModelNotIdentifiable
from services.customers.models.entry import TrainedModel


def refusal_of(reason: str | None, message: str | None) -> AnalyticsError:
    """The refusal that a run left as a reason and a sentence."""
    kinds = (NotEnoughHistory, ModelNotIdentifiable)
    kind = next((kind for kind in kinds if kind.reason == reason), ModelNotIdentifiable)
    return kind(message or "the data do not fix a model")


def refusal_of_all(candidates: Sequence[TrainedModel]) -> AnalyticsError:
    """The refusal of candidates of which none serves; without any, no run has taken place."""
    if not candidates:
        return ModelNotFitted("no model has been fitted yet; the next nightly run does")
    refused = next((one.entry for one in candidates if one.entry.refusal is not None), candidates[0].entry)
    return refusal_of(refused.refusal, refused.refusal_message)
