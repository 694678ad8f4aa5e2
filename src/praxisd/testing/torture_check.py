"""The judge: is what the database holds sound, and does it agree with every answer that was given?

Two independent judgements. `check_state` looks at the rows alone. `check_history` looks at the recorded answers:
what they promise must be there, and they must not contradict each other, so that a double booking shows even where
the database was wiped clean afterwards. Pure: plain data in, violations out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from praxisd.testing.torture_history import Record, Shown
from praxisd.testing.torture_state import OCCUPYING, Busy, Kept, Noted, State

REFUSALS: frozenset[tuple[int, str]] = frozenset(
    (status, f"calendar.{code}")
    for status in (409, 422)
    for code in ("slot_taken", "hold_expired", "hold_unknown", "frozen", "status_change")
) | {
    (409, "calendar.reservation_overlaps"),
    (409, "http.idempotency_running"),
    (422, "calendar.end_missing"),  # a portal moves an appointment whose type has no duration of its own
    (412, "resource.stale"),
    (404, "http.not_found"),
    (422, "http.not_found"),
}
"""What a torture may be refused with; anything else is a fault of the server or of the torture, and counts."""
_FIRST = {"appointment.booked", "appointment.requested", "appointment.imported"}
_ENDLESS = 1 << 63


@dataclass(frozen=True)
class Violation:
    """One broken promise: `kind` is a stable word, `text` says where."""

    kind: str
    text: str


def check_state(state: State) -> list[Violation]:
    """All invariants of the stored rows: overlaps, owners, groups, events."""
    found = [Violation("integrity", word) for word in state.faults]
    found += _overlaps(state.busy)
    found += _owners(state)
    found += _events(state)
    return found


def _overlaps(rows: Iterable[Busy]) -> list[Violation]:
    found = []
    lanes: dict[str, list[Busy]] = defaultdict(list)
    for row in rows:
        lanes[row.schedule].append(row)
    for lane in lanes.values():
        open_: list[Busy] = []
        for row in sorted(lane, key=lambda r: (r.start, r.end)):
            open_ = [o for o in open_ if o.end > row.start]
            found += [
                Violation("overlap", f"{o.owner} and {row.owner} on {row.schedule} at {row.start}")
                for o in open_
                if o.exclusive or row.exclusive
            ]
            open_.append(row)
    return found


def _owners(state: State) -> list[Violation]:
    found = []
    reservations = dict(state.reservations)
    lanes: dict[str, list[Busy]] = defaultdict(list)
    for row in state.busy:
        lanes[row.owner].append(row)
        if row.exclusive != (row.kind in ("appointment", "hold")):
            found.append(Violation("row_kind", f"{row.owner} is {row.kind}, exclusive {row.exclusive}"))
    for one in state.appointments.values():
        rows = sorted((r.schedule, r.start, r.end) for r in lanes.pop(f"Appointment/{one.id}", ()))
        first, last = one.start - one.before * 60, one.end + one.after * 60
        wanted = sorted((s, first, last) for s in one.schedules) if one.status in OCCUPYING else []
        if rows != wanted:
            found.append(Violation("rows", f"{one.id} is {one.status}: rows {rows} instead of {wanted}"))
        if one.service is not None and one.status in OCCUPYING:
            groups = state.groups.get(one.service, ())
            if len(one.schedules) != len(groups) or not _one_of_each(one.schedules, groups):
                found.append(Violation("groups", f"{one.id} has {one.schedules}"))
    for owner, rows_ in lanes.items():
        kind, _, id_ = owner.partition("/")
        if kind == "Hold" and id_ in state.holds:
            continue
        if kind == "Reservation" and id_ in reservations:
            low, high, schedules = reservations.pop(id_)
            whole = dict.fromkeys(schedules, (low, high))
            if {r.schedule: (r.start, r.end) for r in rows_} != whole or len(rows_) != len(whole):
                found.append(Violation("rows", f"{owner} differs from its rows"))
            continue
        found.append(Violation("orphan_rows", f"{owner} owns {len(rows_)} rows and is not there"))
    found += [Violation("rows", f"Reservation/{id_} has no rows") for id_ in reservations]
    return found


def _one_of_each(chosen: Sequence[str], groups: Sequence[frozenset[str]]) -> bool:
    """Whether the schedules can be dealt to the groups, one each (groups are few: trying is enough)."""
    if not groups:
        return not chosen
    return any(
        _one_of_each([c for c in chosen if c != one], groups[1:]) for one in chosen if one in groups[0]
    )


def _events(state: State) -> list[Violation]:
    found = []
    chains: dict[str, list[Noted]] = defaultdict(list)
    for event in state.events:
        if event.type.startswith("appointment."):
            chains[event.appointment].append(event)
    for id_ in chains.keys() - state.appointments.keys():
        found.append(Violation("events", f"{id_} has events and no record"))
    for id_, one in state.appointments.items():
        chain = chains.get(id_, [])
        if [e.version for e in chain] != list(range(1, one.version + 1)):
            found.append(Violation("events", f"{id_} is version {one.version}: {[e.version for e in chain]}"))
            continue
        firsts = [e.version for e in chain if e.type in _FIRST]
        if firsts != [1] or chain[-1].status != one.status:
            found.append(Violation("events", f"{id_} is {one.status}: {[(e.type, e.status) for e in chain]}"))
    return found


def check_history(records: Sequence[Record], state: State) -> list[Violation]:
    """Everything that was answered holds, and the answers do not contradict each other."""
    found = _answers(records)
    found += _tags(records, state)
    found += _promises(records, state)
    found += _double_promises(records)
    found += _idempotency(records)
    return found


def _answers(records: Sequence[Record]) -> list[Violation]:
    found = []
    for r in records:
        if r.status >= 500:
            found.append(Violation("server_error", f"{r.n}: {r.op} by {r.door} got {r.status} {r.code}"))
        elif r.outcome == "refused" and (
            (r.status, r.code) not in REFUSALS or (r.status == 412 and "ifMatch" not in r.request)
        ):
            found.append(Violation("strange_refusal", f"{r.n}: {r.op} by {r.door} got {r.status} {r.code}"))
    return found


def _tags(records: Sequence[Record], state: State) -> list[Violation]:
    """A wish to book had exactly one effect if it was granted, none if refused, at most one if nobody knows."""
    found = []
    carriers: dict[str, list[str]] = defaultdict(list)
    for one in state.appointments.values():
        for tag in one.tags:
            carriers[tag].append(one.id)
    wishes: dict[str, list[Record]] = defaultdict(list)
    for r in records:
        if r.tag is not None:
            wishes[r.tag].append(r)
    for tag, tries in wishes.items():
        there = carriers.get(tag, [])
        granted = {r.appointment.id for r in tries if r.outcome == "done" and r.appointment}
        unsure = any(r.outcome == "unanswered" for r in tries)
        if len(granted) > 1 or len(there) > 1:
            found.append(Violation("two_effects", f"{tag}: answered {sorted(granted)}, stored {there}"))
        elif granted and set(there) != granted:
            found.append(Violation("lost", f"{tag}: answered {sorted(granted)}, stored {there}"))
        elif not granted and not unsure and there:
            found.append(Violation("refused_effect", f"{tag} was refused and is stored as {there}"))
    for tag in carriers.keys() - wishes.keys():
        found.append(Violation("unasked", f"{tag} is stored and was never asked for"))
    return found


def _same(shown: Shown, kept: Kept) -> bool:
    as_shown = Shown(
        id=kept.id,
        version=kept.version,
        status=kept.status,
        start=kept.start,
        end=kept.end,
        schedules=kept.schedules,
    )
    return shown.agrees(as_shown)


def _by_appointment(records: Iterable[Record]) -> dict[str, list[Record]]:
    lanes: dict[str, list[Record]] = defaultdict(list)
    for r in records:
        if r.outcome == "done" and r.appointment is not None:
            lanes[r.appointment.id].append(r)
        if r.outcome == "done" and r.cancelled is not None:
            lanes[r.cancelled].append(r)
    return lanes


def _unanswered(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Requests without an answer, by each appointment they may have changed."""
    lanes: dict[str, list[Record]] = defaultdict(list)
    for r in records:
        if r.outcome == "unanswered":
            for id_ in {r.subject, r.request.get("replaces")} - {None}:
                lanes[str(id_)].append(r)
    return lanes


