"""Extracts as the contract tells them."""

from tickettoken.customers.v1 import datasets_pb2

from services.customers.privacy.datasets import Dataset, Group, Wanted


def dataset_message(wanted: Wanted, dataset: Dataset) -> datasets_pb2.AnonymizeDatasetResponse:
    """The answer to what was wanted."""
    measured, total = dataset.measured, dataset.customer_count
    return datasets_pb2.AnonymizeDatasetResponse(
        groups=[_group_message(group, wanted.quasi_identifiers) for group in dataset.groups],
        measures=datasets_pb2.DatasetMeasures(
            customer_count=total,
            suppressed_count=dataset.suppressed_count,
            suppressed_ratio=dataset.suppressed_count / total if total else None,
            k=measured.k,
            l=measured.l,
            information_loss=measured.information_loss,
            discernibility=measured.discernibility,
        ),
        currency=dataset.currency,
    )


def _group_message(group: Group, columns: tuple[str, ...]) -> datasets_pb2.DatasetGroup:
    return datasets_pb2.DatasetGroup(
        values=[
            datasets_pb2.GeneralisedValue(column=name, words=one.words, low=one.low, high=one.high)
            for name, one in zip(columns, group.described, strict=True)
        ],
        customer_count=group.customer_count,
        sensitive_counts=group.sensitive,
    )
