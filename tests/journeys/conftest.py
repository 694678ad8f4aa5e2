"""What journeys share: the servers of small tortures are forked (`make torture` starts each of them)."""

import pytest

from praxisd.testing.torture_nodes import Node
from praxisd.testing.warm import Warm


@pytest.fixture(autouse=True)
def _warm_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Node, "popen", Warm)
