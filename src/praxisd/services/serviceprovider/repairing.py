"""Mending the two files by a person's click: looked at anew, a copy beside each, only the lines that are wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.services.serviceprovider import looking, mending_rules, rules, words, writing
from praxisd.services.serviceprovider.shapes import RepairedOut, WrittenOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

NOTHING, BY_HAND = "serviceprovider.nothing_wrong", "serviceprovider.by_hand"
NOTE = "serviceprovider.note.repaired"
CODES = (NOTHING, BY_HAND, *mending_rules.CODES, *writing.CODES)


def here(actor: Actor) -> Actor:
    """The same person, writing what belongs to the installation."""
    return Actor(actor.kind, actor.id, INSTALLATION, actor.permissions, everything=actor.everything)


def repair(house: "House", actor: Actor, software: str, code: str, side: str = "") -> RepairedOut:
    """Mend one code of one practice software, in both files or in the one of `side`. Outside of any transaction.

    Problems: 404 for an unknown software, `serviceprovider.by_hand` (409) for a code that no file can heal,
    `serviceprovider.nothing_wrong` (409), and those of `mending_rules.mend` and `writing.write`.
    """
    if code not in words.REPAIRS:
        raise Problem(BY_HAND, 409)
    found = looking.look(house, software)
    if not found:
        raise not_found("Software")
    seen = found[0]
    if seen.away:
        raise Problem(mending_rules.NOT_SEEN, 409, file=seen.machine)
    if seen.late:
        raise Problem(writing.NOT_ANSWERING, 409, retry=True, file=seen.silent or "–")
    faults = tuple(one for one in rules.judge(seen) if one.code == code and side in ("", one.side))
    if not faults:
        raise Problem(NOTHING, 409)
    written = []
    for one in mending_rules.mend(seen, faults):
        copy = writing.write(house, Path(one.path), one.data, one.before)
        written.append(WrittenOut(one.path, None if copy is None else str(copy), list(one.lines)))

    def note(tx: "Tx") -> None:
        events.note(tx, "serviceprovider.repaired", "Software", software, code=code, files=len(written))

    house.store.run(here(actor), note)
    return RepairedOut(software=software, code=code, files=written, restart=not seen.own)


def fix(house: "House", actor: Actor, subject: str, _params: Mapping[str, Any], code: str) -> dict[str, Any]:
    """The button at an Issue; its subject is `<software>` or `<software>/<side>`."""
    software, _, side = subject.partition("/")
    done = repair(house, actor, software, code, side)
    copies = [one.copy for one in done.files if one.copy is not None]
    return {
        "note": NOTE,
        "files": ", ".join(one.file for one in done.files) or "–",
        "copies": ", ".join(copies) or "–",
    }
