"""Which exceptions of drivers and channels are expected, and what they mean to a caller."""

import sys
from types import ModuleType

import grpc

from libs.common.errors import AnalyticsError, DependencyTimedOut, DependencyUnavailable

_TRANSIENT_CODES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED)


def expected(error: BaseException) -> AnalyticsError | None:
    """The catalogue error an exception stands for, or None when nobody expected it.

    Drivers are looked up among the modules already loaded: an exception of another one cannot have happened,
    and no process pays for drivers it does not use.
    """
    if isinstance(error, AnalyticsError):
        return error
    if isinstance(error, grpc.aio.AioRpcError):
        return _of_outgoing_call(error)
    return _of_postgres(error) or _of_redis(error) or _of_mongo(error) or _of_broker(error)


def _loaded(name: str) -> ModuleType | None:
    return sys.modules.get(name)


def _of_outgoing_call(error: grpc.aio.AioRpcError) -> AnalyticsError | None:
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DependencyTimedOut("another service did not answer in time")
    if error.code() in _TRANSIENT_CODES:
        return DependencyUnavailable("another service is not available")
    return None


def _of_postgres(error: BaseException) -> AnalyticsError | None:
    module = _loaded("libs.common.postgres.errors")
    # A bare OSError says nothing of where it came from; transactions translate their own.
    if module is None or not type(error).__module__.startswith("asyncpg"):
        return None
    translated: AnalyticsError | None = module.translated(error)
    return translated


def _of_redis(error: BaseException) -> AnalyticsError | None:
    if (module := _loaded("redis.exceptions")) is None:
        return None
    if isinstance(error, module.TimeoutError):
        return DependencyTimedOut("the cache did not answer in time", dependency="redis")
    if isinstance(error, module.ConnectionError | module.BusyLoadingError):
        return DependencyUnavailable("the cache is not reachable", dependency="redis")
    return None


def _of_mongo(error: BaseException) -> AnalyticsError | None:
    if (module := _loaded("pymongo.errors")) is None:
        return None
    if isinstance(error, module.NetworkTimeout | module.ExecutionTimeout | module.WTimeoutError):
        return DependencyTimedOut("the document store did not answer in time", dependency="mongo")
    if isinstance(error, module.ConnectionFailure | module.WaitQueueTimeoutError):
        return DependencyUnavailable("the document store is not reachable", dependency="mongo")
    return None


def _of_broker(error: BaseException) -> AnalyticsError | None:
    if (module := _loaded("aiormq.exceptions")) is None:
        return None
    if isinstance(
        error, module.AMQPConnectionError | module.ConnectionClosed | module.ChannelInvalidStateError
    ):
        return DependencyUnavailable("the event bus is not reachable", dependency="bus")
    return None
