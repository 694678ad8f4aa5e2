"""One torture on one engine: a practice, its servers, sixty-four clients, and the judgement afterwards."""

import asyncio
import shutil
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from praxisd.testing.postgres import PostgresServer
from praxisd.testing.torture_check import Violation, check_feed, check_history, check_state
from praxisd.testing.torture_client import Client
from praxisd.testing.torture_feeds import Follower
from praxisd.testing.torture_history import History, Record, attempts
from praxisd.testing.torture_http import Http, Unanswered
from praxisd.testing.torture_nodes import Node
from praxisd.testing.torture_proof import unproven
from praxisd.testing.torture_scene import ZONE, Scene, prepare, write_config
from praxisd.testing.torture_state import State, postgres_state, sqlite_state
from praxisd.testing.torture_wishes import Wishes

CLIENTS = 64


@dataclass
class Result:
    """What came of one torture. `seconds`: of the load alone."""

    engine: str
    records: list[Record]
    violations: list[Violation]
    seconds: float
    fhir: bool
    state: State
    clients: int = CLIENTS
    notes: list[str] = field(default_factory=list)

    @property
    def attempts(self) -> int:
        """Requests that tried to give an appointment a time."""
        return attempts(self.records)


class Site:
    """A practice with its servers: one on SQLite, two sharing a durable PostgreSQL. Use as a context."""

    def __init__(self, engine: str, out: Path) -> None:
        self.engine, self.out = engine, out
        self._stack = ExitStack()
        self.url: str | None = None
        self.nodes: list[Node] = []
        self.scene: Scene

    def __enter__(self) -> "Site":
        with ExitStack() as stack:
            if self.engine == "postgresql":
                server = stack.enter_context(PostgresServer(durable=True))
                self.url = server.new_database()
                stack.callback(
                    lambda: shutil.copy(Path(str(server.folder)) / "log", self.out / "postgresql.log")
                )
            for number in range(1 if self.url is None else 2):
                folder = self.out / f"{self.engine}-node{number}"
                write_config(folder, self.url)
                self.nodes.append(Node(number, folder, self.out / f"{self.engine}-node{number}.log"))
            self.scene = prepare(self.nodes[0].folder, self.url)
            for node in self.nodes:
                stack.callback(node.kill)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start all nodes and wait until each is ready."""
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.ready()

    @property
    def ports(self) -> list[int]:
        """Where the nodes answer."""
        return [node.port for node in self.nodes]

    def state(self) -> State:
        """What is stored. On SQLite only while no server runs."""
        if self.url is None:
            return sqlite_state(self.nodes[0].folder / "praxisd.db")
        return postgres_state(self.url)

    def deadlocks(self) -> int:
        """How many PostgreSQL had to resolve: none is a fault, many cost a second each."""
        import psycopg

        if self.url is None:
            return 0
        with psycopg.connect(self.url.replace("postgresql+psycopg://", "postgresql://")) as connection:
            row = connection.execute(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            ).fetchone()
        return int(row[0]) if row else 0


async def speaks_fhir(site: Site) -> bool:
    """Whether the server has the FHIR door with `$book` at all."""
    http = Http(site.nodes[0].port, site.scene.credentials[0].secret)
    reply = await http.ask(
        "POST", "/fhir/R4/Appointment/$book", b"{}", {"Content-Type": "application/fhir+json"}
    )
    http.close()
    return reply.status in (400, 422)


def clients(site: Site, wishes: Wishes, history: History, count: int, fhir: bool) -> list[Client]:
    """`count` clients: portals and desk in turn, spread over the nodes."""
    who = site.scene.credentials
    return [
        # Every credential on every node: the node changes with the number, the credential with its half.
        Client(str(n), who[n // len(site.nodes) % len(who)], site.ports, wishes, history, fhir)
        for n in range(count)
    ]


async def _load(everyone: list[Client], history: History, wanted: int) -> None:
    """All clients at once until `wanted` attempts were made. Raises Unanswered when a server fell silent."""
    seen = counted = 0

    async def run(one: Client) -> None:
        nonlocal seen, counted
        while counted < wanted:
            await one.step()
            fresh, seen = history.records[seen:], len(history.records)
            counted += attempts(fresh)

    await asyncio.gather(*(run(one) for one in everyone))


async def _storm(site: Site, history: History, wanted: int, seed: int) -> Result:
    """The load with its followers, then everything that is asked of running servers, then their end."""
    fhir = await speaks_fhir(site)
    wishes, found = Wishes(site.scene, seed), list[Violation]()
    followers = [Follower(who, site.ports) for who in site.scene.credentials]
    everyone = clients(site, wishes, history, CLIENTS, fhir)
    end = asyncio.Event()
    following = [asyncio.create_task(one.follow(end)) for one in followers]
    began = time.monotonic()
    try:
        await _load(everyone, history, wanted)
    except Unanswered as error:
        found.append(Violation("unanswered", f"a server left a request without an answer: {error}"))
    seconds = time.monotonic() - began
    end.set()
    for fell in await asyncio.gather(*following, return_exceptions=True):
        if fell is not None:
            found.append(Violation("feed", f"a follower fell: {fell!r}"))
    followers += [Follower(who, site.ports) for who in site.scene.credentials]  # who come only now
    for one in followers:
        await one.finish()
        found += [Violation("feed", text) for text in one.faults]
    offers = await _offers(site)
    for client in everyone:
        client.close()
    for one in followers:
        one.close()
    codes = [node.stop() for node in site.nodes]
    if any(codes):
        found.append(Violation("exit_code", f"{codes} after SIGTERM"))
    state = site.state()
    notes = [f"PostgreSQL resolved {site.deadlocks()} deadlocks"] if site.url else []
    for one in followers:
        found += check_feed(one.who.portal, one.seen, state)
    found += [Violation("offered", str(one)) for one in offers if _taken(one, site.scene, state)]
    return Result(site.engine, history.records, found, seconds, fhir, state, notes=notes)


async def _offers(site: Site) -> list[tuple[str, int, int, str]]:
    """(service, start, end, schedule) of every free slot offered on the day of wishes, by every node."""
    day = datetime.fromtimestamp(site.scene.opens, ZONE)
    query = f"from={day:%Y-%m-%dT00:00:00}Z&to={day:%Y-%m-%dT23:00:00}Z"
    found = []
    for port in site.ports:
        http = Http(port, site.scene.credentials[0].secret)
        for name in ("check", "surgery", "cleaning"):
            path = f"/api/v1/slots?service={site.scene.services[name].id}&{query}"
            answer: Any = (await http.ask("GET", path)).json()
            for slot in answer["slots"]:
                times = [int(datetime.fromisoformat(slot[k]).timestamp()) for k in ("start", "end")]
                found += [(name, times[0], times[1], schedule) for schedule in slot["schedules"]]
        http.close()
    return found


def _taken(offer: tuple[str, int, int, str], scene: Scene, state: State) -> bool:
    """Whether an offered time is occupied by an appointment or a reservation (holds may have lapsed meanwhile)."""
    name, start, end, schedule = offer
    kind = scene.services[name]
    first, last = start - kind.buffer_before * 60, end + kind.buffer_after * 60
    return any(
        row.schedule == schedule and row.kind != "hold" and row.start < last and first < row.end
        for row in state.busy
    )


def judge(result: Result) -> Result:
    """Add what the stored rows and the recorded answers say, and whether the judge would have seen a fault."""
    result.violations += check_state(result.state)
    result.violations += check_history(result.records, result.state)
    blind = unproven(result.records, result.state)
    result.violations += [Violation("blind_checker", f"a planted {what} was not found") for what in blind]
    return result


def torture(engine: str, wanted: int, seed: int, out: Path) -> Result:
    """`wanted` attempts on `engine` (sqlite, postgresql); the history is written to `out`/history-<engine>.jsonl."""
    with Site(engine, out) as site, (out / f"history-{engine}.jsonl").open("wb") as file:
        site.start()
        return judge(asyncio.run(_storm(site, History(file), wanted, seed)))


def outcomes(records: list[Record]) -> Counter[tuple[str, str, str]]:
    """How often each (door, operation, answer) came."""
    return Counter((r.door, r.op, f"{r.status} {r.code or ''}".strip()) for r in records)
