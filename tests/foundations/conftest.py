"""Callers of two tenants."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.context import Caller, TenantScope


def someone():
    return Caller(
        "someone", TenantScope(uuid4()), frozenset(), datetime.now(UTC) + timedelta(hours=1), "token"
    )


@pytest.fixture
def ours():
    return someone()


@pytest.fixture
def theirs():
    return someone()
