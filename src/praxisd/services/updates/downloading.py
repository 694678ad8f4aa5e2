"""The job `updates.download`: looks what there is, fetches newer versions of what is subscribed, verifies, and stops there.

It never installs; a standing order, which a person has given, is carried out afterwards (`ordering`). An interrupted
download goes on where it was cut: the file's beginning lies beside its place.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events
from praxisd.kernel.access import Actor, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.schedule import At, Daily
from praxisd.kernel.service import JobType, Scope
from praxisd.services.updates import (
    guarding,
    places,
    plugins,
    rules,
    saving,
    settings,
    slots,
    source,
    store,
    trusting,
    words,
)
from praxisd_guard.faults import Stopped, TrustFault

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.jobs import RunContext
    from praxisd.kernel.store import Tx
    from praxisd_guard.sources import Source
    from praxisd_guard.trust import Trust
    from praxisd_guard.trust_offers import Offer

NAME = "updates.download"
SWITCHED_OFF, NO_ADDRESS = "updates.switched_off", "updates.no_address"
_KB = 1_000


def _silent(_done: int, _total: int) -> None:
    """Nobody looks at the progress."""


def _never() -> bool:
    return False


@dataclass
class Looked:
    """What a round brought: packages now waiting, and the first thing that went wrong with one of the elements."""

    fetched: list[str] = field(default_factory=list)
    fault: Problem | None = None


def installed(house: "House", element: str, kind: str) -> str | None:
    """The version of an element that is in use, or None."""
    if kind == "software":
        return guarding.running_version(house)
    if kind == "data":
        held = slots.held(house.folder, element)
        return None if held is None else held.version
    return plugins.installed(house.folder, element)


def look(
    house: "House",
    actor: Actor,
    chosen: "Source",
    progress: Callable[[int, int], None] = _silent,
    stop: Callable[[], bool] = _never,
) -> Looked:
    """One round: what there is, then what is subscribed and newer. Problem where the repository itself is refused.

    What is wrong with one element does not keep the others from being fetched. Raises `Stopped` when `stop` says so.
    """
    done = Looked()
    with trusting.looking(house, chosen) as trust:
        trust.refresh()
        found = trust.elements()
        house.store.run(actor, lambda tx: trusting.note_elements(tx, found))
        for element in found:
            try:
                _one(house, actor, trust, element, done, progress, stop)
            except TrustFault as fault:
                done.fault = done.fault or words.problem(fault.code, fault.retry, **fault.params)
    return done


def _one(
    house: "House",
    actor: Actor,
    trust: "Trust",
    element: Any,
    done: Looked,
    progress: Callable[[int, int], None],
    stop: Callable[[], bool],
) -> None:
    offers = {one.version: one for one in trust.offers(element.name)}
    house.store.run(actor, lambda tx: trusting.note_offers(tx, element.name, list(offers.values())))
    with house.store.read(actor) as tx:
        row = store.element(tx, element.name)
        there = [p for p in store.packages(tx) if p.element == element.name and p.version in offers]
        wanted = trusting.best(
            house, there, installed(house, element.name, element.kind), guarding.running_version(house)
        )
    if row is None or not row.subscribed or wanted is None or not _fetchable(wanted):
        return
    fetch(house, actor, trust, offers[wanted.version], wanted.id, progress, stop)
    done.fetched.append(str(wanted.id))


def _fetchable(package: Any) -> bool:
    """Not here yet; or it was refused because the file here was damaged, so that a new one may be good."""
    damaged = package.state == "refused" and package.reason == "updates.tampered"
    return package.state in ("available", "downloading") or damaged


def anew(tx: "Tx") -> None:
    """A person asks for updates: what was refused may be fetched once more. Why it was is told until it is on its way."""
    for one in store.packages(tx):
        if one.state == "refused":
            store.change_package(tx, one, state="available")


def fetch(
    house: "House",
    actor: Actor,
    trust: "Trust",
    offer: "Offer",
    id_: str,
    progress: Callable[[int, int], None] = _silent,
    stop: Callable[[], bool] = _never,
    event: str = "update.downloaded",
) -> Path:
    """Bring one version here, verified; it waits then. TrustFault, `Stopped`: it is `available` (or half here) as before.

    Called inside `trusting.looking`. Two who want the same version follow one another.
    """
    gates: dict[str, threading.Lock] = house.shared.setdefault("updates_fetching", {})
    with trusting.letting_others(house), gates.setdefault(id_, threading.Lock()):
        row, before = house.store.run(actor, lambda tx: _begun(tx, id_))
        into = trusting.file_of(house, row)
        if before == "waiting" and into.is_file():
            return into
        into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            trust.fetch(offer, into, old=_old(house, row), progress=progress, stop=stop)
            into.chmod(0o600)
        except BaseException as error:
            known = isinstance(error, TrustFault)
            why = {"reason": error.text, "params": words.encoded(error.params)} if known else {}  # type: ignore[attr-defined]
            house.store.run(actor, lambda tx: _settle(tx, id_, state="available", **why))
            raise
        house.store.run(actor, lambda tx: _waits(tx, id_, into, event))
        return into


def _begun(tx: "Tx", id_: str) -> tuple[Any, str]:
    """The package, and the state it had; it is `downloading` unless it waits already."""
    row: Any = store.package(tx, id_)
    if row.state != "waiting":
        store.change_package(tx, row, state="downloading", reason=None)
    return row, str(row.state)


def _settle(tx: "Tx", id_: str, **changes: Any) -> None:
    row = store.package(tx, id_)
    if row is not None:
        store.change_package(tx, row, **changes)


def _waits(tx: "Tx", id_: str, path: Path, event: str) -> None:
    row = store.package(tx, id_)
    if row is None:
        return
    by = tx.actor.label if event == "update.pushed" else row.actor
    store.change_package(
        tx, row, state="waiting", reason=None, path=str(path), downloaded_at=tx.now, actor=by
    )
    events.note(tx, event, "Package", row.id, element=row.element, release=row.version)


def _old(house: "House", package: Any) -> Path | None:
    """An older file that a patch may lead from: the data set in use, else the newest file of the element that is here."""
    if package.kind == "data":
        held = slots.held(house.folder, package.element)
        if held is not None:
            return slots.path(house.folder, package.element, held.slot)
    with house.store.read(system("updates")) as tx:
        there = [
            p for p in store.packages(tx) if p.element == package.element and p.path and p.id != package.id
        ]
    newest = max(there, key=lambda p: rules.rank(p.version), default=None)
    return None if newest is None else Path(newest.path)


def prune(house: "House", actor: Actor) -> None:
    """Delete files beyond `updates.keep` of each element, the oldest versions first; never one that is being installed."""
    keep = settings.chosen(house).keep
    with house.store.read(actor) as tx:
        there = [p for p in store.packages(tx) if p.path]
    for element in {p.element for p in there}:
        files = sorted(
            (p for p in there if p.element == element), key=lambda p: rules.rank(p.version), reverse=True
        )
        for one in files[keep:]:
            if one.state != "ordered":
                Path(one.path).unlink(missing_ok=True)
                state = "removed" if one.state == "waiting" else one.state
                house.store.run(actor, partial(_settle, id_=one.id, state=state, path=None))
    saved = sorted(places.folder(house, "saved").iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in saved[keep:]:
        old.unlink(missing_ok=True)


def remember(house: "House", actor: Actor, problem: Problem | None) -> None:
    """Write down how the look at the repository went."""

    def work(tx: "Tx") -> None:
        store.put_fact(tx, "looked", "")
        if "begun" not in store.facts(tx):
            store.put_fact(tx, "begun", "")
        if problem is None:
            store.put_fact(tx, "good", "")
            store.drop_fact(tx, "failed")
        else:
            store.put_fact(tx, "failed", problem.code)

    house.store.run(actor, work)


def download(
    house: "House",
    actor: Actor,
    progress: Callable[[int, int], None] = _silent,
    stop: Callable[[], bool] = _never,
) -> Looked:
    """A whole round from the set source, its outcome written down. Problems: those of the trust layer, `updates.no_root`."""
    try:
        done = look(house, actor, source.of(house, settings.chosen(house).address), progress, stop)
    except Problem as problem:
        remember(house, actor, problem)
        raise
    remember(house, actor, done.fault)
    prune(house, actor)
    return done


def work(run: "RunContext") -> None:
    """The job. Counts `fetched`."""
    from praxisd.services.updates import ordering  # it needs what is here

    house = run.house
    saving.drop_old(house)
    chosen = settings.chosen(house)
    if not chosen.active or not chosen.address:
        run.say(NO_ADDRESS if chosen.active else SWITCHED_OFF)
        return
    try:
        done = download(
            house, run.actor, lambda d, total: run.progress(d // _KB, total // _KB), lambda: run.cancelled
        )
    except Stopped:
        run.stop_if_asked()
        raise
    run.checkpoint(fetched=len(done.fetched))
    ordering.standing(house, chosen.standing)
    if done.fault is not None:
        raise done.fault


JOBS = (JobType(NAME, work, Daily(At("04:30")), enabled=True, missed="once", per=Scope.INSTALLATION),)
