"""Checks run side by side: a round lasts as long as its slowest check. What they found is settled afterwards by one thread.

A check has its own time limit; one that hangs stays behind in its thread and is not begun again until it ends. A round
that the server's stop interrupts settles nothing.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import leases
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.finding import Check, Finding, Severity
from praxisd.kernel.issues_store import SEEN_EVERY_S, Issue, clear, list_all, raise_issue
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House

RUN_EVERY_S = 60.0
_LEASE_S = 180
AT_ONCE = 32
"""So many checks run beside each other; those left behind hanging do not count."""
WAITING_MOST = 2
"""So many wait for the checks that another person began; who comes then sees what is known."""
_HEAD_START_S = 0.005
"""A check has the interpreter to itself for so long: the many quick ones do not crowd out requests all at once."""
_LOOK_S = 0.1
"""How often a waiting round looks whether the server stops. Seconds."""
_GRACE_S = 1.0
"""A stopping server waits so long for checks that are under way. Seconds."""
FAILED = "issues.check_failed"
TIMEOUT = "issues.check_timeout"


class Report(msgspec.Struct, frozen=True):
    """What a round of checks found: all open issues of the installation, and the names of the checks that ran."""

    issues: tuple[Issue, ...]
    checked: tuple[str, ...]


class _Look:
    """One check in a thread of its own; `ticket` says in which order looks were begun."""

    def __init__(self, house: "House", check: Check, ticket: int) -> None:
        self.check, self.ticket = check, ticket
        self.over = threading.Event()
        self.found: list[Finding] = []
        self.fault: BaseException | None = None
        self._house = house
        self._until = time.monotonic() + check.seconds
        self._thread = threading.Thread(target=self._call, name=f"praxisd-check-{check.name}", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def _call(self) -> None:
        try:
            self.found.extend(self.check.call(self._house))
        except BaseException as error:
            self.fault = error
        finally:
            self.over.set()

    @property
    def left_s(self) -> float:
        """Seconds until its limit; negative once that is passed."""
        return self._until - time.monotonic()

    @property
    def hangs(self) -> bool:
        return not self.over.is_set() and self.left_s <= 0


class _Checking:
    """What all rounds of one house share: the looks under way, when each check last ran, and what was settled last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.settling = threading.Lock()
        self.asked = threading.Lock()
        self.waiting = threading.BoundedSemaphore(WAITING_MOST)
        self.under_way: dict[str, list[_Look]] = {}
        self.last: dict[str, float] = {}
        self.settled: dict[str, int] = {}
        self._tickets = 0

    def begin(self, house: "House", check: Check) -> _Look | None:
        """Begin to look; None while an earlier look of this check hangs."""
        with self.lock:
            alive = [one for one in self.under_way.get(check.name, ()) if not one.over.is_set()]
            self.under_way[check.name] = alive
            if any(one.hangs for one in alive):
                return None
            self._tickets += 1
            look = _Look(house, check, self._tickets)
            alive.append(look)
            self.last[check.name] = house.clock.monotonic()
        look.begin()
        return look

    def is_due(self, house: "House", check: Check) -> bool:
        """Half a round early counts: rounds do not come to the second."""
        last = self.last.get(check.name)
        return last is None or house.clock.monotonic() - last >= check.every_s - RUN_EVERY_S / 2


def _of(house: "House") -> _Checking:
    found: _Checking = house.shared.setdefault("checking", _Checking())
    return found


def run_checks(house: "House", names: Sequence[str] | None = None, *, due: bool = False) -> Report:
    """Run the named checks (all if None) and bring the open issues in line with what they find.

    Each check has its own time limit; one that hangs or crashes is itself an issue and clears nothing. `due`: leave out
    those whose `every_s` has not passed since they last ran. An empty report if the server stops meanwhile.
    """
    checking = _of(house)
    chosen = [c for c in house.registry.checks if names is None or c.name in names]
    if due:
        chosen = [c for c in chosen if checking.is_due(house, c)]
    looks = _side_by_side(house, checking, chosen)
    if house.stopping:
        return Report((), ())
    with checking.settling:
        with house.store.read(system("checks")) as tx:
            standing = list_all(tx)
        for check, look in zip(chosen, looks, strict=True):
            if house.stopping:
                return Report((), ())
            if look is not None and checking.settled.get(check.name, 0) > look.ticket:
                continue  # somebody asked later and was answered sooner: this is what was true before that
            found, finished = _outcome(house, check, look)
            if look is not None:
                checking.settled[check.name] = look.ticket
            mine = (check.name, check.source)
            _settle(house, check, found, finished, [i for i in standing if i.source in mine])
        if names is None:
            _forget_foreign(house)
        with house.store.read(system("checks")) as tx:
            return Report(tuple(list_all(tx)), tuple(c.name for c in chosen))


def check_now(house: "House") -> None:
    """Run all checks because a person asks. Who asks while another's checks are running waits for those instead; with
    `WAITING_MOST` waiting already, nobody else does: they would hold the threads that serve everybody.
    """
    checking = _of(house)
    if checking.asked.acquire(blocking=False):
        try:
            run_checks(house)
        finally:
            checking.asked.release()
    elif checking.waiting.acquire(blocking=False):
        try:
            with checking.asked:
                return
        finally:
            checking.waiting.release()


