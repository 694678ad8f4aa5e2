"""The adapter of 116117 against its simulator, in this process, with a clock that stands still."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.http import Http
from praxisd.kernel.outside import Outside
from praxisd.model.scheduling import Busy
from praxisd.sandbox import portal_tvs
from praxisd.sandbox.door import Door
from praxisd.services.portals.portal import Account
from praxisd.services.portals.portals import tvs_form
from praxisd.services.portals.portals.talking import Talk
from praxisd.services.portals.portals.tvs116117 import Tvs116117
from praxisd.services.portals.portals.tvs_form import FORM
from praxisd.services.portals.portals.tvs_tickets import Tickets

CARD = "kartenschluessel-4711"
CALENDAR = "Dr. Beispiel – Akutsprechstunde"
NOW = 1_793_520_000  # Sunday 2026-11-01 08:00 UTC
HOUR = 3_600
DAY = 86_400


class Kept:
    """A memory that keeps what survives JSON, and nothing else."""

    def __init__(self) -> None:
        self.text: dict[str, str] = {}

    def get(self, key: str) -> Any:
        """See `Memory`."""
        return json.loads(self.text.get(key, "null"))

    def put(self, key: str, value: Any) -> None:
        """See `Memory`."""
        self.text[key] = json.dumps(value)


class Stage:
    """One practice, the service, and what was said between them."""

    def __init__(self, folder: Path, loop: Outside) -> None:
        self.clock = FrozenClock(NOW)
        self.tvs = portal_tvs.mount(folder, CARD, lambda: self.clock.now_ms() / 1000)
        self.door = Door("127.0.0.1", 0, self.tvs.routes)
        self.http = Http(self.clock, loop)
        self.talk = Talk(self.http, self.clock)
        self.memory = Kept()
        self.profile = self.tvs.add_profile(CALENDAR).id

    @property
    def values(self) -> dict[str, str]:
        """The account's form, filled in."""
        return {"address": f"{self.door.url}/tvs/api", "login": f"{self.door.url}/tvs/login", "card": CARD}

    def open(self, memory: Kept | None = None, tickets: Tickets | None = None, **values: str) -> Tvs116117:
        """The adapter, as a program that has just started has it: the memory is all that is left."""
        account = Account("tvs", self.values | values, "Europe/Berlin")
        way = tickets or tvs_form.new_tickets(FORM.filled(account.values), self.talk, self.clock)
        return tvs_form.opened(account, memory or self.memory, self.talk, self.clock, way)

    def slot(self, hours: float, length_h: float = 1.0, status: str = "free") -> str:
        """The id of a slot that begins so many hours from NOW."""
        start = NOW + round(hours * HOUR)
        return self.tvs.add_slot(self.profile, start, start + round(length_h * HOUR), status).id

    def states(self) -> dict[str, str]:
        """The status of each slot there."""
        return {one.id: one.status for one in self.tvs.slots.values() if not one.gone}

    def asked(self, word: str = "") -> list[dict[str, Any]]:
        """The requests whose address has this in it."""
        return [one for one in self.tvs.requests if word in one["target"]]

    @property
    def before(self) -> float:
        """Writing is allowed for a minute."""
        return self.clock.now() + 60.0


def busy(*hours: tuple[float, float]) -> list[Busy]:
    """Busy times from hours after NOW."""
    return [Busy(start=NOW + round(a * HOUR), end=NOW + round(b * HOUR)) for a, b in hours]


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A stage for as long as the block lasts."""
    loop = Outside()
    one = Stage(folder, loop)
    try:
        yield one
    finally:
        one.http.close()
        one.door.close()
        one.tvs.close()
        loop.close()
