"""The work of a take-over: reading a file twice, dealing with its records in short transactions, taking all back.

Each transaction writes what became of some records and how far the work is, together: whoever takes it up after a kill goes
on behind the last record that was written, and repeats none. One worker at a time holds the Lease `takeover:<id>`; each
transaction renews it, and writes nothing once it is lost, or a person has stopped the work.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.fhir_primitives import FORBIDDEN_CHARACTERS
from praxisd.services.exchange import formats, takeover_places
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.exchange.format import Found, Left, Progress, Warning_
from praxisd.services.exchange.takeover_deciding import Decider, Memory, Outcome, Seen
from praxisd.services.exchange.takeover_holding import BUDGET_S, PIECE, Left_
from praxisd.services.exchange.takeover_undoing import Undoing

DROPPED = 500
"""Records of a deleted take-over that go in one transaction."""
WARNINGS_KEPT = 1_000
"""So many warnings of a file are kept with their lines; all are counted."""


class Reading(NamedTuple):
    """A file as it is to be read."""

    format: str
    settings: rules.Settings


class Work(Undoing):
    """One worker at one take-over; `until()` says when to leave the rest for later."""

    # --- what there is to do ---------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until it is done, somebody stops it, or the time is over. A file that cannot be read fails the take-over."""
        with self._house.store.read(self._actor) as tx:
            row = store.get(tx, self._id)
        if row is None:
            return
        do = {
            "looking": self._look,
            "running": self._apply,
            "undoing": self.undo,
            rules.DELETING: self._delete,
        }.get(row.state)
        if do is None:
            return
        try:
            do(row)
        except Left_:
            return
        except Problem as problem:
            if problem.status >= 500:  # not the file's: tried again
                raise
            code = problem.code

            def fail(tx: Tx) -> None:
                store.save(tx, self._mine(tx, row.state), state="failed", code=code)
                self._note(tx, "takeover.failed", code=code)

            self._house.store.run(self._actor, fail)

    def _open(self, row: Any) -> Reading:
        return Reading(row.format, self._settings(row))

    @staticmethod
    def _settings(row: Any) -> rules.Settings:
        return rules.Settings() if row is None else msgspec.json.decode(row.settings, type=rules.Settings)

    def _records(self, reading: Reading, progress: Progress) -> Iterator[Found | Warning_ | Left]:
        one = formats.get(reading.format)
        with takeover_places.opened(self._house, self._id) as stream:
            yield from one.read(stream, reading.settings.options, progress)

    def _doubtful(self, tx: Tx, reading: Reading) -> frozenset[str]:
        """Numbers that other take-overs of the same program flagged: what a file says about them may be anybody's."""
        found = store.flawed_before(tx, self._id)
        same = {
            one
            for one in {takeover for takeover, _ in found}
            if self._settings(store.get(tx, one)).origin == reading.settings.origin
        }
        return frozenset(number for takeover, number in found if takeover in same)

    # --- look ------------------------------------------------------------------------------------------------------

    def _look(self, row: Any) -> None:
        """Read twice: what is damaged shows only at the end of a file. Begun anew each time, for nothing is written."""
        reading = self._open(row)
        with self._house.store.read(self._actor) as tx:
            memory = Memory(doubtful=self._doubtful(tx, reading))
        told, left = Counter[str](), Counter[str]()
        self._forget()
        kept: list[Warning_] = []
        for one in self._records(reading, lambda done: self._beat("looking", done // 2)):
            if isinstance(one, Found):
                memory.learn(one.claim)
            elif isinstance(one, Left):
                left[f"{one.what}\n{one.label}"] += one.times
            else:
                told[one.code] += 1
                if len(kept) < WARNINGS_KEPT:
                    kept.append(one)
        self._house.store.run(self._actor, lambda tx: self._keep_warnings(tx, kept, told, left))
        counts = Counter({f"warning {code}": number for code, number in told.items()})
        seen, half = Seen(), row.bytes // 2
        self._pass(reading, "looking", memory, seen, 0, counts, lambda read: half + read // 2)

        def end(tx: Tx) -> None:
            store.save(
                tx,
                self._mine(tx, "looking"),
                state="looked",
                cursor=0,
                done=row.bytes,
                counts=_counts(counts),
            )
            self._note(tx, "takeover.looked", records=memory.people + memory.rest)

        self._house.store.run(self._actor, end)

    def _forget(self) -> None:
        """Take away what an earlier look found, in pieces."""
        after = 0
        while True:

            def work(tx: Tx, after: int = after) -> bool:
                self._mine(tx, "looking")
                store.drop_items(tx, self._id, after, after + 2_000)
                return not store.items(tx, self._id, after, 1)

            if self._house.store.run(self._actor, work):
                break
            after += 2_000

        def rest(tx: Tx) -> None:
            self._mine(tx, "looking")
            store.drop_report(tx, self._id)

        self._house.store.run(self._actor, rest)

    def _keep_warnings(self, tx: Tx, kept: list[Warning_], told: Counter[str], left: Counter[str]) -> None:
        row = self._mine(tx, "looking")
        for no, one in enumerate(kept, 1):
            params = msgspec.json.encode(dict(one.params)).decode()
            store.add_warning(tx, takeover=self._id, no=no, line=one.line, code=one.code, params=params)
        store.save(tx, row, left_out=msgspec.json.encode(dict(left)).decode())

    # --- delete ----------------------------------------------------------------------------------------------------

    def _delete(self, row: Any) -> None:
        """Take away what is left of a take-over, in pieces: others write in between, and a kill loses nothing."""

        def some(tx: Tx) -> bool:
            self._mine(tx, row.state)
            if store.drop_some(tx, self._id, DROPPED):
                return True
            store.drop_report(tx, self._id)
            store.delete(tx, self._id)
            return False

        while self._house.store.run(self._actor, some):
            self._breathe()

    # --- apply -----------------------------------------------------------------------------------------------------

    def _apply(self, row: Any) -> None:
        reading = self._open(row)
        with self._house.store.read(self._actor) as tx:
            memory = Memory(store.flawed(tx, self._id, rules.STRANGE), self._doubtful(tx, reading))
        for one in self._records(reading, lambda done: self._beat("running", row.done)):
            if isinstance(one, Found):
                memory.learn(one.claim)
        counts = Counter(_of(row.counts) if row.cursor else _kept_warnings(row.counts))
        self._pass(reading, "running", memory, None, row.cursor, counts, lambda read: read)

        def end(tx: Tx) -> None:
            now = self._mine(tx, "running")
            store.save(
                tx, now, state="done", done=row.bytes, total=row.bytes, counts=_counts(counts), code=""
            )
            numbers = {name: counts[name] for name in ("new", "merged", "same", "refused", "doubt")}
            self._note(tx, "takeover.done", "", **numbers)

        self._house.store.run(self._actor, end)

    def _pass(
        self, reading: Reading, state: str, memory: Memory, seen: Seen | None, cursor: int,
        counts: Counter[str], shown: Callable[[int], int],
    ) -> None:  # fmt: skip
        """Deal with people, then with what is about them. `cursor` is behind what was dealt with before a kill or a stop."""
        for rest in (False, True) if memory.rest else (False,):
            base = rules.REST if rest else 0
            progress = _Gauge()
            found = (
                one
                for one in self._records(reading, progress.tell)
                if isinstance(one, Found) and (one.kind != "patient") == rest and base + one.no > cursor
            )
            while piece := list(islice(found, PIECE)):
                while piece:
                    dealt = self._house.store.run(
                        self._actor,
                        lambda tx, piece=piece, base=base, progress=progress: self._some(  # type: ignore[misc]
                            tx,
                            piece,
                            base,
                            state,
                            reading.settings,
                            memory,
                            seen,
                            counts,
                            shown(progress.read),
                        ),
                    )
                    counts.update(dealt[1])
                    piece = piece[dealt[0] :]
                    self._breathe()

    def _some(
        self, tx: Tx, piece: list[Found], base: int, state: str, settings: rules.Settings, memory: Memory,
        seen: Seen | None, counts: Counter[str], done: int,
    ) -> tuple[int, Counter[str]]:  # fmt: skip
        """Deal with as many records as fit into one transaction; how many, and what became of them."""
        row = self._mine(tx, state)
        if seen is None and row.cursor >= base + piece[0].no:
            raise Left_  # one killed before us committed late: begun again behind what it wrote
        decider = Decider(self._house, tx, row, settings, memory, seen)
        end = time.monotonic() + BUDGET_S
        fresh, number = Counter[str](), 0
        for one in piece:
            outcome = decider.deal(one)
            self._put(tx, one, outcome, "looked" if seen is not None else "applied")
            fresh.update(_tally(one, outcome))
            number += 1
            if time.monotonic() > end:
                break
        both = counts + fresh
        store.save(
            tx, row, cursor=base + piece[number - 1].no, done=done, total=row.bytes, counts=_counts(both)
        )
        return number, fresh

    def _put(self, tx: Tx, one: Found, out: Outcome, state: str) -> None:
        store.put_item(
            tx, takeover=self._id, no=one.no, kind=one.kind, line=one.line, source_id=_shown(one.source_id), action=out.action,
            code=out.code, flaw=out.flaw, fields=msgspec.json.encode(out.fields).decode(), state=state,
            target=out.target, patient=out.patient, version=out.version, before=out.before,
        )  # fmt: skip


class _Gauge:
    """How many bytes a reader has read."""

    def __init__(self) -> None:
        self.read = 0

    def tell(self, read: int) -> None:
        self.read = read


def _shown(number: str | None) -> str | None:
    """A number as it stands in the report: one that was refused may be endless, or hold what no database keeps."""
    return None if number is None else FORBIDDEN_CHARACTERS.sub("\ufffd", number[: rules.LONGEST])


def _tally(one: Found, out: Outcome) -> list[str]:
    """Words under which a record is counted."""
    words = [out.action, f"{one.kind} {out.action}"]
    words += [f"code {out.code}"] if out.code else []
    return words + ([f"flaw {out.flaw}"] if out.flaw else [])


def _counts(counts: Counter[str]) -> str:
    return msgspec.json.encode(dict(counts)).decode()


def _of(text: str) -> dict[str, int]:
    return msgspec.json.decode(text, type=dict[str, int])


def _kept_warnings(text: str) -> dict[str, int]:
    """Counts of the look that go on to hold: warnings of the file."""
    return {name: number for name, number in _of(text).items() if name.startswith("warning ")}
