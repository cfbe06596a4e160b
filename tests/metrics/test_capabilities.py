"""Capabilities depend on each other one way, and reach each other by use cases."""

import services.metrics
from tests.servers.parts import folders_of, imports_of

# Who may hold another capability's store, and why.
STORE_READERS = {
    ("rebuild", "raw_events"): "what is made anew is made from the log itself",
    ("rebuild", "event_documents"): "its command connects what the rebuild works with",
}


def test_no_two_parts_import_each_other():
    needed = {(part, imported) for part, imported, _ in imports_of(services.metrics)}

    assert ("revenue", "sales") in needed
    assert [pair for pair in needed if pair[::-1] in needed] == []


def test_no_capability_imports_anothers_store():
    folders = folders_of(services.metrics)
    found = {
        (part, imported)
        for part, imported, module in imports_of(services.metrics)
        if part in folders and imported in folders and module.split(".")[0].endswith("store")
    }

    assert found == STORE_READERS.keys()
