"""One torture of a cluster: everything starts, faults come in turn while clients book, and then all is judged."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from praxisd.testing.cluster_clients import BALANCER, RELAY, judged
from praxisd.testing.cluster_faults import FAULTS, NEED_RELAY
from praxisd.testing.cluster_haproxy import Haproxy
from praxisd.testing.cluster_report import Row, seen
from praxisd.testing.cluster_scene import Scene
from praxisd.testing.cluster_site import Site, rows
from praxisd.testing.torture_check import check_feed, check_history, check_state
from praxisd.testing.torture_history import History
from praxisd.testing.torture_state import State, postgres_state

JOB_S = 120.0


@dataclass
class Outcome:
    """What came of it. `faults` are broken promises."""

    rows: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


async def _happens(scene: Scene, name: str) -> Row:
    """One fault, until all is well again."""
    row = Row(name, time.monotonic_ns())
    began = time.monotonic()
    told = await FAULTS[name](scene)
    row.notes = told.notes
    row.back = await scene.well(told.mended)
    row.ended = time.monotonic_ns()
    row.page_gap = max(page.longest_gap(began, time.monotonic()) for page in scene.pages)
    return row


async def _torment(
    site: Site, faults: Sequence[str], seed: int, clients: int, pause_s: float, out: Outcome, history: History,
    say: Callable[[str], None], front: int,
) -> Scene:  # fmt: skip
    scene = Scene(site, seed, clients, pause_s, history, front)
    async with scene:
        await scene.well(time.monotonic())
        await asyncio.to_thread(site.job.owe, 3)
        for name in faults:
            known = len(scene.faults)
            row = await _happens(scene, name)
            for way in (BALANCER, RELAY) if site.relay is not None else (BALANCER,):
                row.seen[way] = seen(history.records, way, row.began, row.ended)
            out.rows.append(row)
            if name == "rolling" and row.failed(BALANCER):
                scene.faults.append(
                    f"rolling restart: {dict(row.seen[BALANCER].failed)} through the balancer"
                )
            say(
                f"  {name}: {(row.ended - row.began) / 1e9:.1f} s, failed {dict(row.seen[BALANCER].failed)}; "
                f"{'; '.join(row.notes)}; booked after {row.back.booked:.1f} s, live after "
                f"{max(row.back.pages.values(), default=0):.1f} s"
                + "".join(f"\n    BROKEN {one}" for one in scene.faults[known:])
            )
        last = await asyncio.to_thread(site.job.finish, JOB_S)
        await scene.rest()
        notes, wrong = await asyncio.to_thread(site.job.judge, last)
        out.notes += notes
        out.faults += wrong
    return scene


def torture(
    out: Path,
    faults: Sequence[str],
    seed: int,
    *,
    clients: int = 6,
    pause_s: float = 0.05,
    lease_s: int = 30,
    relay: bool = True,
    haproxy: bool = False,
    say: Callable[[str], None] = lambda _words: None,
) -> Outcome:
    """Everything; `faults` are names of `cluster_faults.FAULTS`, `clients` as many for each of two practices; `haproxy`:
    they come by a real one."""
    unknown = [one for one in faults if one not in FAULTS or (one in NEED_RELAY and not relay)]
    if unknown:
        raise ValueError(f"no such faults: {unknown}")
    found = Outcome()
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    with Site(out, lease_s, relay) as site, (out / "history.jsonl").open("wb") as file:
        history = History(file)
        site.start()
        say(f"  all started after {time.monotonic() - began:.1f} s")
        with ExitStack() as stack:
            front = stack.enter_context(Haproxy(out, site.ports)).port if haproxy else 0
            scene = asyncio.run(_torment(site, faults, seed, clients, pause_s, found, history, say, front))
        found.faults += scene.faults
        codes = [node.stop() for node in site.nodes]
        if any(codes):
            found.faults.append(f"exit codes after SIGTERM: {codes}")
        _judge(site, scene, history, found)
    found.seconds = time.monotonic() - began
    return found


def _judge(site: Site, scene: Scene, history: History, found: Outcome) -> None:
    """The history, the feeds and the pages against what is stored."""
    state = postgres_state(site.url)
    records = judged(history.records)
    found.faults += [f"{v.kind}: {v.text}" for v in (*check_state(state), *check_history(records, state))]
    homes = _homes(site.url)
    for number, one in scene.followers:
        own = _of(state, homes, site.scenes[number].organization)
        found.faults += [f"{v.kind}: {v.text}" for v in check_feed(one.who.portal, one.seen, own)]
    for page in scene.pages:
        found.faults += page.faults(scene.told[page.organization], homes)
    books = [r for r in history.records if r.op == "book"]
    found.notes += [
        f"{len(history.records)} requests, {sum(r.outcome == 'done' for r in books)} of {len(books)} bookings acknowledged, "
        f"{len(state.appointments)} appointments of {len(site.scenes)} practices, {len(state.events)} events, "
        f"{sum(len(p.heard) for p in scene.pages)} changes told to {len(scene.pages)} pages",
        f"{sum(r.outcome == 'unanswered' for r in history.records)} requests without an answer, "
        f"{sum(r.status == 503 for r in history.records)} times 503",
    ]


def _homes(url: str) -> dict[str, str]:
    """Whose each appointment is."""
    found = rows(url, "SELECT id, organization FROM calendar_appointment")
    return {f"Appointment/{id_}": organization for id_, organization in found}


def _of(state: State, homes: dict[str, str], organization: str) -> State:
    own = {k: v for k, v in state.appointments.items() if homes[f"Appointment/{k}"] == organization}
    return replace(state, appointments=own)
