"""Followers of the change feed: from an empty practice on, during all the torture, over all nodes."""

import asyncio
from datetime import datetime
from typing import Any

from praxisd.testing.torture_history import Shown
from praxisd.testing.torture_http import Http
from praxisd.testing.torture_scene import Credential

_PAUSE_S = 0.25


class Follower:
    """Replays the feed of one credential: `seen` is what its reader believes the calendar to be."""

    def __init__(self, who: Credential, ports: list[int]) -> None:
        self.who = who
        self.seen: dict[str, Shown | None] = {}
        self._connections = [Http(port, who.secret) for port in ports]
        self._cursor: str | None = None
        self._asked = 0
        self.faults: list[str] = []

    async def step(self, limit: int = 60) -> bool:
        """Ask once, the next node each time; whether there is more. Raises Unanswered."""
        self._asked += 1
        http = self._connections[self._asked % len(self._connections)]
        since = "" if self._cursor is None else f"&since={self._cursor}"
        reply = await http.ask("GET", f"/api/v1/appointments?limit={limit}{since}")
        found: Any = reply.json()
        if reply.status != 200:
            self.faults.append(f"feed of {self.who.name}: {reply.status} {found}")
            return False
        for change in found["changes"]:
            self.seen[change["id"]] = None if change.get("deleted") else _shown(change)
        self._cursor = found["cursor"]
        return bool(found["more"])

    async def follow(self, end: asyncio.Event) -> None:
        """Keep in step until `end`."""
        while not end.is_set():
            if not await self.step():
                await asyncio.sleep(_PAUSE_S)

    async def finish(self) -> None:
        """Read what is left, through every node."""
        for _ in self._connections:
            while await self.step(200):
                pass

    def close(self) -> None:
        """End the connections."""
        for one in self._connections:
            one.close()


def _shown(change: dict[str, Any]) -> Shown:
    return Shown(
        id=change["id"],
        version=change["version"],
        status=change["status"],
        start=int(datetime.fromisoformat(change["start"]).timestamp()),
        end=int(datetime.fromisoformat(change["end"]).timestamp()),
        schedules=tuple(change["schedules"]),
    )
