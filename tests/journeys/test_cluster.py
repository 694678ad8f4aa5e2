"""Several nodes on one PostgreSQL (issue 12, done-when 1): the same as `make cluster`, small and with fixed dice.

What can only be seen with more nodes, hubs and time is `python -m praxisd.testing.cluster_torture`.
"""

import socket
import time
from pathlib import Path

import pytest

from praxisd.testing.cluster_run import torture
from praxisd.testing.programs import running
from praxisd.testing.torture_history import read

pytestmark = [pytest.mark.slow, pytest.mark.judge, pytest.mark.timeout(300)]
PATIENCE_S = 30.0


def test_a_killed_node_and_a_restarted_database_lose_nothing(tmp_path: Path) -> None:
    found = torture(
        tmp_path, ("kill", "postgres", "deaf"), 20_261_128, clients=3, pause_s=0.1, lease_s=2, relay=False
    )
    assert found.faults == []
    assert [row.fault for row in found.rows] == ["kill", "postgres", "deaf"]
    assert found.rows[1].seen[0].failed.total() > 0, "nobody noticed that the database was away"
    assert sum(r.outcome == "done" for r in read(tmp_path / "history.jsonl")) > 50


def test_a_node_behind_a_balancer_goes_on_accepting_until_that_has_heard(
    tmp_path: Path, postgres_url: str
) -> None:
    folder = tmp_path / "node"
    folder.mkdir(mode=0o700)
    (folder / "praxisd.toml").write_text(f'database_url = "{postgres_url}"\n')
    with running(folder) as node:
        ask = node.client()
        for _ in range(4):
            assert ask.call("GET", "/health/ready")[0] == 200
            time.sleep(1.0)
        node.process.terminate()
        end = time.monotonic() + PATIENCE_S
        while ask.call("GET", "/health/ready")[0] == 200:
            assert time.monotonic() < end
        # Not a single connection is open now: without the balancer the doors would be closed within 20 ms.
        time.sleep(0.5)
        assert ask.call("GET", "/health/ready")[0] == 503
        assert node.process.wait(PATIENCE_S) == 0
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", int(node.url.rsplit(":", 1)[1])), 1).close()
