"""Requests about series, and values to ask for."""

from tickettoken.metrics.v1 import recording_pb2, series_pb2

TYPE = "queue_length"


def metric(venue, at, value, **dimensions):
    row = recording_pb2.MetricInput(metric_type=TYPE, value=value, venue_id=str(venue), dimensions=dimensions)
    row.timestamp.FromDatetime(at)
    return row


def list_request(venue, start, end, **fields):
    request = series_pb2.ListMetricsRequest(venue_id=str(venue), metric_type=TYPE, **fields)
    request.start_date.FromDatetime(start)
    request.end_date.FromDatetime(end)
    return request


def aggregate_request(venue, start, end, aggregation, **fields):
    request = series_pb2.AggregateMetricsRequest(
        venue_id=str(venue), metric_type=TYPE, aggregation=aggregation, **fields
    )
    request.start_date.FromDatetime(start)
    request.end_date.FromDatetime(end)
    return request


async def record(client, rows):
    for start in range(0, len(rows), 5000):
        request = recording_pb2.BulkRecordMetricsRequest(metrics=rows[start : start + 5000])
        response = await client.metrics.BulkRecordMetrics(request, metadata=client.metadata)
        assert response.rejected_count == 0, response.verdicts[:3]
