"""What was seen of a ServiceProvider, in words: its state, both files side by side, and what is wrong."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, cast

from praxisd.kernel.errors import Problem
from praxisd.services.serviceprovider import looking, mending_rules, rules, unseen_rules, words
from praxisd.services.serviceprovider import seen as s
from praxisd.services.serviceprovider.ini import Ini, Line
from praxisd.services.serviceprovider.rules import Fault
from praxisd.services.serviceprovider.seen import File, Seen
from praxisd.services.serviceprovider.shapes import (
    DifferenceOut,
    FaultOut,
    FileOut,
    ProviderOut,
    RowOut,
    Side,
    State,
)

if TYPE_CHECKING:
    from praxisd.kernel.texts import Texts

COMPARED = ("installed", "identifier", "port", "hostname", "connection", "customer", "pvs_name", "data_path")
"""What is compared where both files have it."""
MOST_ROWS = 300
HIDDEN = "•••"
_PASSWORD = re.compile(
    r"((?:password|pwd|kennwort|passwort)\s*=\s*)(?:\"[^\"]*\"|'[^']*'|[^;]*)", re.IGNORECASE
)


def shown(texts: "Texts", seen: Seen, lang: str) -> ProviderOut:
    """One of them, for people."""
    faults = rules.judge(seen)
    install, services = seen.install, seen.services or ()
    state = looking.state_of(seen)
    host = seen.pvs.value(s.HOSTNAME) or seen.machine
    return ProviderOut(
        software=seen.software,
        product=seen.product,
        state=cast(State, state),
        state_text=texts.get(f"serviceprovider.state.{state}", lang),
        own=seen.own,
        version=looking.version_of(seen) or None,
        setup_version=seen.setup_version or None,
        setup=seen.setup if seen.setup_there else None,
        instance=rules.identifier(seen) or seen.pvs.value(s.IDENTIFIER) or None,
        host=host or None,
        address=seen.asked.address or None,
        port=seen.port,
        machine=seen.machine or None,
        folders=[one.folder for one in seen.mine],
        service=services[0].name if services else None,
        pvs=_file(texts, seen.pvs, faults, lang),
        install=None if install is None else _file(texts, install.file, faults, lang),
        differences=list(_differences(texts, seen, lang)),
        faults=[_fault(texts, seen, one, lang) for one in faults],
        codes=list(dict.fromkeys(one.code for one in faults)),
        unknown=[texts.get(f"serviceprovider.unseen.{one}", lang) for one in unseen_rules.unseen(seen)],
        from_here=unseen_rules.from_here(seen),
    )


def masked(text: str) -> str:
    """A line without the password that a connection string may hold."""
    return _PASSWORD.sub(lambda found: f"{found.group(1)}{HIDDEN}", text)


def severity(code: str) -> Literal["error", "warning"]:
    """How bad a code is."""
    return "warning" if code in words.WARNINGS else "error"


def _fault(texts: "Texts", seen: Seen, fault: Fault, lang: str) -> FaultOut:
    title, cause, solution = (
        texts.get(f"{fault.code}.{part}", lang, **told(texts, fault, lang))
        for part in ("title", "cause", "solution")
    )
    return FaultOut(
        code=fault.code,
        severity=severity(fault.code),
        title=title,
        cause=cause,
        solution=solution,
        side=cast(Side, fault.side) if fault.side else None,
        line=fault.line or None,
        key=fault.key or None,
        mendable=mendable(seen, fault),
    )


def mendable(seen: Seen, fault: Fault) -> bool:
    """True where a click would mend it: the file can be reached, and it is known what should stand there."""
    if fault.code not in words.REPAIRS:
        return False
    try:
        return bool(mending_rules.mend(seen, (fault,)))
    except Problem:
        return False


def told(texts: "Texts", fault: Fault, lang: str) -> dict[str, object]:
    """The facts of a fault, with its reason in words as `kernel.issues` tells it."""
    facts = dict(fault.params)
    key = f"serviceprovider.{facts.get('reason')}.title"
    if texts.has(key):
        facts["reason"] = texts.get(key, lang)
    return facts


def _file(texts: "Texts", file: File, faults: Iterable[Fault], lang: str) -> FileOut:
    mine = [one for one in faults if one.side == file.side]
    lines = [] if file.ini is None else file.ini.lines[:MOST_ROWS]
    rows = [_row(texts, file.ini, line, mine, lang) for line in lines] if file.ini is not None else []
    side = file.side
    encoding = None if file.ini is None else file.ini.encoding
    return FileOut(side=side, path=file.path, state=file.state, encoding=encoding, rows=rows)


def _row(texts: "Texts", ini: Ini, line: Line, faults: Iterable[Fault], lang: str) -> RowOut:
    pair = line.kind == "key"
    meant = rules.meaning(line.key) if pair else ""
    mine = [one for one in faults if _about(one, line)]
    noted = next((one.kind for one in ini.notes if one.line == line.number), None)
    texted = None if noted is None or mine else texts.get(f"serviceprovider.odd.{noted}", lang)
    first = mine[0] if mine else None
    return RowOut(
        line=line.number,
        text=masked(ini.data[line.start : line.end].decode(ini.encoding, "replace")),
        section=line.section,
        key=line.key if pair else None,
        value=masked(f"{line.key}={line.value}").partition("=")[2] if pair else None,
        meaning=texts.get(f"serviceprovider.key.{meant}", lang) if meant else None,
        finding=None if first is None else texts.get(f"{first.code}.title", lang, **told(texts, first, lang)),
        codes=[one.code for one in mine],
        note=texted,
    )


def _about(fault: Fault, line: Line) -> bool:
    if fault.code == words.SPACES:
        return bool(line.gaps)
    return fault.line == line.number


def _differences(texts: "Texts", seen: Seen, lang: str) -> Iterable[DifferenceOut]:
    install = seen.install
    if install is None or seen.pvs.ini is None or install.file.ini is None:
        return
    for name in COMPARED:
        names = s.KEYS[name]
        ours, theirs = seen.pvs.line(names), install.file.line(names)
        if ours is not None and theirs is not None and ours.value.casefold() != theirs.value.casefold():
            meant = texts.get(f"serviceprovider.key.{name}", lang)
            values = masked(ours.value), masked(theirs.value)
            yield DifferenceOut(key=ours.key, meaning=meant, pvs=values[0], install=values[1])
