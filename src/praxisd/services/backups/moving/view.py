"""A move as doors and commands show it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import moved
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.model.backup_kept import MoveKept
from praxisd.services.backups.moving import leaving, step_rules, steps

if TYPE_CHECKING:
    from praxisd.kernel.app import House


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class MoveStepOut(_Out, frozen=True, kw_only=True):
    """Something that must still be done on the new computer. `measured`: praxisd ticks it by itself once it sees it done."""

    step: str
    title: str
    help: str
    state: str
    by: str
    at: str | None
    measured: bool


class MoveFaultOut(_Out, frozen=True, kw_only=True):
    """Why moving out did not work."""

    code: str
    title: str
    cause: str
    solution: str
    detail: str


class ArrivalOut(_Out, frozen=True, kw_only=True):
    """How this installation came here: from which computer, when, what came with it and what is still to be done."""

    id: str
    at: str
    host: str
    followed: list[str]
    steps: list[MoveStepOut]


class MoveOut(_Out, frozen=True, kw_only=True):
    """Moving out: `state` is none, running, left, failed or unsure; `step` copy, check, hand_over or end; `done` of `whole`
    bytes; instants RFC 3339; `to` where the copy goes, `copy` where it lies. `arrival`: how this installation came here, if it
    did.
    """

    state: str
    to: str
    copy: str
    step: str
    done: int
    whole: int
    began: str | None
    fault: MoveFaultOut | None
    arrival: ArrivalOut | None


def out(house: "House", lang: str, actor: Actor | None = None) -> MoveOut:
    """How it stands, for this actor: those who ticked something are named where they belong to its practice."""
    way, mark = leaving.way(house), moved.mark(house.folder)
    names: dict[str, str] = {}
    with house.store.read(actor or system("move", INSTALLATION)) as tx:
        kept = steps.arrived(tx)
        labels = {one.by for one in kept.steps.values() if one.by} if kept else set()
        if labels and "actor_names" in house.shared:
            names = house.shared["actor_names"](tx, labels)
    state = "none" if mark is None else {moved.LEFT: "left"}.get(mark["state"], "unsure")
    return MoveOut(
        state=state if way is None else way.state,
        to=way.to if way else "",
        copy=way.copy if way else str((mark or {}).get("to", "")),
        step=way.step if way else "",
        done=way.done if way else 0,
        whole=way.whole if way else 0,
        began=_instant(way.began) if way else None,
        fault=_fault(house, way, lang),
        arrival=None if kept is None else _arrival(house, kept, lang, names),
    )


def _told(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _instant(at: int | None) -> str | None:
    return None if at is None else _told(at)


def _fault(house: "House", way: leaving.Way | None, lang: str) -> MoveFaultOut | None:
    if way is None or not way.code:
        return None
    words = {
        part: house.texts.get(f"{way.code}.{part}", lang, **way.params)
        for part in ("title", "cause", "solution")
    }
    return MoveFaultOut(code=way.code, detail=way.detail, **words)


def _arrival(house: "House", kept: MoveKept, lang: str, names: Mapping[str, str]) -> ArrivalOut:
    params = {"host": kept.host or "-"}
    shown = [
        MoveStepOut(
            step=one,
            title=house.texts.get(f"backups.moved_{one}.title", lang, **params),
            help=house.texts.get(f"backups.moved_{one}.solution", lang, **params),
            state=kept.steps[one].state,
            by=names.get(kept.steps[one].by, kept.steps[one].by),
            at=_instant(kept.steps[one].at),
            measured=one in steps.MEASURED,
        )
        for one in step_rules.STEPS
        if one in kept.steps
    ]
    followed = [house.texts.get(f"backups.move_followed.{one}", lang) for one in step_rules.FOLLOWED]
    return ArrivalOut(id=kept.id, at=_told(kept.at), host=kept.host, followed=followed, steps=shown)
