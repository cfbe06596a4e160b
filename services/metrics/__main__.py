"""The metrics service: records measurements and facts, and answers with figures of them."""

import sys
from typing import Final

from libs.common.commands import Command, carry_out
from services.metrics.settings import MetricsSettings

COMMANDS: Final = {
    "serve": Command("answer calls", "services.metrics.bootstrap:serve"),
    "work": Command(
        "consume events, relay the outbox, keep the tables in shape", "services.metrics.bootstrap:work"
    ),
    "all": Command("serve and work in one process", "services.metrics.bootstrap:serve_and_work"),
    "migrate": Command(
        "bring the database to this version; needs the owner's URL", "services.metrics.migrating:run"
    ),
    "dead-letters": Command(
        "show or replay events that failed",
        "services.metrics.dead_letters:run",
        "services.metrics.dead_letters:add_arguments",
    ),
    "migrate-to-influx": Command(
        "copy the stored series to InfluxDB and compare",
        "services.metrics.replication.commands:run",
        "services.metrics.replication.arguments:add_fill_arguments",
    ),
    "reconcile": Command(
        "compare PostgreSQL with InfluxDB by series and day",
        "services.metrics.replication.commands:run",
        "services.metrics.replication.arguments:add_reconcile_arguments",
    ),
    "check-daily": Command(
        "compare the days with the facts and repair",
        "services.metrics.daily.command:run",
        "services.metrics.daily.command:add_arguments",
    ),
    "replay": Command(
        "make read models anew from the raw events",
        "services.metrics.rebuild.command:run",
        "services.metrics.rebuild.command:add_arguments",
    ),
    "show-history": Command(
        "print what was stated about a show",
        "services.metrics.event_documents.command:run",
        "services.metrics.event_documents.command:add_arguments",
    ),
}

if __name__ == "__main__":
    sys.exit(carry_out("python -m services.metrics", __doc__ or "", COMMANDS, MetricsSettings))
