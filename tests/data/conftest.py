from __future__ import annotations

from collections.abc import Iterator

import pytest
from unreliable_server import UnreliableServer


@pytest.fixture
def server() -> Iterator[UnreliableServer]:
    with UnreliableServer().running() as running:
        yield running
