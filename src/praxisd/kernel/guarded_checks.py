"""What the guard said of this start, as Issues: safe mode, a crash, a restart that came from outside (SPEC 7.2, 7.3)."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.service import Check, Finding, Severity

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SAFE, CRASHED, OUTSIDE = "guard.safe_start", "guard.crashed", "guard.restarted_outside"
CODES = (SAFE, CRASHED, OUTSIDE)
CRASHES = ("crash", "hung")
SHOWN_S = 24 * 3600
"""A restart is worth an Issue for a day; the activity and the guard's journal keep it longer. Seconds."""


def started(house: "House") -> Iterator[Finding]:
    """Why the guard started this server, if that is something to know."""
    guard = house.guard
    if guard is None:
        return
    last: dict[str, Any] = guard.start.get("last") or {}
    at = float(guard.start.get("at") or 0)
    facts = {"at": format_rfc3339(int(at)), "failures": guard.failures, "log": name(last), "end": end(last)}
    if house.safe:
        yield Finding(SAFE, "", Severity.ERROR, facts)
    elif house.clock.now() - at > SHOWN_S:
        return
    elif guard.reason in CRASHES:
        yield Finding(CRASHED, "", Severity.WARNING, facts)
    elif guard.reason == "outside":
        yield Finding(OUTSIDE, "", Severity.WARNING, {"at": facts["at"], "who": who(guard.start.get("by"))})


def name(last: dict[str, Any]) -> str:
    """The file with the last server's own words, without its folder; empty if there is none."""
    return Path(str(last.get("log") or "")).name


def end(last: dict[str, Any]) -> str:
    """How the last server ended: `exit 3`, `signal 9`, or a dash."""
    for word, key in (("signal", "signal"), ("exit", "status")):
        if last.get(key) is not None:
            return f"{word} {last[key]}"
    return "–"


def who(by: Any) -> str:
    """Name and number of the program that asked for it, as far as the operating system told; else a dash."""
    if not isinstance(by, dict) or not by.get("name"):
        return "–"
    return f"{by['name']} ({by.get('pid', '?')})"


CHECKS = (
    Check(
        "kernel.start",
        CODES,
        started,
        offline=False,
        grave={SAFE: Severity.ERROR, CRASHED: Severity.WARNING, OUTSIDE: Severity.WARNING},
    ),
)
