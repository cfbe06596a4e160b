"""Exports as a service reads them: the stream's messages as rows of plain values."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import grpc
from tickettoken.common.v1 import table_pb2
from tickettoken.metrics.v1 import rows_pb2

from tests.metrics.process import Client

KINDS = {
    table_pb2.Column.KIND_STRING: "strings",
    table_pb2.Column.KIND_INTEGER: "integers",
    table_pb2.Column.KIND_NUMBER: "numbers",
    table_pb2.Column.KIND_TIMESTAMP: "timestamps",
    table_pb2.Column.KIND_BOOLEAN: "booleans",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def asked(dataset, window=None, **fields):
    request = rows_pb2.ExportRowsRequest(dataset=dataset, **fields)
    if window is not None:
        request.window.start_time.FromDatetime(window[0])
        request.window.end_time.FromDatetime(window[1])
    return request


@asynccontextmanager
async def as_service(process, tenant_id, **grant):
    """A client with the identity of a service."""
    token = process.service_token(tenant_id, **grant)
    async with Client.connected(process.port, tenant_id, token) as client:
        yield client


async def exported(process, tenant_id, request, **grant):
    """All rows of an export, each as a dict by column."""
    async with as_service(process, tenant_id, **grant) as client:
        call = client.analytics.ExportRows(request, metadata=client.metadata)
        return table([message async for message in call])


def table(messages):
    """The rows of a whole stream; checks that it has the shape that the contract gives it."""
    first, *rest = messages
    assert first.columns
    assert not first.HasField("batch")
    rows = []
    for message in rest:
        assert not message.columns
        rows += rows_of(first.columns, message.batch)
    return rows


async def rest_of(call):
    """The messages that a stream still has, after some that were read."""
    messages = []
    while (message := await call.read()) is not grpc.aio.EOF:
        messages.append(message)
    return messages


def rows_of(columns, batch):
    """The rows of one batch."""
    assert batch.row_count > 0
    arrays = []
    for column, sent in zip(columns, batch.columns, strict=True):
        assert sent.WhichOneof("values") == KINDS[column.kind]
        values = list(getattr(sent, KINDS[column.kind]).values)
        assert len(values) == batch.row_count
        if column.kind == table_pb2.Column.KIND_TIMESTAMP:
            values = [EPOCH + timedelta(microseconds=value) for value in values]
        for place in sent.null_rows:
            values[place] = None
        arrays.append(values)
    names = [column.name for column in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*arrays, strict=True)]
