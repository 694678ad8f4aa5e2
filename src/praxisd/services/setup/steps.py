"""Steps of the set-up wizard: done is what the data say, skipped is what somebody said."""

from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.console import SetupStep
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.store import Tx
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.setup import store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DONE, OPEN, SKIPPED = "done", "open", "skipped"


def has_columns(house: "House", tx: Tx) -> bool:
    """True if any active column has hours in which it can be booked."""
    known = calendar.views(house).calendar(tx).schedules.values()
    return any(one.active and (one.hours or one.exceptions) for one in known)


def has_types(house: "House", tx: Tx) -> bool:
    """True if any active appointment type can be booked in a column."""
    known = calendar.views(house).calendar(tx).services.values()
    return any(one.active and one.groups for one in known)


STEPS = (
    SetupStep("practice", 10, lambda _house, tx: bool(directory.organization(tx).name)),
    SetupStep("columns", 20, has_columns),
    SetupStep("types", 30, has_types),
)
"""What belongs to every practice; taking old data over, relay, backup and messages come with the services that declare them."""


class StepOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A step: `state` is done, open or skipped; `page` the console page where it is done, null for the wizard's own."""

    name: str
    title: str
    help: str
    state: str
    page: str | None


class StepsOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All steps in their order. `complete`: none is open."""

    steps: list[StepOut]
    complete: bool


def listed(house: "House", tx: Tx, lang: str) -> StepsOut:
    """The steps of the transaction's practice in the reader's language, without those on pages that are withheld from it because
    several practices share them.
    """
    left_out = store.skipped(tx)
    hidden = {one.name for one in house.registry.pages if one.permission in tx.actor.withheld}

    def state(step: SetupStep) -> str:
        if step.done(house, tx):
            return DONE
        return SKIPPED if step.name in left_out else OPEN

    found = [
        StepOut(
            name=step.name,
            title=house.texts.get(f"console.step.{step.name}.title", lang),
            help=house.texts.get(f"console.step.{step.name}.help", lang),
            state=state(step),
            page=step.page or None,
        )
        for step in house.registry.steps
        if step.page not in hidden
    ]
    return StepsOut(steps=found, complete=all(one.state != OPEN for one in found))


def settle(house: "House", tx: Tx, name: str, skipped: bool) -> None:
    """Leave a step out, or take that back. 404 for an unknown one, `setup.step_done` (409) for one that is done."""
    step = next((one for one in house.registry.steps if one.name == name), None)
    if step is None:
        raise not_found("SetupStep")
    if skipped == (name in store.skipped(tx)):
        return
    if skipped and step.done(house, tx):
        raise Problem("setup.step_done", 409)
    (store.skip if skipped else store.reopen)(tx, name)
    events.note(tx, "setup.changed", "SetupStep", name, skipped=skipped)