def _promises(records: Sequence[Record], state: State) -> list[Violation]:
    """The last acknowledged state of each appointment is the stored one, and versions follow real time."""
    found = []
    unsure = _unanswered(records)
    for id_, lane in _by_appointment(records).items():
        kept = state.appointments.get(id_)
        if kept is None:
            found.append(Violation("lost", f"{id_} was acknowledged ({lane[0].n}) and is not there"))
            continue
        found += _versions(id_, lane)
        shown = [r.appointment for r in lane if r.appointment is not None and r.appointment.id == id_]
        top = max((s.version or 0 for s in shown), default=0)
        replaced = any(r.cancelled == id_ for r in lane)
        slack = len(unsure.get(id_, ())) + replaced
        if not top <= kept.version <= top + slack:
            found.append(Violation("lost", f"{id_}: version {top} was acknowledged, {kept.version} is kept"))
        if kept.version == top and not any(_same(s, kept) for s in shown if s.version == top):
            found.append(Violation("lost", f"{id_}: version {top} is not what was acknowledged"))
        if replaced and kept.status != "cancelled":
            found.append(Violation("lost", f"{id_} was replaced and is {kept.status}"))
    return found


def _versions(id_: str, lane: Sequence[Record]) -> list[Violation]:
    found = []
    seen: dict[int, Shown] = {}
    for r in lane:
        one = r.appointment
        if one is None or one.id != id_ or one.version is None:
            continue
        first = seen.setdefault(one.version, one)
        if not first.agrees(one):
            found.append(Violation("two_truths", f"{id_}: version {one.version} was shown in two states"))
    # Whoever asked after version v was acknowledged must be told v or later.
    told = sorted((r for r in lane if r.appointment and r.appointment.id == id_), key=lambda r: r.end)
    highest, at, ends = 0, 0, []
    for r in told:
        highest = max(highest, (r.appointment.version if r.appointment else 0) or 0)
        ends.append((r.end, highest))
    for r in sorted(told, key=lambda r: r.start):
        while at < len(ends) and ends[at][0] < r.start:
            at += 1
        version = (r.appointment.version if r.appointment else 0) or 0
        if at and version and not r.replayed and version < ends[at - 1][1]:
            found.append(Violation("went_back", f"{id_}: {r.n} was told {version} after {ends[at - 1][1]}"))
    return found


