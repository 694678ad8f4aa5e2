"""How long and how often: the keeper's limits, settable in guard.json under "limits" (for tests and slow machines)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds unless the name says otherwise. Values: SPEC 7.2 and the agreement of the guard's makers."""

    ready_s: float = 60.0
    """A start that has not said `ready` by then has failed."""
    healthy_s: float = 60.0
    """Deep health must be good so long after `ready`, or an update goes back."""
    live_every_s: float = 5.0
    live_limit_s: float = 3.0
    live_misses: int = 3
    """So many looks in a row without any answer, and the server is hung, …"""
    live_misses_busy: int = 12
    """… or so many where the program still answers on its control port: its doors are overloaded."""
    end_s: float = 10.0
    """From SIGTERM to SIGKILL; also so long a server left over by an earlier guard may take to end by its lifeline."""
    pause_1_s: float = 1.0
    pause_2_s: float = 5.0
    """Before the first and the second start after a failure."""
    stable_s: float = 600.0
    """So long healthy, and the failures are forgotten."""
    outside_most: int = 5
    outside_in_s: float = 600.0
    """More ends from outside than this in so long are counted as failures: something kills it again and again."""
    floor_1_s: float = 60.0
    floor_2_s: float = 120.0
    floor_3_s: float = 300.0
    """On the floor: before the first and the second start by itself, and before each that follows."""
    unanswered_s: float = 60.0
    """A running server that does not say whether a run must not be cut is asked so long before it counts as free."""
    orders_every_s: float = 0.2
    uncut_s: float = 60.0
    """An ending guard waits so long for a step of an update that must not be cut."""
    log_bytes: int = 32 * 1024 * 1024
    """A server's log that has grown beyond this is set aside and begun anew."""

    @property
    def pauses(self) -> tuple[float, ...]:
        """Before each start after a failure; as many as there are restarts before safe mode (SPEC 7.2: two)."""
        return (self.pause_1_s, self.pause_2_s)

    def floor_pause(self, tries: int) -> float:
        """Before the guard tries again by itself, after so many such tries in vain."""
        pauses = (self.floor_1_s, self.floor_2_s, self.floor_3_s)
        return pauses[min(tries, len(pauses) - 1)]


def limits_of(given: Mapping[str, Any]) -> Limits:
    """Limits with the given ones replaced. Raises ValueError for a name that does not exist or a value that is no number."""
    known = {field.name: field.type for field in fields(Limits)}
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"limits.{name}")
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ValueError(f"limits.{name}")
    made: dict[str, Any] = {name: int(v) if known[name] is int else float(v) for name, v in given.items()}
    return Limits(**made)
