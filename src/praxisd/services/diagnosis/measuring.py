"""This computer, measured: every probe bounded and apart, side by side (SPEC 7.7). Nothing leaves the computer."""

import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from praxisd.model.machine import bounded
from praxisd.services.diagnosis import measuring_general
from praxisd.services.diagnosis.machine_shapes import Fact, MachineFacts, ProcessorFacts, SystemFacts
from praxisd.services.diagnosis.measuring_general import computer_name
from praxisd.services.diagnosis.measuring_probe import Probe, blank, reason

WAIT_S = 20.0
"""How long one measurement may take in all. What was not told until then is "timeout" and may be told next time."""
_PASSING = ("failed", "timeout", "denied")
AGAIN_S = 300.0
"""What failed is asked again after this time at the latest, however long its answers are kept."""
_GROUPS: dict[str, Any] = {"os": SystemFacts, "cpu": ProcessorFacts}
_NEVER = ("host", "at")


class Meter:
    """Measures this computer again and again; what takes long is kept a while, and a hanging probe is asked once."""

    def __init__(self, probes: Sequence[Probe] | None = None) -> None:
        self._probes = tuple(own_probes() if probes is None else probes)
        self._told: dict[str, tuple[float, dict[str, Any]]] = {}
        self._failed: set[str] = set()
        self._asked: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def measure(self, at: int, wait_s: float = WAIT_S, only: Sequence[str] = ()) -> MachineFacts:
        """All facts; `at` is now in epoch seconds. Takes at most `wait_s`, and no longer than the slowest probe may.

        With WAIT_S and more every probe has all of that time: who measures once has no second chance.
        `only`: measure no more than these fields; what is known of the others already is given all the same.
        """
        end = time.monotonic() + wait_s
        asked = [one for one in self._probes if not only or set(only) & set(one.fields)]
        with self._lock:
            threads = [(probe, self._ask(probe)) for probe in asked if not self._fresh(probe)]
        for probe, thread in threads:
            patience = probe.wait_s if wait_s < WAIT_S else wait_s
            thread.join(max(0.0, min(end - time.monotonic(), patience)))
        with self._lock:
            return self._facts(at)

    def _fresh(self, probe: Probe) -> bool:
        told = self._told.get(probe.name)
        keep = min(probe.keep_s, AGAIN_S) if probe.name in self._failed else probe.keep_s
        return told is not None and time.monotonic() - told[0] < keep

    def _ask(self, probe: Probe) -> threading.Thread:
        running = self._asked.get(probe.name)
        if running is not None and running.is_alive():
            return running
        thread = threading.Thread(
            target=self._answer, args=(probe,), name=f"praxisd-probe-{probe.name}", daemon=True
        )
        self._asked[probe.name] = thread
        thread.start()
        return thread

    def _answer(self, probe: Probe) -> None:
        try:
            answer = probe.call()
        except Exception as error:
            answer = {name: _undetermined(name, reason(error)) for name in probe.fields}
        failed = any(one.why in _PASSING for one in answer.values() if isinstance(one, Fact))
        with self._lock:
            (self._failed.add if failed else self._failed.discard)(probe.name)
            self._told[probe.name] = (time.monotonic(), answer)

    def _facts(self, at: int) -> MachineFacts:
        given: dict[str, Any] = {}
        for probe in self._probes:
            told = self._told.get(probe.name)
            why = "timeout" if probe.name in self._asked else "not_measured"
            late = {name: _undetermined(name, why) for name in probe.fields}
            given.update(late if told is None or self._gone(probe, told[0]) else told[1])
        rest = [one.name for one in msgspec.structs.fields(MachineFacts) if one.name not in (*given, *_NEVER)]
        given.update({name: _undetermined(name, "not_here") for name in rest})
        given = {name: bounded(name, fact) for name, fact in given.items()}
        name = computer_name()
        return MachineFacts(host=host_name(name), at=at, **given)

    def _gone(self, probe: Probe, told_at: float) -> bool:
        """True if a probe hangs, and what it said is so old that it says nothing about now."""
        running = self._asked.get(probe.name)
        hangs = running is not None and running.is_alive()
        return hangs and time.monotonic() - told_at >= 2 * probe.keep_s


def _undetermined(name: str, why: str) -> Any:
    return blank(_GROUPS[name], why) if name in _GROUPS else Fact(None, why)


def host_name(name: str) -> str:
    """How a computer is called in praxisd: its name in lower case, without domain."""
    return name.partition(".")[0].lower()[:63] or "unknown"


def own_probes() -> tuple[Probe, ...]:
    """The probes of the system that runs here."""
    if sys.platform == "linux":
        from praxisd.services.diagnosis import measuring_linux

        return (*measuring_general.PROBES, *measuring_linux.PROBES)
    if sys.platform == "win32":
        from praxisd.services.diagnosis import measuring_windows

        general = [one for one in measuring_general.PROBES if one.name != "memory"]
        return (*general, *measuring_windows.PROBES)
    return measuring_general.PROBES


def measure(at: int | None = None, wait_s: float = WAIT_S) -> MachineFacts:
    """This computer, measured once."""
    return Meter().measure(int(time.time()) if at is None else at, wait_s)
