"""Health and numbers: `/health/live`, `/health/ready`, `/metrics`.

Live says the process answers; it stays 200 during maintenance. Ready says requests are welcome: store reachable,
schema current, neither draining nor in maintenance. `/metrics` is open to callers on this computer (nothing between,
loopback Host) and needs the permission `kernel.metrics.read` from anywhere else.
"""

import platform
import time
from collections import deque
from functools import partial
from itertools import pairwise

import msgspec

from praxisd import __version__
from praxisd.kernel import events, issues_store, migrations
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House, State
from praxisd.kernel.finding import Severity
from praxisd.kernel.service import Answer, Call, Raw, Route
from praxisd.web.door import Door, Entry
from praxisd.web.metrics import gauge

RETRY_S = "5"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STORE_TRUST_S = 1.0
ASKERS = "health.askers"
"""Under this name the house knows its `Askers`."""
DRAIN_MOST_S = 6.5
"""A node that drains answers its running requests within 8 s, so it cannot wait longer for its balancer (SPEC 14.1)."""
_CHECKS, _MARGIN_S = 3, 0.5
_REGULAR_S = 10.0
"""Who asks less often is no balancer but monitoring."""
_ASKERS_MOST = 32


class Live(msgspec.Struct, rename="camel", frozen=True):
    """The process answers."""

    status: str = "live"


class Ready(msgspec.Struct, rename="camel", frozen=True):
    """`ready`, or `unavailable` with the reasons: starting, safe, draining, stopping, maintenance, store, migrations."""

    status: str
    reasons: tuple[str, ...] = ()


