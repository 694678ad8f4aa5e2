"""Where a cluster is tormented: a PostgreSQL, nodes, two practices, hubs with NATS, a job; all on this computer."""

import asyncio
import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from praxisd.testing.cluster_job import Owed, install
from praxisd.testing.cluster_postgres import Restarted
from praxisd.testing.cluster_relay import Relay
from praxisd.testing.programs import Client
from praxisd.testing.relay_hub import free_port
from praxisd.testing.torture_nodes import Node
from praxisd.testing.torture_scene import SETTINGS, Scene, prepare

NODES = 3


def rows(url: str, statement: str, *values: Any) -> list[Any]:
    """What the database says, asked with the bare driver on a connection of its own."""
    import psycopg

    with psycopg.connect(
        url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True
    ) as connection:
        return connection.execute(statement.encode(), values).fetchall()


class Patient(Node):
    """Three that start at once on a busy machine take their time."""

    ready_s = 300.0


class Site:
    """All of it. `scenes`: two practices on one installation, apart from each other; the first is reached through the relay."""

    def __init__(self, out: Path, lease_s: int, relay: bool, nodes: int = NODES) -> None:
        self.out, self.lease_s, self._with_relay, self._count = out, lease_s, relay, nodes
        self._stack = ExitStack()
        self.database = Restarted()
        self.url = ""
        self.nodes: list[Node] = []
        self.scenes: list[Scene] = []
        self.relay: Relay | None = None
        self.job: Owed
        self.frozen: set[int] = set()

    def __enter__(self) -> "Site":
        with ExitStack() as stack:
            self.database.start()
            stack.callback(self.database.stop)
            self.url = self.database.new_database()
            for number in range(self._count):
                folder = self.out / f"node{number}"
                self._configure(folder)
                install(folder, self.out / "cluster_trial-1.0-py3-none-any.whl")
                self.nodes.append(Patient(number, folder, self.out / f"node{number}.log", free_port()))
            # Both by the first folder: its vault is the one of all.
            self.scenes = [prepare(self.nodes[0].folder, self.url) for _ in range(2)]
            for node in self.nodes:
                stack.callback(self._end, node)
            if self._with_relay:
                self.relay = stack.enter_context(Relay(self.out / "relay"))
            self.job = Owed(self.url)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def _end(self, node: Node) -> None:
        if node.number in self.frozen:
            self.thaw(node)
        node.kill()

    def _configure(self, folder: Path) -> None:
        lines = [
            'log_level = "warning"',
            f'database_url = "{self.url}"',
            f'vault_key = "{self.out / "node0" / "vault.key"}"',
            f"job_lease_s = {self.lease_s}",
            "[settings]",
            *(f'"{name}" = {value}' for name, value in SETTINGS.items()),
        ]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "praxisd.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self) -> None:
        """Start all nodes and wait until each is ready; then the relay, if there is one."""
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.ready()
        if self.relay is not None:
            self.relay.enrol(self.nodes[0].folder, self.relay_state)

    def relay_state(self) -> dict[str, object]:
        """What the desk is shown of the relay."""
        for node in self.nodes:
            if node.number in self.frozen:
                continue
            try:
                status, found = Client(f"http://127.0.0.1:{node.port}", self.desk(0)).call(
                    "GET", "/api/v1/relay"
                )
            except OSError:
                continue
            if status == 200:
                return dict(found)
        return {}

    def desk(self, practice: int) -> str:
        """The secret of a practice's desk."""
        return next(one.secret for one in self.scenes[practice].credentials if one.role == "desk")

    def changes(self, organization: str) -> dict[int, str]:
        """All changes of appointments that pages of a practice are told of: number of the event -> subject."""
        statement = "SELECT seq, subject_id FROM kernel_event WHERE organization = %s AND subject_type = 'Appointment'"
        return {seq: f"Appointment/{id_}" for seq, id_ in rows(self.url, statement, organization)}

    @property
    def ports(self) -> list[int]:
        """Where the nodes answer; they keep their ports."""
        return [node.port for node in self.nodes]

    def freeze(self, node: Node) -> None:
        """SIGSTOP: as if its computer slept."""
        self.frozen.add(node.number)
        os.kill(node.pid, signal.SIGSTOP)

    def thaw(self, node: Node) -> None:
        """SIGCONT."""
        self.frozen.discard(node.number)
        os.kill(node.pid, signal.SIGCONT)

    async def again(self, node: Node) -> None:
        """Start a node that has ended, and wait until it is ready."""
        await asyncio.to_thread(node.start)
        await asyncio.to_thread(node.ready)

    def node_of(self, owner: str | None) -> Node | None:
        """The node that names itself so (host-pid-random), if it runs here."""
        return next((n for n in self.nodes if owner and n.running and f"-{n.pid}-" in owner), None)
