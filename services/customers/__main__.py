"""The customers service: who buys, what they are worth, what brought them, and what is held on them."""

import sys
from typing import Final

from libs.common.commands import Command, carry_out
from services.customers.settings import CustomersSettings

COMMANDS: Final = {
    "serve": Command("answer calls", "services.customers.bootstrap:serve"),
    "work": Command("consume events, relay the outbox, do jobs", "services.customers.bootstrap:work"),
    "all": Command("serve and work in one process", "services.customers.bootstrap:serve_and_work"),
    "migrate": Command(
        "bring the database to this version; needs the owner's URL", "services.customers.migrating:run"
    ),
    "fit": Command(
        "fit the models of lifetime value and churn anew now",
        "services.customers.churn.command:run",
        "services.customers.churn.command:add_arguments",
    ),
    "score": Command(
        "score customers anew now",
        "services.customers.segments.command:run",
        "services.customers.segments.command:add_arguments",
    ),
    "replay": Command(
        "make a tenant's read models anew from its raw events",
        "services.customers.rebuild.command:run",
        "services.customers.rebuild.command:add_arguments",
    ),
    "dead-letters": Command(
        "show or replay events that failed",
        "services.customers.dead_letters:run",
        "services.customers.dead_letters:add_arguments",
    ),
}

if __name__ == "__main__":
    sys.exit(carry_out("python -m services.customers", __doc__ or "", COMMANDS, CustomersSettings))
