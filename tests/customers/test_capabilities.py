"""Capabilities depend on each other one way, and reach each other by use cases."""

import services.customers
from tests.servers.parts import folders_of, imports_of

# Who may hold another capability's store, and why.
STORE_READERS = {
    ("servicers", "behavior"): "puts use cases together with the stores that they take",
    ("servicers", "privacy"): "puts use cases together with the stores that they take",
    ("servicers", "touchpoints"): "puts use cases together with the stores that they take",
}


def test_no_two_parts_import_each_other():
    needed = {(part, imported) for part, imported, _ in imports_of(services.customers)}

    assert ("lifetime", "purchases") in needed
    assert [pair for pair in needed if pair[::-1] in needed] == []


def test_no_capability_imports_anothers_store():
    folders = folders_of(services.customers)
    found = {
        (part, imported)
        for part, imported, module in imports_of(services.customers)
        if part in folders and imported in folders and module.split(".")[0].endswith("store")
    }

    assert found == STORE_READERS.keys()
