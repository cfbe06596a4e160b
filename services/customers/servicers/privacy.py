"""PrivacyService."""

from tickettoken.customers.v1 import privacy_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.auditing import AUDIT_KEY, Audit
from services.customers.engines import Engines
from services.customers.privacy.access import Access, Section
from services.customers.privacy.announcing import ERASURE_KEY
from services.customers.privacy.dataset_store import DatasetStore
from services.customers.privacy.datasets import Datasets
from services.customers.privacy.documents import PersonalDocuments
from services.customers.privacy.erasing import Erasing, Secrets
from services.customers.privacy.grouper import Grouper
from services.customers.privacy.metrics_events import MetricsEvents, without_profile
from services.customers.privacy.servicer import AccessServicer, DatasetServicer, ErasureServicer


def privacy_servicer(engines: Engines) -> privacy_service_pb2_grpc.PrivacyServiceServicer:
    """Erasure, access, and extracts that name nobody."""
    documents = PersonalDocuments(engines.mongo)
    secrets = Secrets(engines.tombstones, engines.seal(ERASURE_KEY), engines.key(AUDIT_KEY))
    audit = Audit(engines.database, engines.key(AUDIT_KEY))
    services = ("customers", *engines.settings.erasing_services)
    sections = documents.sections()
    if engines.metrics is not None:
        events = MetricsEvents(engines.metrics)
        sections.append(Section("metrics", "raw_analytics", events.read, without_profile))
    return joined(
        privacy_service_pb2_grpc.PrivacyServiceServicer,
        ErasureServicer(Erasing(engines.database, secrets, services, documents.name)),
        AccessServicer(Access(engines.database, sections, documents.name), engines.pages, audit),
        DatasetServicer(Datasets(DatasetStore(engines.database), engines.venues, Grouper()), audit),
    )
