"""The event bus: one port, two brokers, and what makes events arrive at least once and count once."""

from libs.common.bus.port import Bus


def open_bus(url: str) -> Bus:
    """The bus behind a URL. Connects on first use and reconnects by itself.

    Args:
        url: `amqp://` or `amqps://` for RabbitMQ, `redis://`, `rediss://` or `unix://` for Redis Streams.

    Raises:
        ValueError: The scheme names no adapter.
    """
    scheme = url.partition("://")[0]
    if scheme in ("amqp", "amqps"):
        from libs.common.bus.rabbitmq import RabbitBus

        return RabbitBus(url)
    if scheme in ("redis", "rediss", "unix"):
        from libs.common.bus.redis_streams import RedisBus

        return RedisBus(url)
    raise ValueError(f"no event bus for the scheme {scheme!r}: amqp, amqps, redis, rediss or unix")


__all__ = ["Bus", "open_bus"]
