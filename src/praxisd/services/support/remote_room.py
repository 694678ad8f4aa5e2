"""What one process remembers of remote support: which grants hold, and what the partner did that is still to be noted.

A request costs no query: what holds is read again after a commit, and where several nodes share the database once a
second. Changes are noted at once, reading is gathered by operation for some seconds (`support.acted`).
"""

import hashlib
import hmac
import threading
from collections import deque
from typing import TYPE_CHECKING

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.sessions import Acted, Live
from praxisd.kernel.store import Tx
from praxisd.services.accounts import api as accounts
from praxisd.services.support import remote_rules as rules
from praxisd.services.support import remote_store as store
from praxisd.services.support.remote_store import Grant

if TYPE_CHECKING:
    from praxisd.kernel.app import House

TRUST_S = 1.0
GATHER_S = 15.0
"""Reading of one kind within so many seconds is one line of the record."""
LOOK_S = 1.0
WRONG_MOST, WRONG_S = 60, 60.0
"""Wrong codes in a minute from everywhere together; then nobody is asked for a while. Seconds."""
_GATHERED_MOST = 2_000
ACT = "SupportAct"
_Key = tuple[Actor, str, int, str | None]


class Room:
    """Remote support in one process; `Guests` for the doors."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._grants: tuple[Grant, ...] = ()
        self._generation = -1
        self._read_at = float("-inf")
        self._acts: dict[_Key, list[int]] = {}
        self._urgent = False
        self._flushed = float("-inf")
        self._wrong: deque[float] = deque(maxlen=WRONG_MOST)
        self._bell = threading.Event()

    # --- which grants hold ---------------------------------------------------------------------------------------

    def kept(self) -> tuple[Grant, ...]:
        """Grants nobody has ended, of all practices; the time of some may have run out."""
        house = self._house
        now, generation = house.clock.monotonic(), house.store.generation
        unchanged = house.store.alone and generation == self._generation
        if not unchanged and (house.store.alone or now - self._read_at >= TRUST_S):
            with house.store.read(system("support")) as tx:
                found = tuple(store.not_ended_anywhere(tx))
            self._grants, self._generation, self._read_at = found, generation, now
        return self._grants

    def forget(self) -> None:
        """Read anew with the next question."""
        self._generation, self._read_at = -1, float("-inf")

    def open(self) -> list[Grant]:
        """Grants that hold now."""
        now = self._house.clock.now()
        return [one for one in self.kept() if one.until > now]

    def _of(self, token: str) -> Grant | None:
        digest = hashlib.sha256(token.encode(errors="replace")).hexdigest()
        held = [one for one in self.open() if one.session]
        return next((one for one in held if hmac.compare_digest(one.session, digest)), None)

    # --- Guests ----------------------------------------------------------------------------------------------------

    def session(self, token: str) -> Live:
        """The session of a token; 401 `accounts.session_ended` for one that holds no longer or never did."""
        one = self._of(token)
        if one is None:
            raise Problem("accounts.session_ended", 401)
        return Live(one.id, actor_of(self._house, one), accounts.csrf_of(token), one.until, guest=one.name)

    def known(self, token: str) -> bool:
        """True while the token's session holds."""
        return self._of(token) is not None

    def sign_out(self, token: str) -> None:
        """The partner leaves. The grant holds on: with a new code they may come back."""
        one = self._of(token)
        if one is None:
            return
        self.flush(everything=True)

        def work(tx: Tx) -> None:
            if store.leave(tx, one.id, one.session):
                events.note(tx, "support.left", "Support", one.id)
                tx.after(self.forget)

        self._house.store.run(actor_of(self._house, one), work)

    def acted(self, what: Acted) -> None:
        """Remember what the partner asked for; on the event loop."""
        key = (what.actor, what.operation, what.status, what.code)
        with self._lock:
            found = self._acts.get(key)
            if found is not None:
                found[0] += 1
                found[2] = what.at
            elif len(self._acts) < _GATHERED_MOST:
                self._acts[key] = [1, what.at, what.at]
            self._urgent = self._urgent or what.changes
        if what.changes:
            self._bell.set()

    # --- the record --------------------------------------------------------------------------------------------------

    def flush(self, *, everything: bool = False) -> int:
        """Note what was done, if it is due; returns how many lines that made. What cannot be noted now stays due."""
        now = self._house.clock.monotonic()
        with self._flushing:
            with self._lock:
                due = everything or self._urgent or now - self._flushed >= GATHER_S
                if not due or not self._acts:
                    return 0
                acts, self._acts, self._urgent = self._acts, {}, False
            left = dict(acts)
            try:
                for actor in {key[0] for key in acts}:
                    mine = {key: value for key, value in acts.items() if key[0] == actor}
                    self._house.store.run(actor, lambda tx, mine=mine: _note(tx, mine))  # type: ignore[misc]
                    for key in mine:
                        del left[key]
            except Exception:
                with self._lock:
                    for key, (count, first, last) in left.items():
                        more = self._acts.setdefault(key, [0, first, last])
                        more[0], more[1] = more[0] + count, first
                raise
            self._flushed = now
            return len(acts)

    # --- wrong codes -------------------------------------------------------------------------------------------------

    def check_rate(self) -> None:
        """Problem `accounts.rate_limited` (429) after too many wrong codes, wherever they came from."""
        now = self._house.clock.monotonic()
        if len(self._wrong) == WRONG_MOST and now - self._wrong[0] < WRONG_S:
            wait = max(1, round(WRONG_S - (now - self._wrong[0])))
            raise Problem(
                "accounts.rate_limited", 429, retry=True, headers={"Retry-After": str(wait)}, seconds=wait
            )

    def was_wrong(self) -> None:
        """Somebody typed a code that is none."""
        self._wrong.append(self._house.clock.monotonic())

    # --- the thread --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; ends with the house."""
        self._house._spawn("support", self._turns)  # the house waits for it before it closes the store

    def _turns(self) -> None:
        house = self._house
        while not house.stopping:
            try:
                turn(house)
            except Exception as error:
                house.log.error("loop_failed", where="support.remote", error=error)
            self._bell.wait(LOOK_S)
            self._bell.clear()
        self.flush(everything=True)

    def close(self) -> None:
        """The house stops: note what is left."""
        self.flush(everything=True)


def turn(house: "House") -> None:
    """Note what is due, end what has run out: each second, in safe mode with the checks."""
    from praxisd.services.support import remote  # it asks the room

    room_of(house).flush()
    remote.settle(house)


def _note(tx: Tx, acts: dict[_Key, list[int]]) -> None:
    for (actor, operation, status, code), (count, first, last) in acts.items():
        events.note(
            tx,
            "support.acted",
            ACT,
            actor.id,
            first=first,
            last=last,
            operation=operation,
            count=count,
            status=status,
            code=code,
        )


def actor_of(house: "House", one: Grant) -> Actor:
    """Who acts: masked, with the role of the service partner without what changes users, keys, secrets or consents."""
    may = rules.permissions(house.registry.role("partner"))
    return Actor(Kind.SUPPORT, one.id, one.organization, may, masked=True)


def room_of(house: "House") -> Room:
    """The room of this house; made with the first call."""
    found: Room | None = house.shared.get("support.remote")
    if found is None:
        found = house.shared.setdefault("support.remote", Room(house))
    return found


def start(house: "House") -> None:
    """Called when the house starts its work."""
    room_of(house).start()
