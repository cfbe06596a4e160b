"""Asking for figures as another service of the mesh does."""

import pytest

from tests.metrics.figures.asking import Asker


@pytest.fixture
def figures(metrics_process):
    return Asker(metrics_process)
