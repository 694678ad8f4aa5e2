"""The only door of the ServiceProvider for other services: in which state each is, by codes. No folders, no free text."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from praxisd.services.serviceprovider import looking, rules, unseen_rules, words
from praxisd.services.serviceprovider.room import provided
from praxisd.services.serviceprovider.shapes import State

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_FILES = ("read", "missing", "unreadable", "unseen")
KNOWN = frozenset({*words.CODES, *unseen_rules.WORDS, *get_args(State), *_FILES})
"""All words that `told` can hold, but the ids of software and product."""


@dataclass(frozen=True, slots=True)
class Told:
    """One of them. `software`, `product`: ids. `version` "": not known; `setup_version`: of the set-up that is there.

    `own`: praxisd is the provider. `pvs_file`, `install_file`: how far each was read ("" none). `codes`: what is wrong, of
    it `pvs` and `install` in those files. `unseen`: what could not be looked at.
    """

    software: str
    product: str
    state: str
    version: str
    setup_version: str
    own: bool
    pvs_file: str
    install_file: str
    codes: tuple[str, ...]
    pvs: tuple[str, ...]
    install: tuple[str, ...]
    unseen: tuple[str, ...]


def told(house: "House") -> list[Told]:
    """All of them, looked at now: seconds; what does not answer in time is told as not seen."""
    product = {one.software.id: one.software.product for one in provided(house)}
    found = []
    for seen in looking.look(house):
        faults = rules.judge(seen)
        found.append(
            Told(
                software=seen.software,
                product=product.get(seen.software, ""),
                state=looking.state_of(seen),
                version=looking.version_of(seen),
                setup_version=seen.setup_version,
                own=seen.own,
                pvs_file=seen.pvs.state,
                install_file="" if seen.install is None else seen.install.file.state,
                codes=_codes(faults),
                pvs=_codes(one for one in faults if one.side == "pvs"),
                install=_codes(one for one in faults if one.side == "install"),
                unseen=tuple(unseen_rules.unseen(seen)),
            )
        )
    return found


def _codes(faults: Iterable[rules.Fault]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.code for one in faults))
