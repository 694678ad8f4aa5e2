"""What follows a move, and what a person must still do (SPEC 8.5). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from praxisd.model.backup_kept import StepKept

STEPS = (
    "service",
    "plugins",
    "relay",
    "seats",
    "address",
    "ini",
    "drives",
    "copy_folder",
    "firewall",
    "exclusions",
    "old",
)
"""In the order in which they are best done. Each is the code `backups.moved_<step>` of an Issue while it is open."""
CODES = tuple(f"backups.moved_{one}" for one in STEPS)
ALWAYS = ("service", "firewall", "exclusions", "old")
"""They belong to every move: the service of the system, rules of firewall and virus scanner, the old computer."""
FOLLOWED = ("database", "settings", "keys", "licence", "plan")
"""What came with the copy; nobody needs to do anything."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What this installation uses, and how far the new computer differs from the old one.

    `relay`: it is reachable through a relay; `address`: portals use a public address that is no relay's; `provider`: practice
    software with a ServiceProvider; `drives`: number of drives of the backups; `copy_folder`: the last copy for a backup
    software of the practice went into a folder; `missing`: plug-ins that the old one had and this one has not.
    """

    same_name: bool
    relay: bool
    address: bool
    provider: bool
    drives: int
    copy_folder: bool
    missing: tuple[str, ...]


def needed(facts: Facts) -> dict[str, StepKept]:
    """The steps of this move, all open."""
    asked = {
        "plugins": bool(facts.missing),
        "relay": facts.relay,
        "seats": not facts.same_name,
        "address": facts.address,
        "ini": facts.provider,
        "drives": facts.drives > 0,
        "copy_folder": facts.copy_folder,
    }
    return {one: StepKept() for one in STEPS if one in ALWAYS or asked.get(one, False)}


def open_steps(steps: Mapping[str, StepKept]) -> list[str]:
    """Those that nobody has ticked and nothing has healed, in their order."""
    return [one for one in STEPS if one in steps and steps[one].state == "open"]


def ticked(steps: Mapping[str, StepKept], name: str, *, done: bool, by: str, at: int) -> dict[str, StepKept]:
    """With one of them ticked, or open again. KeyError for one that is none of this move."""
    if name not in steps:
        raise KeyError(name)
    return {**steps, name: StepKept("done", by, at) if done else StepKept()}