def _side_by_side(house: "House", checking: _Checking, checks: Sequence[Check]) -> list[_Look | None]:
    """Look at all of them, those with the longest limit first; in the order given, None for one that already hangs."""
    begun: dict[str, _Look | None] = {}
    for check in sorted(checks, key=lambda one: -one.seconds):
        busy = [one for one in begun.values() if one is not None and not one.over.is_set()]
        while len(busy) >= AT_ONCE and not house.stopping:
            busy[0].over.wait(_LOOK_S / 10)
            busy = [one for one in busy if not (one.over.is_set() or one.hangs)]
        if house.stopping:
            break
        look = begun[check.name] = checking.begin(house, check)
        if look is not None:
            look.over.wait(_HEAD_START_S)
    waited = [one for one in begun.values() if one is not None]
    for one in sorted(waited, key=lambda look: look.left_s):
        while not house.stopping and one.left_s > 0 and not one.over.wait(min(_LOOK_S, one.left_s)):
            pass
    if house.stopping:
        until = time.monotonic() + _GRACE_S
        for one in waited:
            one.over.wait(max(0.0, until - time.monotonic()))
    return [begun.get(check.name) for check in checks]


def _outcome(house: "House", check: Check, look: _Look | None) -> tuple[list[Finding], bool]:
    """What a check found, and whether it came to an end."""
    if look is None or not look.over.is_set():
        if look is not None:
            house.log.warning("check_timeout", check=check.name)
        return [_about(check, TIMEOUT)], False
    undeclared = sorted({f.code for f in look.found} - set(check.codes))
    if undeclared:
        house.log.error("check_undeclared_code", check=check.name, code=undeclared[0])
        return [_about(check, FAILED)], False
    if look.fault is not None:
        house.log.error("check_failed", check=check.name, error=look.fault)
        return [_about(check, FAILED)], False
    return look.found, True


def _about(check: Check, code: str) -> Finding:
    return Finding(code, check.name, Severity.WARNING, {"seconds": round(check.seconds)})


def _settle(
    house: "House", check: Check, found: Sequence[Finding], finished: bool, standing: Sequence[Issue]
) -> None:
    """Raise what was found; clear what this check raised before (`standing`) and does not find any more."""
    now = {(f.organization or INSTALLATION, f.code, f.subject): f for f in found}
    before = {(i.organization, i.code, i.subject): i for i in standing}
    healed = [i for key, i in before.items() if key not in now and (finished or i.code in (FAILED, TIMEOUT))]
    moment = house.clock.now()
    news = {key: f for key, f in now.items() if key not in before or _changed(f, before[key], moment)}
    for organization in sorted({o for o, _, _ in news} | {i.organization for i in healed}):
        raised = [f for key, f in news.items() if key[0] == organization]
        gone = [i for i in healed if i.organization == organization]

        def work(tx: Tx, raised: Iterable[Finding] = raised, gone: Iterable[Issue] = gone) -> None:
            for finding in raised:
                raise_issue(tx, finding, check.source)
            for issue in gone:
                clear(tx, issue.code, issue.subject)

        house.store.run(system("checks", organization), work)


def _changed(finding: Finding, issue: Issue, now: int) -> bool:
    """Is there anything to write about a problem that stands already?"""
    same = finding.severity is issue.severity and msgspec.json.encode(
        dict(finding.params)
    ) == msgspec.json.encode(issue.params)
    return not same or now - issue.last_at >= SEEN_EVERY_S


def _forget_foreign(house: "House") -> None:
    """Clear what checks of another version or of a plug-in that is gone have left: nobody else ever would.

    So too what was true on a computer that is no node any more. Where other nodes may run that version, only what none of
    them has seen for a while.
    """
    names = {name for check in house.registry.checks for name in (check.name, check.source)}
    placed = {check.name for check in house.registry.checks if check.place is not None}
    with house.store.read(system("checks")) as tx:
        found = [
            one
            for one in list_all(tx)
            if one.source not in names
            and (one.source.partition("@")[0] in placed or not house.texts.has(f"{one.code}.title"))
            and (house.store.alone or one.last_at < tx.now - 2 * SEEN_EVERY_S)
        ]
    for one in found:
        house.store.run(system("checks", one.organization), partial(_cleared, one))


def _cleared(one: Issue, tx: Tx) -> bool:
    return clear(tx, one.code, one.subject)


class Checker:
    """Runs the checks every minute, on one node of the installation: the one that holds the lease `checks`. The others run
    those that look at the computer itself.
    """

    def __init__(self, house: "House") -> None:
        self._house = house
        self._next: float | None = None

    def step(self) -> int:
        """Run the checks if they are due; returns 0, because there is never more to do at once."""
        now = self._house.clock.monotonic()
        if self._next is not None and now < self._next:
            return 0
        self._next = now + RUN_EVERY_S
        lease = self._house.store.run(
            system("checks"), lambda tx: leases.acquire(tx, "checks", self._house.node, _LEASE_S)
        )
        own = [check.name for check in self._house.registry.checks if check.place is not None]
        run_checks(self._house, None if lease is not None else own, due=True)
        return 0
