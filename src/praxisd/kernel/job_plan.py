"""From plans to runs: a row for every declared job, and a run for every due time, exactly once over all
nodes.
"""

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from praxisd.kernel import clock, events, schedule
from praxisd.kernel import job_store as rows
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.service import JobType, Scope
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House

LATE_S = 90
"""A run found later than this after its due time counts as missed while the machine was off. Seconds."""
MAX_AGE_S = 24 * 3600
"""How old a missed run may be and still be made up for, unless a person sets another age. Seconds."""
CHUNK = 100
"""Due times handled in one transaction (a write lasts at most 50 ms)."""
MISSED = ("none", "once", "all")
MISSED_CODE = "jobs.missed"
OVERLAP_CODE = "jobs.overlap"
BY_PLAN = "schedule"
"""What is written as the one who started a run that its plan made."""


def organizations(house: "House", tx: Tx) -> list[str]:
    """The practices of this installation, as `house.shared["organizations"]` names them; else the
    installation.
    """
    ask = house.shared.get("organizations")
    return list(ask(tx)) if ask is not None else [INSTALLATION]


def zone_name(house: "House", tx: Tx) -> str:
    """The time zone of the transaction's organization: `house.shared["zone"](tx)`, else the setting
    `kernel.zone`.
    """
    ask = house.shared.get("zone")
    if ask is not None and tx.organization != INSTALLATION:
        return str(ask(tx))
    return str(house.settings.get(tx, "kernel.zone"))


def zone_of(name: str) -> ZoneInfo:
    """The zone, or UTC where this machine does not know it: jobs go on and `clock.zone_unknown` says so."""
    try:
        return clock.zone(name)
    except Problem:
        return ZoneInfo("UTC")


def home(declared: JobType, organization: str) -> str:
    """The organization whose row the job has, seen from `organization`."""
    return INSTALLATION if declared.per is Scope.INSTALLATION else organization


def add_run(tx: Tx, job: str, due_at: int, triggered_by: str, missed: str | None = None) -> str | None:
    """Insert a run into the transaction's organization; its id, or None when the due time is taken already.

    `missed` is the code of a run that is only to be seen, not to be started.
    """
    id_ = new_id()
    added = tx.run(
        rows.ADD_RUN,
        id=id_,
        job=job,
        due_at=due_at,
        state="waiting" if missed is None else "missed",
        started_at=None,
        ended_at=None if missed is None else tx.now,
        owner="",
        lease_until=0,
        fence=0,
        attempt=0,
        cursor="null",
        counts="{}",
        code=missed,
        triggered_by=triggered_by,
        cancel_requested=0,
        progress_done=None,
        progress_total=None,
    )
    return id_ if added == 1 else None


def start_now(tx: Tx, job: str, triggered_by: str) -> str:
    """Insert a run due now; where that second is taken or the plan's own, the next free one. Returns its id."""
    due, row = tx.now, tx.first(rows.GET_JOB, name=job)
    planned = None if row is None else row.next_at
    while True:
        id_ = None if due == planned else add_run(tx, job, due, triggered_by)
        if id_ is not None:
            return id_
        due += 1


def soon(tx: Tx, job: str) -> None:
    """A job has work that should not wait for its plan: a run that has yet to begin will find it; one that is running may
    have looked for the last time, and gets one behind it.
    """
    owe(tx, job)
    if all(one.state == "running" for one in tx.all(rows.OPEN_RUNS, job=job)):
        start_now(tx, job, tx.actor.label)


