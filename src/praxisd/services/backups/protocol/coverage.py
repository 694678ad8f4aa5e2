"""What no plan covers, found on this computer and in what the practice says of its software; and what persons decide of it."""

import os
from typing import TYPE_CHECKING, NoReturn

from praxisd.kernel import events
from praxisd.kernel.engines import Postgres
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import Answer, SourceKept
from praxisd.services.backups import store
from praxisd.services.backups.plans import planning
from praxisd.services.backups.plans import sources as plan_sources
from praxisd.services.backups.protocol import coverage_rules as rules
from praxisd.services.backups.protocol.around import reading
from praxisd.services.backups.protocol.coverage_rules import Judged, Thing
from praxisd.services.diagnosis import api as diagnosis

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SUBJECT = "BackupThing"
COVERED = "backup_thing.covered"
NOT_COVERED = "backups.not_covered"
NEEDS_SOURCE = "backups.cover_source"
REFUSED = (NEEDS_SOURCE,)
_MEASURED = ("disks", "services", "sql")
_CLAIM = "covered_by/"
"""Beside the answers of the form: which source covers a thing, as a person said."""


def judged(house: "House") -> list[Judged]:
    """All things there are, and what is so of each. May wait some seconds for what this computer measures."""
    facts = diagnosis.facts(house, only=_MEASURED)
    known = diagnosis.products(house)
    with reading(house) as tx:
        software = [diagnosis.seen_from_here(house, one) for one in diagnosis.software(tx)]
        kept = planning.plan(tx)
        external = kept is not None and kept.plan.variant == "external"
        # The copy for a software of the practice's own holds praxisd's data only: what else it takes is said by persons.
        sources = [one for one in store.SOURCE.all(tx) if not external or one.kind == "excluded"]
        media = [one.path for one in store.DRIVE.all(tx)]
        claims = {
            one.question.removeprefix(_CLAIM): one
            for one in store.ANSWER.all(tx)
            if one.question.startswith(_CLAIM)
        }
    things: list[Thing] = []
    for one in software:
        product = known.get(one.product)
        if product is not None:
            label = one.name or product.name
            things += rules.of_product(product, label, one.data_folder, one.host, _there)
    own, server = _own(house)
    if facts is not None:
        here = [one for one in things if not one.host]
        things += rules.servers(facts, any(one.kind == "database" for one in here))
        things += rules.disks(facts, [one.path for one in here if one.path], media)
    return rules.judge(things, sources, claims, own, server)


def _there(path: str) -> bool | None:
    """Nothing is asked of another computer: that may take long."""
    foreign = path.startswith(("\\\\", "//")) or (os.name != "nt" and not path.startswith("/"))
    return None if foreign else os.path.exists(path)


def _own(house: "House") -> tuple[list[str], str]:
    """Where praxisd's own data lie, which every plan covers; and on which database server here."""
    engine = house.store.engine
    here = isinstance(engine, Postgres) and (engine.url.host or "localhost") in _LOCAL
    return [str(house.folder.absolute())], "PostgreSQL" if here else ""


_LOCAL = ("localhost", "127.0.0.1", "::1", "")


def thing(house: "House", id_: str) -> Thing:
    """The thing with this id, or Problem `http.not_found`."""
    for one in judged(house):
        if one.thing.id == id_:
            return one.thing
    unknown()


def unknown() -> NoReturn:
    """No thing has this id: `http.not_found`."""
    raise not_found(SUBJECT)


def ready(house: "House", one: Thing, source: str) -> None:
    """Can it be taken in so? Asks the disk: never inside a transaction. Problems: `backups.cover_source` (422) where no source
    is named for what is no folder here; those of `plans.sources.placed`.
    """
    if not source:
        if not can_include(one):
            raise Problem(NEEDS_SOURCE, 422)
        plan_sources.placed(house, _folder(one))


def include(house: "House", tx: Tx, one: Thing, reason: str, by: str, source: str = "") -> None:
    """Take a thing into the backup, `ready` for it: a folder as a source of its own; else say which source covers it (`source`).

    Problems: `backups.cover_source` (422) where there is no such source; those of `plans.sources.include`.
    """
    if source:
        kept = store.SOURCE.get(tx, source)
        if kept is None or kept.kind == "excluded":
            raise Problem(NEEDS_SOURCE, 422)
        _forget(tx, one)
        store.ANSWER.put(tx, _CLAIM + one.id, Answer(_CLAIM + one.id, source, by, tx.now), at=tx.now)
        events.note(tx, COVERED, SUBJECT, one.id, kind=one.kind)
        return
    plan_sources.include(house, tx, _folder(one, " ".join(reason.split()), by, tx.now))


def _folder(one: Thing, reason: str = "", by: str = "", at: int = 0) -> SourceKept:
    return SourceKept(rules.source_name(one), "folders", {"path": one.path}, reason, by, at)


def can_include(one: Thing) -> bool:
    """Can a click take it in: is it a folder that is here? (A single file is taken with its folder, by a source of its own.)"""
    return one.kind in ("folder", "disk") and not one.host and _there(one.path) is True


def exclude(tx: Tx, one: Thing, reason: str, by: str) -> None:
    """Leave a thing out on purpose. Problem `backups.reason_missing`."""
    spec = {"path": one.path} if one.path else {}
    plan_sources.exclude(tx, rules.source_name(one), reason, by, spec)
    store.ANSWER.remove(tx, _CLAIM + one.id)  # that something covers it, as was said before


def _forget(tx: Tx, one: Thing) -> None:
    """That it was left out."""
    line = store.SOURCE.get(tx, rules.source_name(one))
    if line is not None and line.kind == "excluded":
        plan_sources.remove(tx, line.name)


def planned(house: "House") -> bool:
    """Is there a plan at all? Without one, that is what is missing."""
    with reading(house) as tx:
        return planning.plan(tx) is not None
