"""Server-sent events: the text of each event's data lines."""

from collections.abc import AsyncIterator


async def event_data(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The data of each complete event; an event that the connection cuts off is dropped.

    Source: WHATWG HTML, 9.2.6 "Interpreting an event stream", without `event`, `id` and `retry`, which the
    gateway does not send.
    """
    data: list[str] = []
    async for line in lines:
        if not line:
            if data:
                yield "\n".join(data)
            data = []
            continue
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
