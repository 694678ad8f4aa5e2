"""What the runner shows and when it looks from outside. Pure: times are seconds of a steady clock unless said."""

from collections.abc import Callable
from dataclasses import dataclass

from praxisd.services.relay.linking import Link, Phase, Probe, Snapshot
from praxisd_relay.agent_rules import LinkState, State

OLD_S = 8.0
"""Whoever reads the state gets a probe made if the last one is older."""
LEAST_S = 5.0
"""Not more often than this, whoever asks."""
AGAIN_S = 10.0
"""After a probe that failed the next comes so soon, then after twice as long, up to the usual pause."""


@dataclass(slots=True)
class ProbeClock:
    """When the next call from outside is due. `every_s`: the usual pause."""

    every_s: float = 300.0
    last: float = float("-inf")
    """When the last one ended."""
    failures: int = 0

    def came_up(self) -> None:
        """A link has come up: what was known before does not count any more."""
        self.last = float("-inf")
        self.failures = 0

    def made(self, now: float, good: bool) -> None:
        """A probe has ended."""
        self.last = now
        self.failures = 0 if good else self.failures + 1

    def due(self, now: float) -> bool:
        """Is it time by itself?"""
        pause = self.every_s
        if self.failures:
            pause = min(pause, AGAIN_S * 2.0 ** min(self.failures - 1, 10))
        return now - self.last >= pause

    def wanted(self, now: float) -> bool:
        """Somebody reads the state."""
        return now - self.last > OLD_S

    def allowed(self, now: float) -> bool:
        """Somebody asks for one."""
        return now - self.last >= LEAST_S


def snapshot(state: State, probe: Probe | None, epoch: Callable[[float], int]) -> Snapshot:
    """The agent's state as the room tells it, for the node that holds the link. `epoch` turns a steady time into epoch
    seconds.
    """
    links = tuple(_link(one, epoch) for one in state.links)
    up = state.connected
    return Snapshot(holds=True, links=links, host=state.host, port=state.port, probe=probe if up else None)


def _link(one: LinkState, epoch: Callable[[float], int]) -> Link:
    phase: Phase = "waiting" if one.phase == "idle" else one.phase
    return Link(
        hub=one.hub,
        phase=phase,
        since=epoch(one.since),
        rtt_ms=one.rtt_ms,
        streams=one.streams,
        retry_at=None if one.retry_at is None else epoch(one.retry_at),
        code=one.code,
    )
