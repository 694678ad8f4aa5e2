"""Online calendars: 1,000 new appointments to a portal, and a cycle in which nothing has changed, beside vdirsyncer → Radicale.

Ours is a whole cycle of the engine (lease, reading the calendar, digest, the calls to the sandbox portal, what it keeps of it),
durable as always. The peer gets the same times as .ics files and brings them to its server. Both talk over loopback HTTP.
"""

import json
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench import online_peers, report
from bench.online_peers import Cost, Radicale, Vdirsyncer
from bench.practice import ZONE
from bench.programs import PRAXISD, Program
from praxisd import main
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.config import load
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.places import Organization
from praxisd.model.portals import AdapterName, OnlineCalendar, OnlinePortal
from praxisd.model.scheduling import OpeningRule
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import accounts, engine, engine_store, links
from praxisd.testing.recorder import Recorder

APPOINTMENTS = 1_000
DEMANDED = 100
KEY = "bench"
MOST_ROUNDS = 3
"""The peer takes about a minute for each."""
UNCHANGED = 7
"""Unchanged cycles per round, of each kind in turns, so that all meet the same noise; the median counts."""
_DAYS, _A_DAY, _LENGTH_S = 50, 20, 900
_CHUNK = 250
_NEW, _SAME = "online: 1,000 new appointments", "online: nothing has changed"
ADAPTERS: tuple[AdapterName, ...] = ("two_way", "webdav_ics")
_SAID = {"two_way": "two-way portal", "webdav_ics": "WebDAV, one file"}


@dataclass(frozen=True)
class Round:
    """What one side took."""

    new: Cost
    same: Cost


class Practice:
    """A practice in this process, and the sandbox portal beside it."""

    def __init__(self, folder: Path, portal: str) -> None:
        self.house: House = main.open_practice(folder, load(None, folder))
        self.desk: Actor = system("desk", new_id())
        self.portal = portal
        self.house.store.run(self.desk, _set_up)

    def linked(self, adapter: AdapterName, name: str, address: str) -> tuple[str, str]:
        """(portal, column): a new portal with one calendar, kept in step with a new, empty column."""
        _post(f"{self.portal}/calendars", {"name": name, "days": 90})
        return self.house.store.run(self.desk, lambda tx: self._link(tx, adapter, name, address))

    def _link(self, tx: Tx, adapter: AdapterName, name: str, address: str) -> tuple[str, str]:
        rules = (OpeningRule(days=(1, 2, 3, 4, 5, 6, 7), start="08:00", end="18:00"),)
        column = calendar.add_schedule(self.house, tx, name=name, hours=rules, observes_holidays=False).id
        fields = {"address": address}
        secrets = {"key": KEY} if adapter == "two_way" else {"password": KEY}
        if adapter == "webdav_ics":
            fields |= {"user": "praxis", "blocker_file": "{calendar}.blockers.ics"}
        record = OnlinePortal(name=name, adapter=adapter, active=True, fields=fields)
        portal = accounts.create(self.house, tx, accounts.Given(record, secrets)).id
        links.link(self.house, tx, OnlineCalendar(portal=portal, name=name, schedule=column))
        return portal, column

    def book(self, column: str) -> list[tuple[int, int]]:
        """1,000 appointments in the coming days, one after another; their times."""
        first = datetime.now(ZONE).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=1)
        times = []
        for number in range(APPOINTMENTS):
            day, place = divmod(number, _A_DAY)
            start = int((first + timedelta(days=day)).timestamp()) + place * 2 * _LENGTH_S
            times.append((start, start + _LENGTH_S))
        for index in range(0, APPOINTMENTS, _CHUNK):
            self.house.store.run(self.desk, partial(self._some, column, times[index : index + _CHUNK]))
        return times

    def _some(self, column: str, times: list[tuple[int, int]], tx: Tx) -> None:
        for start, end in times:
            calendar.book(
                self.house, tx, calendar.Wish(service=None, start=start, end=end, schedules=(column,))
            )

    def cycle(self, portal: str, sends: int | None) -> Cost:
        """One cycle at its time; RuntimeError unless it uploaded so many times (None: nothing)."""
        due: dict[str, Any] = {"due_at": 0, "contacted_at": 0, "fetched_at": 0}
        self.house.store.run(self.desk, lambda tx: engine_store.change_cycle(tx, portal, **due))
        cpu, began = time.process_time(), time.perf_counter()
        done = engine.run(self.house, self.desk, portal)
        cost = Cost(time.perf_counter() - began, time.process_time() - cpu)
        if done.state != "done" or [one.uploaded for one in done.results] != [sends]:
            raise RuntimeError(f"the cycle did not do what was meant: {done}")
        return cost

    def kept(self, name: str) -> int:
        """How many times the portal was told of last."""
        with urllib.request.urlopen(f"{self.portal}/uploads") as answer:
            return int(next(one["count"] for one in json.load(answer)[::-1] if one["calendar"] == name))


