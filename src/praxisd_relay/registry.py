"""The registry of a hub: which practices it knows, which codes are open, and how both change.

In memory for the questions of every connection, in `hub.sqlite` for good. All on one thread. What another program
(a command) changed is taken in by `poll`; what another hub changed by `apply`; whoever must know is told by `changed`.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec.structs import replace

from praxisd_relay import identity
from praxisd_relay.records import (
    LABEL,
    NAMES,
    Code,
    Practice,
    Record,
    key_of,
    merged,
    newest,
    outdated,
    sound,
)
from praxisd_relay.registry_file import BUSY_SECONDS, RegistryFile

CODE_SECONDS = 86_400
CODE_TRIES = 5
ROTATIONS = 10
"""New keys of one practice in 24 hours; each is written on all hubs."""
MOST_KEYS = 256
"""Keys of one practice, former ones included: their names lead to it for good."""
KEEP_CODES = 30 * 86_400

Watcher = Callable[[Record, bool], None]
"""Called with a record as it is now, and whether it came from another hub."""


class Refusal(Exception):
    """The registry says no. `code`: "unknown", "revoked", "code_used", "code_wrong", "busy", "name_taken",
    "name_wrong"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Registry:
    """Practices and codes of one hub folder."""

    def __init__(
        self, path: Path, now: Callable[[], float] = time.time, busy_s: float = BUSY_SECONDS
    ) -> None:
        """Opens or makes the file. `now`: seconds since 1970; `busy_s`: how long to wait while another writes."""
        self._file = RegistryFile(path, busy_s)
        self._now = now
        self._practices: dict[str, Practice] = {}
        self._codes: dict[str, Code] = {}
        self._named: dict[str, str] = {}
        self._aliases: dict[str, set[str]] = {}
        self._after: dict[str, set[str]] = {}
        self._watchers: list[Watcher] = []
        self._seq = 0
        self._stamp = 0
        self.poll()

    def close(self) -> None:
        """The file is let go."""
        self._file.close()

    def changed(self, watcher: Watcher) -> None:
        """Have `watcher` called after every change, whoever made it."""
        self._watchers.append(watcher)

    # Questions

    def find(self, id_: str) -> Practice | None:
        """The record of this very id, revoked or not."""
        return self._practices.get(id_)

    def present(self, id_: str) -> Practice | None:
        """The practice behind an id: that of its present key. None: unknown, or revoked anywhere on the way."""
        for _ in range(MOST_KEYS):
            found = self._practices.get(id_)
            if found is None or found.revoked:
                return None
            if not found.alias_of:
                return found
            id_ = found.alias_of
        return None

    def named(self, name: str) -> str | None:
        """The id that an own host name belongs to."""
        return self._named.get(name)

    def aliases(self, id_: str) -> list[Practice]:
        """All former keys of a practice."""
        found: dict[str, Practice] = {}
        waiting = [id_]
        while waiting:
            for one in self._aliases.get(waiting.pop(), ()):
                if one not in found and one != id_:
                    found[one] = self._practices[one]
                    waiting.append(one)
        return list(found.values())

    def practices(self) -> list[Practice]:
        """All of them, in order of enrolment."""
        return sorted(self._practices.values(), key=lambda one: (one.since, one.id))

    def codes(self) -> list[Code]:
        """All of them, in the order they were made."""
        return sorted(self._codes.values(), key=lambda one: (one.since, one.hash))

    def records(self) -> list[Record]:
        """All that another hub needs to know the same."""
        return [*self._practices.values(), *self._codes.values()]

    def __len__(self) -> int:
        return len(self._practices)

    # Changes

    def invite(self, label: str, seconds: int = CODE_SECONDS) -> str:
        """A new one-time code (26 letters), good for `seconds`. It is shown once: only its hash is kept."""
        code = identity.new_code()
        now = int(self._now())
        made = Code(hash=identity.code_hash(code), label=_printable(label), since=now, until=now + seconds)
        self._write([made])
        return code

    def enrol(self, code: str, public: bytes, label: str = "") -> Practice:
        """Admit a key by a code, which is then used up. The same key with the same code gets the same answer again.

        Raises Refusal: "code_wrong" (unknown, too late, refused too often), "code_used", "revoked".
        """
        self.poll()
        id_, now = identity.id_of(public), int(self._now())
        found, known = self._codes.get(identity.code_hash(code)), self._practices.get(id_)
        if found is None:
            raise Refusal("code_wrong")
        if known is not None and known.revoked:
            raise Refusal("revoked")
        if found.used_by == id_ and known is not None:
            if known.closed or known.alias_of:
                raise Refusal("code_used")  # the practice has another key by now
            return known  # the answer to the first try was lost on the way
        if found.used_by or now >= found.until or found.tries >= CODE_TRIES:
            self.refused(code)
            raise Refusal("code_used" if found.used_by else "code_wrong")
        used = replace(found, used_by=id_, used_at=now)
        made = known or Practice(id=id_, key=public, since=now)
        made = replace(made, label=found.label or _printable(label) or made.label)
        made = replace(made, alias_of="", closed=False, came_from="", came_at=0)
        if not self._write((used, made), expected=(found,)):
            raise Refusal("code_used")  # another hub on this folder was quicker
        return self._practices[id_]

    def refused(self, code: str) -> None:
        """Count a try with this code that was refused; of an unknown code nothing is kept."""
        self.poll()
        found = self._codes.get(identity.code_hash(code))
        if found is not None and found.tries < 2 * CODE_TRIES:
            self._write([replace(found, tries=found.tries + 1)])

    def rotate(self, old: str, public: bytes) -> Practice:
        """A new key for the practice of `old`, which becomes its alias. Again with the same key: the same answer.

        Raises Refusal: "unknown", "revoked", "busy" (too often).
        """
        self.poll()
        before, id_ = self.present(old), identity.id_of(public)
        if before is None:
            raise Refusal("revoked" if old in self._practices else "unknown")
        known = self._practices.get(id_)
        if before.id == id_:
            return before
        if known is not None:
            raise Refusal(
                "revoked" if known.revoked else "unknown"
            )  # a key that was another's, or its own former one
        now, former = int(self._now()), self.aliases(before.id)
        lately = sum(bool(one.came_from) and one.since > now - 86_400 for one in (before, *former))
        if lately >= ROTATIONS or len(former) + 1 >= MOST_KEYS:
            raise Refusal("busy")
        made = Practice(
            id=id_,
            key=public,
            label=before.label,
            since=now,
            names=before.names,
            came_from=before.id,
            came_at=before.turn,
        )
        if not self._write((made, replace(before, alias_of=id_, names=())), expected=(before,)):
            return self.rotate(old, public)  # it was revoked or renamed this very moment
        return self._practices[id_]

    def proved(self, id_: str) -> None:
        """The present key opened a link: the keys before it open none any more; their names still lead to it."""
        old = [replace(one, closed=True) for one in self.aliases(id_) if not one.closed]
        if old:
            self._write(old)

    def revoke(self, id_: str) -> list[Practice]:
        """Shut out an id and, if it is the present one, its aliases. Raises Refusal("unknown")."""
        return self._turn(id_, revoked=True)

    def restore(self, id_: str) -> list[Practice]:
        """Take back a revocation, of the aliases too. Raises Refusal("unknown")."""
        return self._turn(id_, revoked=False)

    def _turn(self, id_: str, revoked: bool) -> list[Practice]:
        self.poll()
        found = self._practices.get(id_)
        if found is None:
            raise Refusal("unknown")
        whole = not found.alias_of
        about = [one for one in (found, *(self.aliases(id_) if whole else ())) if one.revoked is not revoked]
        turned = [
            replace(one, turn=one.turn + 1, shut=one.turn + 1 if whole and revoked else one.shut)
            for one in about
        ]
        if not self._write(turned, expected=about):
            self.poll()  # its key was changed this very moment: the practice is meant all the same
            present = self.present(id_) if whole else None
            return self._turn(present.id if present is not None else id_, revoked)
        return [self._practices[one.id] for one in turned]

    def rename(self, id_: str, label: str | None = None, names: Iterable[str] | None = None) -> Practice:
        """Set label or own host names. Raises Refusal: "unknown", "name_wrong", "name_taken"."""
        self.poll()
        found = self._practices.get(id_)
        if found is None:
            raise Refusal("unknown")
        chosen = (
            found.names if names is None else tuple(dict.fromkeys(name.lower().rstrip(".") for name in names))
        )
        if len(chosen) > NAMES or not all(identity.is_host(name) and "." in name for name in chosen):
            raise Refusal("name_wrong")
        if any(self._named.get(name, id_) != id_ for name in chosen):
            raise Refusal("name_taken")
        made = replace(found, label=found.label if label is None else _printable(label), names=chosen)
        self._write([made])
        return self._practices[id_]

    # Changes of others

    def apply(self, record: Record, *more: Record) -> bool:
        """Take in records of another hub, in one transaction; True if that changed anything.

        One that does not hold together is dropped. Where two hubs took the same code at the same moment, the earlier
        use stands and the later id is revoked.
        """
        self.poll()
        results: dict[tuple[str, str], Record] = {}
        losers: set[str] = set()
        for one in filter(sound, (record, *more)):
            mine = results.get(key_of(one)) or self._held(one)
            result = one if mine is None else merged(mine, one)
            self._stamp = max(self._stamp, one.stamp)
            if result != mine:
                results[key_of(one)] = result
            if isinstance(mine, Code) and isinstance(one, Code) and isinstance(result, Code):
                losers |= {mine.used_by, one.used_by} - {"", result.used_by}
        self._write(list(results.values()), foreign=True)
        for loser in losers:
            if loser in self._practices:
                present = self.present(loser)
                self.revoke(present.id if present is not None else loser)
        self._shut_followers(one for kind, one in results if kind == "practice")
        return bool(results)

    def _shut_followers(self, ids: Iterable[str]) -> None:
        """Revoke keys that took the place of one which was revoked at another hub before that was known here."""
        waiting = list(ids)
        while waiting:
            id_ = waiting.pop()
            for one in (id_, *self._after.get(id_, ())):
                found = self._practices.get(one)
                before = self._practices.get(found.came_from) if found is not None else None
                if found is None or before is None or not outdated(before, found):
                    continue
                # what the revocation's later stamp may have undone: the former key leads on to this one
                self._write((replace(found, turn=1, shut=1), replace(before, alias_of=one, names=())))
                waiting.append(one)

    def poll(self) -> int:
        """Take in what other programs wrote into the file; the number of records. Cheap when there is nothing."""
        if not self._file.others_wrote():
            return 0
        last, found = self._file.since(self._seq)
        self._seq = last
        fresh = [one for one in found if self._held(one) != one]
        for one in fresh:
            self._hold(one)
        self._tell(fresh, foreign=False)
        self._shut_followers([one.id for one in fresh if isinstance(one, Practice)])
        return len(fresh)

    # Counters

    def count(self, rows: list[tuple[str, int, int, int, int, int]]) -> None:
        """See RegistryFile.count."""
        self._file.count(rows)

    def usage(self, hours: int) -> dict[str, tuple[int, int, int, int]]:
        """Per id the streams and bytes (received, sent) of the last hours, and when it was last linked."""
        return self._file.usage(int(self._now()) // 3600 - hours + 1)

    def forget(self) -> None:
        """Forget codes that ended 30 days ago. What is in the file goes by `forget_counters`."""
        before = int(self._now()) - KEEP_CODES
        for hashed in [one.hash for one in self._codes.values() if max(one.until, one.used_at) < before]:
            del self._codes[hashed]

    # Below

    def _held(self, record: Record) -> Record | None:
        return (
            self._practices.get(record.id) if isinstance(record, Practice) else self._codes.get(record.hash)
        )

    def _write(
        self,
        records: Sequence[Record],
        expected: Iterable[Record] = (),
        foreign: bool = False,
    ) -> bool:
        """Write records with a new stamp (a foreign one keeps its own). False, and nothing, if `expected` is no more."""
        if not records:
            return True
        written: list[Record] = []
        with self._file.writing():
            if any(self._file.get(key_of(one)) != one for one in expected):
                return False
            for one in records:
                if not foreign:
                    self._stamp = max(int(self._now() * 1000), self._stamp + 1)
                    one = replace(one, stamp=self._stamp)
                there = self._file.get(key_of(one))
                if isinstance(one, Practice) and isinstance(there, Practice) and there.turn > one.turn:
                    one = replace(
                        one, turn=there.turn, shut=max(one.shut, there.shut)
                    )  # revoked by a command a moment ago
                self._file.put(one)
                written.append(one)
        for one in written:
            self._hold(one)
        self._tell(written, foreign)
        return True

    def _hold(self, record: Record) -> None:
        self._stamp = max(self._stamp, newest((record,)))
        if isinstance(record, Code):
            self._codes[record.hash] = record
            return
        before = self._practices.get(record.id)
        if before is not None:
            for name in before.names:
                if self._named.get(name) == record.id:
                    del self._named[name]
            if before.alias_of:
                self._aliases.get(before.alias_of, set()).discard(record.id)
        self._practices[record.id] = record
        for name in record.names:
            self._named[name] = record.id
        if record.came_from:
            self._after.setdefault(record.came_from, set()).add(record.id)
        if record.alias_of:
            self._aliases.setdefault(record.alias_of, set()).add(record.id)

    def _tell(self, records: Iterable[Record], foreign: bool) -> None:
        for one in records:
            for watcher in self._watchers:
                watcher(one, foreign)


def _printable(label: str) -> str:
    """What may stand in a terminal: it may come from a stranger with a code."""
    return "".join(letter for letter in label if letter.isprintable())[:LABEL]


def forget_counters(path: Path, hours: int, now: float) -> None:
    """Drop counters older than `hours` and codes that ended 30 days ago, in small steps; for a thread of its own."""
    file = RegistryFile(path)
    try:
        while file.forget(int(now) // 3600 - hours, int(now) - KEEP_CODES):
            time.sleep(0.01)
    finally:
        file.close()
