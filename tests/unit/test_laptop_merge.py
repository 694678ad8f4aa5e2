"""Merging what came back from a laptop: nothing lost, conflicts exactly where both sides differ, idempotent (SPEC 11.1)."""

import copy
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.people import Address, Contact, Identifier, Patient, Treatment
from praxisd.model.scheduling import Appointment
from praxisd.services.exchange import merge_rules as rules
from praxisd.services.exchange.merge_rules import FORMS, MISSING, RECORD, Form, merge

PATIENT = FORMS["Patient"]
WORDS = st.sampled_from(["a", "b", "c", "d"])
MAYBE = st.none() | WORDS
CONTACTS = st.lists(
    st.builds(
        Contact,
        system=st.sampled_from(["phone", "email"]),
        value=WORDS,
        use=st.sampled_from([None, "home", "work", "mobile"]),
    ),
    max_size=4,
).map(tuple)
ADDRESSES = st.lists(
    st.builds(
        Address,
        use=st.sampled_from([None, "home", "work"]),
        line=st.lists(WORDS, max_size=2).map(tuple),
        city=MAYBE,
        postal_code=MAYBE,
    ),
    max_size=3,
).map(tuple)
IDENTIFIERS = st.lists(st.builds(Identifier, value=WORDS, system=MAYBE), max_size=3).map(tuple)
PATIENTS = st.builds(
    Patient,
    id=st.just("p"),
    version=st.integers(1, 9),
    family=WORDS,
    given=WORDS,
    prefix=MAYBE,
    birth_date=st.sampled_from([None, "1980", "1980-05-06"]),
    deceased=st.sampled_from([None]) | st.dates(),
    deceased_undated=st.booleans(),
    telecom=CONTACTS,
    address=ADDRESSES,
    identifiers=IDENTIFIERS,
    note=MAYBE,
    active=st.booleans(),
).map(msgspec.to_builtins)
EXTRA = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | WORDS,
    lambda inner: st.dictionaries(st.sampled_from(["x", "y/z", "~"]), inner, max_size=3),
    max_leaves=6,
)
APPOINTMENTS = st.builds(
    Appointment,
    id=st.just("a"),
    version=st.integers(1, 9),
    status=st.sampled_from(["booked", "cancelled", "arrived"]),
    cancel_reason=MAYBE,
    start=st.integers(0, 3),
    end=st.integers(4, 6),
    schedules=st.lists(WORDS, max_size=2).map(tuple),
    note=MAYBE,
    extra=st.dictionaries(st.sampled_from(["x", "y/z"]), EXTRA, max_size=2),
).map(msgspec.to_builtins)
TREATMENTS = st.builds(
    Treatment,
    id=st.just("t"),
    patient=WORDS,
    mandator=WORDS,
    opened=st.dates(),
    closed=st.none() | st.dates(),
    note=MAYBE,
    entered=WORDS,
).map(msgspec.to_builtins)


@st.composite
def edited(draw: Any, records: Any, before: Any) -> Any:
    """A copy of the record in which some top fields are those of another one; sometimes none at all."""
    if before is None or draw(st.integers(0, 9)) == 0:
        return draw(st.none() | records)
    other = draw(records)
    names = draw(st.lists(st.sampled_from(sorted(before)), unique=True, max_size=4))
    return {**copy.deepcopy(before), **{name: other[name] for name in names}}


@st.composite
def sides(draw: Any) -> Any:
    kind, records = draw(
        st.sampled_from([("Patient", PATIENTS), ("Appointment", APPOINTMENTS), ("Treatment", TREATMENTS)])
    )
    base = draw(records | st.none())
    return FORMS[kind], base, draw(edited(records, base)), draw(edited(records, base))


def leaves(form: Form, doc: Any) -> dict[tuple[str, ...], Any]:
    """An independent reading of what a document says: each smallest thing with the way to it.

    Joined fields and lists of words are one thing; an entry of a keyed list is found by its names and its turn.
    """
    joined = {name: whole for whole, names in form.joined.items() for name in names}
    found: dict[tuple[str, ...], Any] = {}
    for name, value in (doc or {}).items():
        if name in form.skip:
            continue
        if name in joined:
            found.setdefault((joined[name],), {})[name] = value
        elif name in form.keyed:
            found[(name,)] = "entries"
            turns: dict[str, int] = {}
            for entry in value:
                key = repr([entry.get(part) for part in form.keyed[name]])
                turns[key] = turns.get(key, 0) + 1
                _walk(found, (name, f"{key} {turns[key]}"), entry)
        else:
            _walk(found, (name,), value)
    return {way: repr(value) for way, value in found.items()}


def _walk(found: dict[tuple[str, ...], Any], way: tuple[str, ...], value: Any) -> None:
    if isinstance(value, dict):
        found[way] = "entries"
        for name, one in value.items():
            _walk(found, (*way, name), one)
    else:
        found[way] = value


def _above(way: tuple[str, ...], clashing: set[tuple[str, ...]]) -> bool:
    return any(way[: len(one)] == one for one in clashing)


def _ways(form: Form, clashes: Any) -> set[tuple[str, ...]]:
    """The ways of conflicts as `leaves` writes them."""
    ways: set[tuple[str, ...]] = set()
    for one in clashes:
        if one.path == RECORD:
            ways.add(())
            continue
        steps = rules._steps(one.path)
        if steps[0] in form.keyed and len(steps) > 1:
            key, _, number = steps[1].partition("]#")
            words = msgspec.json.decode(key if key.endswith("]") else key + "]")
            steps[1] = f"{words!r} {number or 1}"
        ways.add(tuple(steps))
    return ways