@dataclass(frozen=True)
class _Sure:
    """From `since` to `until` (ns) this version of an appointment was certainly in the calendar."""

    since: int
    until: int
    shown: Shown


def _sure(records: Sequence[Record]) -> list[_Sure]:
    """For each version acknowledged: from its answer until the first request that may have ended it."""
    begun: dict[tuple[str, str], int] = {}
    for r in records:
        if r.key is not None:
            begun[r.credential, r.key] = min(r.start, begun.get((r.credential, r.key), r.start))
    unsure = _unanswered(records)
    found = []
    for id_, lane in _by_appointment(records).items():
        known: dict[int, tuple[int, int, Shown]] = {}
        others = [r.start for r in unsure.get(id_, ())]
        for r in lane:
            start = begun.get((r.credential, r.key), r.start) if r.key is not None else r.start
            one = r.appointment
            if one is None or one.id != id_ or one.version is None:
                others.append(start)
                continue
            old = known.get(one.version)
            known[one.version] = (
                (start, r.end, one) if old is None else (min(start, old[0]), min(r.end, old[1]), one)
            )
        for version, (_, end, shown) in known.items():
            later = [start for v, (start, _, _) in known.items() if v > version]
            until = min([*later, *others], default=_ENDLESS)
            if shown.status in OCCUPYING and until > end:
                found.append(_Sure(end, until, shown))
    return found


def _double_promises(records: Sequence[Record]) -> list[Violation]:
    """Two appointments certainly there at one moment, with overlapping times on one schedule, buffers included."""
    found = []
    lanes: dict[str, list[_Sure]] = defaultdict(list)
    for one in _sure(records):
        for schedule in one.shown.schedules:
            lanes[schedule].append(one)
    for schedule, lane in lanes.items():
        active: list[_Sure] = []
        for one in sorted(lane, key=lambda s: s.since):
            active = [a for a in active if a.until > one.since]
            low, high = one.shown.start - one.shown.before * 60, one.shown.end + one.shown.after * 60
            for a in active:
                other = a.shown
                if other.id != one.shown.id and (
                    other.start - other.before * 60 < high and low < other.end + other.after * 60
                ):
                    text = f"{other.id} and {one.shown.id} on {schedule} were both promised"
                    found.append(Violation("double_promise", text))
            active.append(one)
    return found


def _idempotency(records: Sequence[Record]) -> list[Violation]:
    """One Idempotency-Key, one answer: same appointment, same version, or the same refusal."""
    found = []
    answers: dict[tuple[str, str], set[tuple[object, ...]]] = defaultdict(set)
    for r in records:
        if r.key is None or r.outcome == "unanswered" or r.code == "http.idempotency_running":
            continue
        shown = r.appointment
        what = (r.status, r.code, shown and shown.id, shown and shown.version)
        answers[r.credential, r.key].add(what)
    for (credential, key), got in answers.items():
        if len(got) > 1:
            found.append(Violation("two_answers", f"{credential} {key}: {sorted(map(str, got))}"))
    return found


def check_feed(portal: str | None, feed: Mapping[str, Shown | None], state: State) -> list[Violation]:
    """A feed replayed from its beginning gives exactly the final state of what its reader may see."""
    wanted = {i: k for i, k in state.appointments.items() if portal is None or k.portal == portal}
    who = portal or "the desk"
    found = [Violation("feed", f"{i} never came to {who}") for i in wanted.keys() - feed.keys()]
    found += [Violation("feed", f"{i} came to {who} and is not there") for i in feed.keys() - wanted.keys()]
    for id_ in wanted.keys() & feed.keys():
        shown, kept = feed[id_], wanted[id_]
        if shown is None or shown.version != kept.version or not _same(shown, kept):
            found.append(Violation("feed", f"{id_} reached {who} as {shown}"))
    return found


def kinds(found: Iterable[Violation]) -> Counter[str]:
    """How many of each kind."""
    return Counter(v.kind for v in found)