class Planner:
    """Keeps the rows of declared jobs, and turns due plans into runs. Every node may do it at once."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self.next_due: int | None = None
        """When the next job is due (epoch seconds) as of the last round; a time that is past: it could not be planned."""

    def step(self) -> int:
        """One round; returns how many due times were handled."""
        house = self._house
        with house.store.read(system("jobs")) as tx:
            known = {(r.organization, r.name): r.zone for r in tx.all(rows.KNOWN_JOBS)}
            wanted = self._wanted(tx)
            zones = {}
            for organization in {o for o, _ in wanted}:
                tx.organization = organization
                zones[organization] = zone_name(house, tx)
            tx.organization = INSTALLATION
            due = [(r.organization, r.name) for r in tx.all(rows.DUE_JOBS, now=tx.now)]
            self.next_due = tx.value(rows.NEXT_DUE, now=tx.now)
        for organization, name in wanted:
            if known.get((organization, name)) != zones[organization]:
                self._adopt(organization, name, zones[organization])
        planned = [self._plan(o, n) for o, n in due if (o, n) in wanted]
        if planned:
            with house.store.read(system("jobs")) as tx:
                self.next_due = tx.now if 0 in planned else tx.value(rows.NEXT_DUE, now=tx.now)
        return sum(planned)

    def _wanted(self, tx: Tx) -> dict[tuple[str, str], JobType]:
        """Every (organization, job) that should have a row."""
        practices = organizations(self._house, tx)
        found = {}
        for name, declared in self._house.registry.jobs.items():
            for one in [INSTALLATION] if declared.per is Scope.INSTALLATION else practices:
                found[(one, name)] = declared
        return found

    def _adopt(self, organization: str, name: str, zone: str) -> None:
        """Add the row of a job that is new here; count its next due time again if the time zone changed."""
        declared = self._house.registry.jobs[name]

        def work(tx: Tx) -> None:
            next_at = schedule.next_due(declared.plan, zone_of(zone), tx.now) if declared.enabled else None
            tx.run(
                rows.ADD_JOB,
                name=name,
                plan=schedule.to_json(declared.plan),
                zone=zone,
                enabled=int(declared.enabled),
                missed=declared.missed,
                max_age_s=MAX_AGE_S,
                next_at=next_at,
                version=1,
                updated_at=tx.now,
            )
            owe(tx, name)
            row = tx.first(rows.LOCK_JOB, name=name)
            if row is not None and row.zone != zone:
                plan = schedule.from_json(row.plan)
                next_at = schedule.next_due(plan, zone_of(zone), tx.now) if row.enabled else None
                tx.run(rows.MOVE_JOB, name=name, new_next=next_at, new_zone=zone)

        self._house.store.run(system("jobs", organization), work)

    def _plan(self, organization: str, name: str) -> int:
        return self._house.store.run(system("jobs", organization), lambda tx: plan_due(tx, name))


def owe(tx: Tx, name: str) -> None:
    """Turn all due times so far of a job into runs: before its plan, its zone or its switch change, so that none of
    them goes without its row.
    """
    while plan_due(tx, name):
        pass


def plan_due(tx: Tx, name: str) -> int:
    """Turn the due times of one job of the transaction's organization, at most a chunk of them, into runs to start and
    runs that were missed. Returns how many.
    """
    row = tx.first(rows.LOCK_JOB, name=name)
    if row is None or not row.enabled or row.next_at is None or row.next_at > tx.now:
        return 0  # another node was quicker
    plan, zone = schedule.from_json(row.plan), zone_of(row.zone)
    due: int | None = row.next_at
    done = missed = 0
    waiting = False
    for one in tx.all(rows.OPEN_RUNS, job=name):
        if pass_over(tx, one, row):
            missed += 1
        else:
            waiting = waiting or one.state == "waiting"
    while due is not None and due <= tx.now and done < CHUNK:
        following = schedule.next_due(plan, zone, due)
        last = following is None or following > tx.now
        code = _verdict(row.missed, tx.now - due, row.max_age_s, last)
        if code is None and waiting and row.missed != "all":
            code = OVERLAP_CODE
        if add_run(tx, name, due, BY_PLAN, code) is not None:
            missed += code is not None
            waiting = waiting or code is None
        due, done = following, done + 1
    tx.run(rows.MOVE_JOB, name=name, new_next=due, new_zone=row.zone)
    if missed:
        events.note(tx, "run.missed", "Job", name, count=missed)
    return done


def pass_over(tx: Tx, run: Any, policy: Any = None) -> bool:
    """Show a run as missed that the plan made and nobody began, where it is by now too late for what the job's policy
    makes up for; False if it is still to be run. `policy`: the job's row, read here if not given.

    Such a run waits because the machine went off, or all threads were busy. Of the policy `once` it is the last one:
    while it waits no other is added.
    """
    if run.state != "waiting" or run.triggered_by != BY_PLAN or tx.now - run.due_at <= LATE_S:
        return False
    policy = policy or tx.first(rows.GET_JOB, name=run.job)
    code = None if policy is None else _verdict(policy.missed, tx.now - run.due_at, policy.max_age_s, True)
    if code is None:
        return False
    closed = tx.run(
        rows.CLOSE,
        id=run.id,
        its_fence=run.fence,
        old_state=run.state,
        new_state="missed",
        ended=tx.now,
        new_code=code,
    )
    return bool(closed == 1)


def _verdict(policy: str, age: int, max_age_s: int, last: bool) -> str | None:
    """None if a due time of this age (seconds) is to be run, else the code under which it shows as missed.

    Policy `none`: late ones are not made up for. `once`: only the last of them. `all`: each. Never beyond
    the age.
    """
    if age <= LATE_S:
        return None
    made_up = age <= max_age_s and (policy == "all" or (policy == "once" and last))
    return None if made_up else MISSED_CODE
