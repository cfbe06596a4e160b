"""What all generators together find."""

from services.customers.insights.generators.registry import find, fresh


def found_types(facts):
    return {finding.candidate.type for finding in find(facts, fresh(facts)).findings}
