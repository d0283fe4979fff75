"""Fixtures of the tests of data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from unreliable_server import UnreliableServer

from command_line import fivefold

__all__ = ["fivefold"]


@pytest.fixture
def server() -> Iterator[UnreliableServer]:
    with UnreliableServer().running() as running:
        yield running
