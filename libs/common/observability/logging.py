"""Structured JSON logs: every line carries the work, trace and tenant in progress, and no secret."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from libs.common.context import caller_or_none, current_work
from libs.common.observability.access import AccessLog, configure_access_log

_SECRET_NAMES = re.compile(
    r"authorization|cookie|password|secret|private|credential|token$|api_?key", re.IGNORECASE
)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^@\s]+@")
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.?[\w-]*")
_QUIET = ("asyncio", "aiormq", "aio_pika", "pymongo", "httpx", "httpcore")

_Event = MutableMapping[str, Any]


def configure_logging(
    service: str, *, level: str = "INFO", environment: str = "local", stream: TextIO | None = None
) -> None:
    """Send structlog and the standard library's loggers to one stream as JSON, one object a line.

    Args:
        service: Name of this process in every line.
        level: Least severe level that is written.
        environment: Name of the deployment in every line.
        stream: Where lines go; standard output when not given.
    """
    target = stream or sys.stdout
    severity = logging.getLevelNamesMapping()[level.upper()]
    constants = {"service": service, "environment": environment}
    configure_access_log(AccessLog(target, constants) if severity <= logging.INFO else None)

    def identify(_logger: Any, _method: str, event: _Event) -> _Event:
        event.update(constants)
        return event

    shared: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        add_context,
        identify,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(default=str)],
        wrapper_class=structlog.make_filtering_bound_logger(severity),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=stream is None,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(severity)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(severity, logging.WARNING))


def add_context(_logger: Any, _method: str, event: _Event) -> _Event:
    """Add what is known of the work in progress; what the line itself says wins."""
    work = current_work()
    if work is not None:
        event.setdefault("work", work.name)
        event.setdefault("request_id", work.request_id)
        event.setdefault("trace_id", work.trace_id)
    caller = caller_or_none()
    if caller is not None:
        event.setdefault("tenant_id", str(caller.tenant_id))
        event.setdefault("subject", caller.subject)
    return event


def redact(_logger: Any, _method: str, event: _Event) -> _Event:
    """Replace values whose name says secret, passwords in URLs, and anything that looks like a token."""
    for name, value in event.items():
        if _SECRET_NAMES.search(name):
            event[name] = "[redacted]"
        elif type(value) is str and ("://" in value or "eyJ" in value):
            event[name] = _JWT.sub("[redacted]", _URL_PASSWORD.sub(r"\1[redacted]@", value))
    return event
