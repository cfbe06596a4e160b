"""`show-history`: what was stated about a show, when, and what it changed."""

import argparse
import json
import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.common.bus.consumer import service_caller
from libs.common.context import acting_as
from libs.common.errors import AnalyticsError
from libs.common.mongo import Document
from services.metrics.event_documents.documents import changes
from services.metrics.event_documents.store import EventDocumentStore
from services.metrics.settings import MetricsSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the verb's parser its options."""
    parser.add_argument("--tenant", type=UUID, required=True)
    parser.add_argument("--event", type=UUID, required=True, help="id of the show")


async def run(settings: MetricsSettings, arguments: argparse.Namespace) -> int:
    """Carry out a parsed command; returns the exit code."""
    if settings.mongo_url is None:
        sys.stderr.write("METRICS_MONGO_URL is not set: documents of shows are kept in MongoDB\n")
        return 2
    store = EventDocumentStore.connect(settings.mongo_url.get_secret_value())
    try:
        with acting_as(service_caller("metrics", arguments.tenant)):
            document = await store.get(str(arguments.event))
    except AnalyticsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        await store.close()
    if document is None:
        sys.stderr.write(f"nothing was stated about the show {arguments.event}\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in lines(document))
    return 0


def lines(document: Document) -> list[str]:
    """The document for people to read: the show, then its history, oldest first."""
    show = document["show"] or {}
    about = [show.get("name", "(not described yet)"), show.get("performer"), show.get("genre")]
    head = " · ".join(part for part in about if part)
    cancelled = document["cancelled_microseconds"]
    return [
        f"show {document['id']} at venue {document['venue_id']}: {head}",
        *([] if cancelled is None else [f"cancelled {_time(cancelled)}"]),
        f"{len(document['ticket_types'])} ticket types, {len(document['statements'])} statements",
        *(
            f"{_time(one['stated_microseconds'])}  {one['type']} version {one['version']}"
            f"  {json.dumps(changed, ensure_ascii=False)}"
            for one, changed in changes(document["statements"])
        ),
    ]


def _time(microseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()
