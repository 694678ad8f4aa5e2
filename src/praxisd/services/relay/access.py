"""The access log: which key called which operation through the relay, and what came of it (SPEC 2.8).

Only requests with a valid key; never a path, a query or a body, only the operation's name. The door hands each over on
its event loop; here they are only remembered, and written in one transaction: every two seconds, and before this node shows them.
"""

import re
import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, folded
from praxisd.kernel.ids import new_id
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Call
from praxisd.kernel.visitors import Entered
from praxisd.services.accounts import api as accounts
from praxisd.services.relay import access_store

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

READ = "relay.access.read"
EVERY_S = 2.0
"""How often it is written. Seconds."""
MOST = 20_000
"""So many are remembered at most while the database does not take them; the oldest are lost then."""
_KEYS = 200
_STATUS = re.compile(r"([1-5])(?:xx)?|([1-5][0-9]{2})")


class AccessLog:
    """What one process remembers until it is written. `entered` may be called from any thread."""

    def __init__(self, most: int = MOST) -> None:
        self._waiting: deque[tuple[str, Entered]] = deque(maxlen=most)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self.lost = 0

    def entered(self, one: Entered) -> None:
        """Remember."""
        with self._lock:
            self.lost += len(self._waiting) == self._waiting.maxlen
            self._waiting.append((new_id(), one))

    def __len__(self) -> int:
        return len(self._waiting)

    def write(self, house: "House") -> int:
        """Write all that waits in one transaction; how many. What could not be written waits on (and is raised).

        What no database will ever take is left out, so that it does not keep the rest from being written. One writes at a time:
        whoever comes back has nothing before it that is still on its way.
        """
        with self._writing:
            return self._write(house)

    def _write(self, house: "House") -> int:
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
        if not taken:
            return 0
        try:
            return self._store(house, taken)
        except BaseException:
            with self._lock:
                room = (self._waiting.maxlen or 0) - len(self._waiting)
                kept = taken[-room:] if room else []
                self.lost += len(taken) - len(kept)
                self._waiting.extendleft(reversed(kept))
            raise

    def _store(self, house: "House", taken: Sequence[tuple[str, Entered]]) -> int:
        rows = [_row(*one) for one in taken]
        try:
            house.store.run(system("relay.access"), lambda tx: access_store.add(tx, rows))
        except house.store.engine.unfit as error:
            if len(taken) == 1:
                self.lost += 1
                house.log.error("loop_failed", where="relay.access", error=error)
                return 0
            half = len(taken) // 2
            return self._store(house, taken[:half]) + self._store(house, taken[half:])
        return len(taken)


def _row(id_: str, one: Entered) -> dict[str, Any]:
    return {
        "organization": one.organization,
        "id": id_,
        "key": one.key,
        "at": one.at,
        "method": one.method,
        "operation": one.operation,
        "status": one.status,
        "ms": one.ms,
        "sent": one.sent,
        "address": one.address,
    }


def key_names(tx: "Tx") -> dict[str, str]:
    """Names of the practice's keys by id, ended ones too."""
    found: dict[str, str] = {}
    cursor: str | None = None
    while True:
        keys, cursor = accounts.list_keys(tx, cursor, _KEYS)
        found |= {one.id: one.name for one in keys}
        if cursor is None:
            return found


def status_range(text: str) -> tuple[int | None, int | None]:
    """What a filter of the status means: `404` is one, `4` or `4xx` all of their hundred; else none at all."""
    if not text:
        return None, None
    match = _STATUS.fullmatch(text.strip().lower())
    if match is None:
        return 0, 0
    if match[2]:
        return int(match[2]), int(match[2]) + 1
    return int(match[1]) * 100, int(match[1]) * 100 + 100


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    from praxisd.services.relay.room import room_of  # the room keeps the log

    room_of(call.house).entered()
    order = query.sort or ACCESSES.sort
    part = folded(query.filters.get("key", ""))
    low, high = status_range(query.filters.get("status", ""))
    with call.read() as tx:
        names, zone = key_names(tx), zone_of(zone_name(call.house, tx))
        wanted = {
            "keys": [id_ for id_, name in names.items() if part in folded(name)] if part else None,
            "low": low,
            "high": high,
            "since": parse_rfc3339(query.from_, "from") if query.from_ else None,
            "until": parse_rfc3339(query.to, "to") if query.to else None,
        }
        found, total = access_store.page(
            tx, wanted, sort=order.removeprefix("-"), down=order.startswith("-"), offset=query.offset,
            limit=query.limit,
        )  # fmt: skip
    rows = [
        Row(
            id=one.id,
            cells={
                "at": format_rfc3339(one.at, zone),
                "key": names.get(one.key, one.key),
                "operation": f"{one.method} {one.operation}",
                "status": one.status,
                "ms": one.ms,
                "sent": one.sent,
                "address": one.address,
            },
            alert=one.status in (401, 403, 429) or one.status >= 500,
        )
        for one in found
    ]
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


ACCESSES = Listing(
    "relay.access",
    READ,
    (
        Column("at", "time", sortable=True),
        Column("key", filter=True),
        Column("operation", sortable=True),
        Column("status", "number", sortable=True, filter=True),
        Column("ms", "number", sortable=True),
        Column("sent", "number", sortable=True),
        Column("address", personal=True),
    ),
    _rows,
    period="at",
    sort="-at",
)
LISTINGS = (ACCESSES,)