def _set_up(tx: Tx) -> None:
    directory.create_organization(
        tx, Organization(name="Praxis auf dem Pruefstand", zone=ZONE.key, region="DE-BE")
    )


def _post(url: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request).close()


def measure(rounds: int, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    """Interleaved rounds, then what went over the wire."""
    online_peers.need()
    rounds = min(rounds, MOST_ROUNDS)
    with tempfile.TemporaryDirectory(prefix="praxisd-bench-online-") as name:
        work = Path(name)
        (work / "practice").mkdir()
        command: list[str | Path] = [
            PRAXISD,
            "sandbox",
            "portal",
            "--data",
            work / "portal",
            "--port",
            "0",
            "--key",
            KEY,
        ]
        server = Radicale(work / "radicale")
        try:
            with Program(command, None, work / "portal.log") as portal:
                practice = Practice(work / "practice", portal.url)
                try:
                    return _measured(practice, server, work, rounds, say, notes)
                finally:
                    practice.house.stop()
        finally:
            server.stop()


def _measured(
    practice: Practice,
    server: Radicale,
    work: Path,
    rounds: int,
    say: Callable[[str], None],
    notes: list[str],
) -> list[report.Row]:
    ours: dict[AdapterName, list[Round]] = {one: [] for one in ADAPTERS}
    peer: list[Round] = []
    starts: list[Cost] = []
    for number in range(rounds):
        made: dict[AdapterName, str] = {}
        news: dict[AdapterName, Cost] = {}
        for adapter in ADAPTERS:
            made[adapter], new, times = _ours(practice, adapter, f"{adapter} {number}")
            news[adapter] = new
        theirs = Vdirsyncer(work / f"peer-{number}", f"busy-{number}", server.port)
        new = _theirs(theirs, server, f"busy-{number}", times)
        same: dict[AdapterName, list[Cost]] = {one: [] for one in ADAPTERS}
        same_peer, start = [], []
        for _ in range(UNCHANGED):
            for adapter in ADAPTERS:
                same[adapter].append(practice.cycle(made[adapter], None))
            same_peer.append(theirs.sync())
            start.append(theirs.start())
        for adapter in ADAPTERS:
            ours[adapter].append(Round(news[adapter], _middle(same[adapter])))
        peer.append(Round(new, _middle(same_peer)))
        starts.append(_middle(start))
        say(f"online: round {number + 1} of {rounds} done")
    notes.append(_said(ours, peer, starts))
    notes.append(_wire(practice, server, work))
    say("online: bytes counted")
    return [
        *(_row(_NEW, _SAID[one], [r.new for r in ours[one]], [r.new for r in peer]) for one in ADAPTERS),
        *(_row(_SAME, _SAID[one], [r.same for r in ours[one]], [r.same for r in peer]) for one in ADAPTERS),
        _bare([r.same for r in ours["two_way"]], [r.same for r in peer], starts),
    ]


def _ours(practice: Practice, adapter: AdapterName, name: str) -> tuple[str, Cost, list[tuple[int, int]]]:
    """(portal, what telling it of the new appointments took, their times)."""
    address = f"{practice.portal}/{'api' if adapter == 'two_way' else 'dav'}"
    portal, column = practice.linked(adapter, name, address)
    practice.cycle(portal, 0)
    times = practice.book(column)
    new = practice.cycle(portal, APPOINTMENTS)
    if practice.kept(name) != APPOINTMENTS:
        raise RuntimeError("the portal does not have what was uploaded")
    return portal, new, times


def _theirs(peer: Vdirsyncer, server: Radicale, name: str, times: list[tuple[int, int]]) -> Cost:
    peer.add(times)
    new = peer.sync()
    if server.count(name) != APPOINTMENTS:
        raise RuntimeError(f"Radicale has {server.count(name)} events")
    return new


def _middle(costs: list[Cost]) -> Cost:
    return Cost(median(one.wall for one in costs), median(one.cpu for one in costs))


def _row(part: str, name: str, ours: list[Cost], peer: list[Cost]) -> report.Row:
    return report.row(
        part,
        name,
        [1 / one.wall for one in ours],
        [1 / one.wall for one in peer],
        cpu=([one.cpu for one in ours], [one.cpu for one in peer]),
        demanded=DEMANDED,
        note="so many times faster than vdirsyncer → Radicale; by cpu: the client alone",
    )


def _bare(ours: list[Cost], peer: list[Cost], starts: list[Cost]) -> report.Row:
    """The harder figure: as if vdirsyncer were running already."""
    worked = [
        Cost(max(one.wall - start.wall, 1e-6), max(one.cpu - start.cpu, 1e-6))
        for one, start in zip(peer, starts, strict=True)
    ]
    return report.row(
        _SAME,
        "two-way, its start left out",
        [1 / one.wall for one in ours],
        [1 / one.wall for one in worked],
        cpu=([one.cpu for one in ours], [one.cpu for one in worked]),
        note="vdirsyncer starts anew for each run; here what its start takes is taken off",
    )


def _wire(practice: Practice, server: Radicale, work: Path) -> str:
    """What goes over the wire in both cases, heard in between; these cycles are not among the measured ones."""
    said = []
    port = urlsplit(practice.portal).port or 0
    for adapter in ADAPTERS:
        with Recorder("127.0.0.1", port) as between:
            name = f"{adapter} wire"
            address = f"http://127.0.0.1:{between.port}/{'api' if adapter == 'two_way' else 'dav'}"
            portal, column = practice.linked(adapter, name, address)
            practice.cycle(portal, 0)
            practice.book(column)
            said.append(
                f"{_SAID[adapter]} {_bytes(between, partial(practice.cycle, portal, APPOINTMENTS))} and "
                f"{_bytes(between, partial(practice.cycle, portal, None))}"
            )
    with Recorder("127.0.0.1", server.port) as between:
        peer = Vdirsyncer(work / "peer-wire", "busy-wire", between.port)
        peer.add(practice.book(practice.linked("two_way", "spare", f"{practice.portal}/api")[1]))
        said.append(f"vdirsyncer {_bytes(between, peer.sync)} and {_bytes(between, peer.sync)}")
    return (
        "bytes on the wire (sent + received) of 1,000 new appointments and of an unchanged cycle: "
        + "; ".join(said)
    )


def _bytes(between: Recorder, work: Callable[[], object]) -> str:
    between.clear()
    work()
    sent, received = between.size()
    return f"{sent:,} + {received:,}"


def _said(ours: dict[AdapterName, list[Round]], peer: list[Round], starts: list[Cost]) -> str:
    """The medians behind the ratios."""
    parts = [(_SAID[one], ours[one]) for one in ADAPTERS] + [(f"vdirsyncer ({online_peers.version()})", peer)]
    words = [
        f"{name} {median(r.new.wall for r in found) * 1000:,.0f} ms and {median(r.same.wall for r in found) * 1000:,.1f} ms"
        for name, found in parts
    ]
    return f"online: {'; '.join(words)}, of which {median(one.wall for one in starts) * 1000:,.0f} ms are its start"
