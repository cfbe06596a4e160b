"""What PostgreSQL's refusals mean to a caller; those that nobody expects stay bugs."""

from datetime import timedelta

import asyncpg

from libs.common.errors import AnalyticsError, DependencyUnavailable, Kind


class DatabaseBusy(AnalyticsError):
    """Every connection of this process is in use: the database is slower than the calls that arrive."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "DATABASE_BUSY"


class StatementTimedOut(AnalyticsError):
    """One SQL statement ran longer than the service allows."""

    kind = Kind.DEADLINE_EXCEEDED
    reason = "STATEMENT_TIMED_OUT"


class TransactionConflict(AnalyticsError):
    """A lock could not be had in time, or this transaction lost against another one; nothing was changed."""

    kind = Kind.ABORTED
    reason = "TRANSACTION_CONFLICT"


CONNECTION_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,
)
_CONFLICTS = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)


def is_connection_lost(error: BaseException) -> bool:
    """Whether the connection itself failed, so that it must not be used again."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return False
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error) or "released" in str(error)
    return isinstance(error, CONNECTION_LOST)


def translated(error: BaseException) -> AnalyticsError | None:
    """The catalogue error that a driver's error stands for; None when it is unexpected."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return StatementTimedOut("the query took too long; ask for a shorter window or fewer groups")
    if isinstance(error, _CONFLICTS):
        return TransactionConflict(
            "another change got in the way; try again", retry_after=timedelta(milliseconds=200)
        )
    if is_connection_lost(error):
        return DependencyUnavailable("the database is not reachable", dependency="postgres")
    return None