@given(sides())
def test_no_change_of_any_field_is_lost(drawn: Any) -> None:
    form, base, ours, theirs = drawn
    merged = merge(form, base, ours, theirs)
    clashing = _ways(form, merged.clashes)
    b, o, t, m = (leaves(form, one) for one in (base, ours, theirs, merged.doc))
    for way in b.keys() | o.keys() | t.keys() | m.keys():
        if _above(way, clashing):
            assert m.get(way) == o.get(way)  # ours stays until a person has decided
        elif o.get(way) != b.get(way) and t.get(way) == b.get(way):
            assert m.get(way) == o.get(way)
        elif t.get(way) != b.get(way) and o.get(way) == b.get(way):
            assert m.get(way) == t.get(way)
        else:
            assert m.get(way) == o.get(way) == t.get(way)


@given(sides())
def test_conflicts_are_exactly_where_both_changed_differently(drawn: Any) -> None:
    form, base, ours, theirs = drawn
    merged = merge(form, base, ours, theirs)
    clashing = _ways(form, merged.clashes)
    b, o, t = (leaves(form, one) for one in (base, ours, theirs))
    for way in b.keys() | o.keys() | t.keys():
        told = {b.get(way), o.get(way), t.get(way)}
        if len(told) == 3:
            assert _above(way, clashing), way
    for way in clashing:
        below = [x for x in b.keys() | o.keys() | t.keys() if x[: len(way)] == way]
        assert any(o.get(x) != b.get(x) for x in below) and any(t.get(x) != b.get(x) for x in below)
        assert any(o.get(x) != t.get(x) for x in below)


@given(sides())
def test_once_more_changes_nothing(drawn: Any) -> None:
    form, base, ours, theirs = drawn
    once = merge(form, base, ours, theirs)
    # What came back is the next base: the same file again finds nothing that is new.
    again = merge(form, theirs, once.doc, theirs)
    assert rules.same(form, again.doc, once.doc) and not again.taken and not again.clashes
    twice = merge(form, base, once.doc, theirs)
    assert rules.same(form, twice.doc, once.doc) and not twice.taken


@given(sides())
def test_it_does_not_matter_who_is_us(drawn: Any) -> None:
    form, base, ours, theirs = drawn
    here, there = merge(form, base, ours, theirs), merge(form, base, theirs, ours)
    assert {one.path for one in here.clashes} == {one.path for one in there.clashes}
    if not here.clashes:
        assert rules.same(form, here.doc, there.doc)


@given(sides(), st.randoms())
def test_the_order_of_fields_says_nothing(drawn: Any, random: Any) -> None:
    form, base, ours, theirs = drawn

    def shuffled(doc: Any) -> Any:
        if doc is None:
            return None
        items = list(doc.items())
        random.shuffle(items)
        return dict(items)

    one = merge(form, base, ours, theirs)
    other = merge(form, shuffled(base), shuffled(ours), shuffled(theirs))
    assert rules.same(form, one.doc, other.doc)
    assert sorted(x.path for x in one.clashes) == sorted(x.path for x in other.clashes)
    assert sorted(one.taken) == sorted(other.taken)


@given(sides(), st.sampled_from(["ours", "theirs"]))
def test_each_conflict_can_be_decided_for_either_side(drawn: Any, who: str) -> None:
    form, base, ours, theirs = drawn
    merged = merge(form, base, ours, theirs)
    doc = merged.doc
    for one in merged.clashes:
        doc = rules.decide(form, doc, one.path, getattr(one, who))
        assert rules.alike(rules.at(form, doc, one.path), getattr(one, who))
    settled = merge(form, base, ours, theirs).clashes
    if who == "ours":
        assert rules.same(form, doc, merged.doc)
    else:
        after = leaves(form, doc)
        for way in _ways(form, settled):
            t = {x: v for x, v in leaves(form, theirs).items() if x[: len(way)] == way}
            assert {x: v for x, v in after.items() if x[: len(way)] == way} == t


def test_a_changed_number_of_the_same_telephone_is_one_conflict() -> None:
    base = msgspec.to_builtins(
        Patient(id="p", family="Muster", telecom=(Contact(system="phone", value="030 1", use="home"),))
    )
    ours, theirs = copy.deepcopy(base), copy.deepcopy(base)
    ours["telecom"][0]["use"] = "work"
    theirs["telecom"] = [
        {"system": "phone", "value": "030 1", "use": "mobile"},
        {"system": "email", "value": "a@b.de"},
    ]
    merged = merge(PATIENT, base, ours, theirs)
    assert [one.path for one in merged.clashes] == ['telecom/["phone", "030 1"]/use']
    assert merged.doc is not None and [one["value"] for one in merged.doc["telecom"]] == ["030 1", "a@b.de"]


def test_taken_away_here_and_changed_there_waits_for_a_person() -> None:
    base = msgspec.to_builtins(Patient(id="p", family="Muster"))
    merged = merge(PATIENT, base, None, {**base, "note": "neu"})
    assert merged.doc is None and [one.path for one in merged.clashes] == [RECORD]
    assert merged.clashes[0].ours is MISSING
    assert merge(PATIENT, base, base, None).doc is None
    assert merge(PATIENT, base, {**base, "version": 7}, None).doc is None


def test_true_is_not_one() -> None:
    form = Form(frozenset())
    merged = merge(form, {"x": 1}, {"x": True}, {"x": 1})
    assert merged.doc == {"x": True} and not merged.clashes
