"""After a move: what is still to be done on the new computer, each an Issue until it is ticked or seen to be done."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import Actor
from praxisd.kernel.service import Check, Finding, Fix, Severity
from praxisd.services.backups.moving import step_rules, steps
from praxisd.services.backups.plans.rights import MANAGE

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def after_move(house: "House") -> Iterator[Finding]:
    """One for each step that is open. Ticks what it sees to be done."""
    kept = steps.look(house)
    if kept is None:
        return
    for one in step_rules.open_steps(kept.steps):
        yield Finding(f"backups.moved_{one}", "", Severity.WARNING, {"host": kept.host or "-"})


def _tick(house: "House", actor: Actor, step: str) -> None:
    steps.tick(house, actor, step, done=True, by=actor.label)


def _fix(step: str) -> Fix:
    def call(house: "House", actor: Actor, _subject: str, _params: Mapping[str, Any]) -> None:
        _tick(house, actor, step)

    return Fix(f"backups.moved_{step}", call, MANAGE)


CHECKS = (
    Check("backups.moved", step_rules.CODES, after_move, seconds=20.0, offline=False, every_s=60.0, grave=Severity.WARNING),
)  # fmt: skip
FIXES = tuple(_fix(one) for one in step_rules.STEPS)