class Prober:
    """Asks the store if it is there, at most once a second, whoever asks."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._asked = float("-inf")
        self._reasons: tuple[str, ...] = ()
        self._current = False

    def reasons(self) -> tuple[str, ...]:
        """What keeps the store from serving: `store` (not reachable), `migrations` (schema not ours), or nothing."""
        if time.monotonic() - self._asked >= _STORE_TRUST_S:
            self._reasons = self._look()
            self._asked = time.monotonic()
        return self._reasons

    def _look(self) -> tuple[str, ...]:
        try:
            if not self._current:
                if migrations.pending(self._house.store, self._house.registry):
                    return ("migrations",)
                self._current = True
            with self._house.store.read(system("health")) as tx:
                tx.raw("SELECT 1").fetchone()
        except Exception as error:
            self._house.log.warning("store_unreachable", error=error)
            return ("store",)
        return ()


class Askers:
    """Who asks `/health/ready` again and again: load balancers, which must have heard of a drain before the doors close.

    They call a node gone after two or three failed checks, so that is how long it waits, by the time between the checks.
    """

    def __init__(self) -> None:
        self._asked: dict[str | None, deque[float]] = {}

    def heard(self, address: str | None, now: float) -> None:
        """One has asked; `now` in monotonic seconds."""
        if address not in self._asked and len(self._asked) >= _ASKERS_MOST:
            self._asked.pop(next(iter(self._asked)))
        self._asked.setdefault(address, deque(maxlen=_CHECKS)).append(now)

    def wait_s(self, now: float) -> float:
        """So long from `now` on the last of them needs to hear of it; 0.0 where nobody asks regularly."""
        longest = 0.0
        for times in self._asked.copy().values():
            gaps = [later - before for before, later in pairwise(times)]
            if len(gaps) == _CHECKS - 1 and now - times[-1] < _REGULAR_S and max(gaps) < _REGULAR_S:
                longest = max(longest, _CHECKS * max(gaps) + _MARGIN_S)
        return min(longest, DRAIN_MOST_S)


def ready(door: Door, prober: Prober, askers: Askers, call: Call) -> Answer:
    """Are requests welcome here

    200 when they are. 503 with the reasons while the node starts, drains or stops, during maintenance, when the
    database does not answer, or when its schema is not this program's. For load balancers and monitoring.
    """
    askers.heard(call.visit.address, time.monotonic())
    reasons: list[str] = []
    if call.house.state is not State.RUNNING:
        reasons.append(call.house.state.value)
    elif call.house.guard is not None and not call.house.guard.alone_at_door:
        reasons.append(State.STARTING.value)
    door.glance.look()
    if door.glance.closed is not None:
        reasons.append("maintenance")
    reasons += prober.reasons()
    if reasons:
        return Answer(Ready("unavailable", tuple(reasons)), 503, headers={"Retry-After": RETRY_S})
    return Answer(Ready("ready"))


def live(_call: Call) -> Answer:
    """Is the process there

    Always 200 while the process answers at all, also during maintenance.
    """
    return Answer(Live())


def resident_bytes() -> int:
    """Memory of this process that lies in RAM, in bytes (0 where the system does not tell)."""
    try:
        with open("/proc/self/statm", "rb") as file:
            pages = int(file.read().split()[1])
        import resource

        return pages * resource.getpagesize()
    except (OSError, ImportError, IndexError, ValueError):
        return 0


def metrics(door: Door, call: Call) -> Raw:
    """Numbers for Prometheus

    Requests by route and status class, durations, queue, memory, events, open issues. Never addresses, ids or names.
    """
    house = call.house
    state = next((s.value for s in State if s is house.state), "unknown")
    build = (
        f'{{version="{__version__}",python="{platform.python_version()}",engine="{house.store.engine.name}"}}'
    )
    lines = gauge("praxisd_build_info", "Version of the program.", 1, build)
    lines += gauge("praxisd_state", "What the program is doing.", 1, f'{{state="{state}"}}')
    lines += gauge(
        "praxisd_maintenance", "1 while maintenance closes the doors.", float(door.glance.closed is not None)
    )
    lines += door.metrics.lines()
    lines += gauge("praxisd_live_streams", "Streams of changes that are open.", len(door.hub))
    lines += gauge("praxisd_store_generation", "Commits of this process.", house.store.generation)
    lines += gauge("process_resident_memory_bytes", "Resident memory.", resident_bytes())
    with house.store.read(system("metrics")) as tx:
        head = events.head(tx)
        marks = [events.cursor(tx, f"handler:{h.name}", INSTALLATION) for h in house.registry.handlers]
        found = [one.severity for one in issues_store.list_all(tx) if one.ignored_by is None]
    lines += gauge("praxisd_events_head", "Number of the last event.", head)
    lag = head - min(marks, default=head)
    lines += gauge("praxisd_events_lag", "Events the slowest handler has yet to see.", max(lag, 0))
    name = "praxisd_issues_open"
    lines += [f"# HELP {name} Problems that are true now and that nobody ignores.", f"# TYPE {name} gauge"]
    lines += [f'{name}{{severity="{one.value}"}} {found.count(one)}' for one in Severity]
    return Raw(("\n".join(lines) + "\n").encode(), METRICS_TYPE)


def entries(door: Door) -> list[Entry]:
    """The three operations; the first two answer during maintenance and without a key."""
    prober, askers = Prober(door.house), Askers()
    door.house.shared[ASKERS] = askers
    open_to_all = "load balancers and monitoring hold no key; the answer says nothing of the practice"
    ready_call = _documented(partial(ready, door, prober, askers), ready)
    metrics_call = _documented(partial(metrics, door), metrics)
    return [
        Entry(
            Route(
                "GET",
                "/health/live",
                "health.live",
                live,
                None,
                answer=Live,
                why_open=open_to_all,
                root=True,
                quick=live,
                tags=("health",),
            ),
            exempt=True,
        ),
        Entry(
            Route(
                "GET",
                "/health/ready",
                "health.ready",
                ready_call,
                None,
                answer=Ready,
                why_open=open_to_all,
                root=True,
                tags=("health",),
            ),
            exempt=True,
            aside=True,
        ),
        Entry(
            Route(
                "GET",
                "/metrics",
                "health.metrics",
                metrics_call,
                "kernel.metrics.read",
                root=True,
                media_type=METRICS_TYPE,
                inside=True,
                tags=("health",),
            ),
            exempt=True,
            local_free=True,
        ),
    ]


def _documented(call: partial, source: object) -> partial:  # type: ignore[type-arg]
    """A bound function that keeps the words of its source for the OpenAPI document."""
    call.__doc__ = source.__doc__
    return call
