"""Which entries concern a list of drugs: each law for random lists and random entries, against a plain second opinion."""

from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.medication.checking_rules import (
    Drug,
    Knowledge,
    NoteRule,
    PairRule,
    RiskRule,
    Subject,
    concerned,
    find,
    prefixes_of,
    subjects,
)

SUBSTANCES = ["ibuprofen", "warfarin", "lithium", "adrenalin", "lactose"]
CLASSES = ["nsaid", "coagulation", "empty"]
CODES = ["M01AE01", "M01AB05", "B01AA03", "N05AN01", "C01CA24"]
CONDITIONS = ["pregnancy", "asthma", "allergy"]
SEVERITY = st.sampled_from(["contraindicated", "serious", "moderate", "minor"])

drugs = st.lists(
    st.builds(
        Drug,
        key=st.sampled_from([f"m{n}" for n in range(8)]),
        substances=st.frozensets(st.sampled_from(SUBSTANCES), max_size=3),
        excipients=st.frozensets(st.sampled_from(["lactose"]), max_size=1),
        atc=st.none() | st.sampled_from(CODES),
    ),
    max_size=5,
    unique_by=lambda drug: drug.key,
)
subject = st.one_of(
    st.builds(Subject, st.just("substance"), st.sampled_from(SUBSTANCES)),
    st.builds(Subject, st.just("class"), st.sampled_from(CLASSES)),
    st.builds(Subject, st.just("atc"), st.sampled_from(CODES).map(lambda code: code[:4])),
)
ids = st.sampled_from([f"r{n}" for n in range(20)])


def of_ids(rules):
    return st.lists(rules, max_size=6, unique_by=lambda rule: rule.id).map(tuple)


knowledge = st.builds(
    Knowledge,
    members=st.dictionaries(st.sampled_from(CLASSES), st.frozensets(st.sampled_from(SUBSTANCES), max_size=3)),
    prefixes=st.dictionaries(
        st.sampled_from(CLASSES), st.frozensets(st.sampled_from(["M01A", "B01", "N"]), max_size=2)
    ),
    pairs=of_ids(st.builds(PairRule, ids, subject, subject, SEVERITY)),
    risks=of_ids(st.builds(RiskRule, ids, subject, st.sampled_from(CONDITIONS), SEVERITY)),
    notes=of_ids(st.builds(NoteRule, ids, subject)),
)
conditions = st.frozensets(st.sampled_from(CONDITIONS))


def told(hits):
    """Hits as a set that says nothing of which drug was called a."""
    return {(h.kind, h.rule, frozenset({h.a, h.b}), frozenset({h.a_via, h.b_via})) for h in hits}


def met(drug, one, known):
    """The second opinion: whether an entry that speaks of `one` means this drug."""
    code = drug.atc or ""
    if one.kind == "substance":
        return one.id in drug.substances
    if one.kind == "atc":
        return bool(code) and code.startswith(one.id)
    in_class = any(s in known.members.get(one.id, ()) for s in drug.substances)
    return in_class or any(code.startswith(p) for p in known.prefixes.get(one.id, ()))


@given(drugs, conditions, knowledge)
def test_interactions_are_those_of_the_plain_reading(listed, has, known):
    found = {(h.rule, frozenset({h.a, h.b})) for h in find(listed, has, known) if h.kind == "interaction"}
    wanted = {
        (rule.id, frozenset({x.key, y.key}))
        for rule in known.pairs
        for x in listed
        for y in listed
        if x.key != y.key and met(x, rule.a, known) and met(y, rule.b, known)
    }
    assert found == wanted


@given(drugs, conditions, knowledge)
def test_order_and_mirror_change_nothing(listed, has, known):
    mirrored = known._replace(
        pairs=tuple(reversed([PairRule(r.id, r.b, r.a, r.severity) for r in known.pairs]))
    )
    found = find(listed, has, known)
    assert found == find(list(reversed(listed)), has, known)
    assert told(found) == told(find(listed, has, mirrored))


@given(drugs, conditions, knowledge)
def test_each_thing_is_said_once(listed, has, known):
    found = find(listed, has, known)
    pairs = [(h.rule, frozenset({h.a, h.b})) for h in found if h.kind == "interaction"]
    risks = [(h.rule, h.a, h.b) for h in found if h.kind == "contraindication"]
    notes = [(h.rule, h.a) for h in found if h.kind == "dental"]
    twice = [(h.a, h.b, h.a_via) for h in found if h.kind == "duplicate"]
    for said in (pairs, risks, notes, twice):
        assert len(said) == len(set(said))
    assert all(h.a != h.b for h in found)


@given(drugs, conditions, knowledge, st.data())
def test_one_drug_or_risk_more_takes_nothing_away(listed, has, known, data):
    fewer = [drug for drug in listed if data.draw(st.booleans())]
    less = frozenset(one for one in has if data.draw(st.booleans()))
    assert apart(find(fewer, less, known)) <= apart(find(listed, has, known))


def apart(hits):
    """Hits one by one: what is said of many drugs at once is said of each of them."""
    return {
        hit._replace(a=key, b=None, more=()) if hit.kind == "duplicate" else hit
        for hit in hits
        for key in (hit.a, hit.b, *hit.more)
    }


@given(drugs, knowledge)
def test_what_is_twice_is_that_of_the_plain_reading_and_said_once_of_all(listed, known):
    found = {h.a_via: {h.a, h.b, *h.more} for h in find(listed, [], known) if h.kind == "duplicate"}
    wanted = {}
    for one in listed:
        for other in listed:
            if one.key == other.key:
                continue
            both = one.substances & other.substances
            near = (one.atc or "").strip().upper()[:5]
            for name in both:
                wanted.setdefault(Subject("substance", name), set()).update((one.key, other.key))
            if not both and len(near) == 5 and near == (other.atc or "").strip().upper()[:5]:
                wanted.setdefault(Subject("atc", near), set()).update((one.key, other.key))
    assert found.keys() == wanted.keys()
    assert all(found[via] >= keys for via, keys in wanted.items())
    assert all(found[via] == keys for via, keys in wanted.items() if via.kind == "substance")


def test_ten_lines_of_one_drug_are_one_finding():
    ten = [Drug(f"{n:05}", frozenset({"ibuprofen"}), atc="M01AE01") for n in range(10)]
    (only,) = find(ten, [], Knowledge())
    assert (only.a, only.b, only.more) == ("00000", "00001", tuple(f"{n:05}" for n in range(2, 10)))


@given(drugs, conditions, knowledge)
def test_where_nothing_is_known_nothing_is_found(listed, has, known):
    for drug in listed:
        if not concerned(drug, known):
            hits = [h for h in find(listed, has, known) if drug.key in (h.a, h.b)]
            assert {h.kind for h in hits} <= {"duplicate"}


@given(drugs, knowledge)
def test_an_allergy_to_an_excipient_counts_and_its_interaction_does_not(listed, known):
    milk = Subject("substance", "lactose")
    known = known._replace(
        pairs=(PairRule("p", milk, Subject("substance", "warfarin"), "serious"),),
        risks=(RiskRule("k", milk, "allergy", "contraindicated"),),
    )
    found = find(listed, {"allergy"}, known)
    wanted = {drug.key for drug in listed if "lactose" in drug.substances | drug.excipients}
    assert {h.a for h in found if h.rule == "k"} == wanted
    active = {drug.key for drug in listed if "lactose" in drug.substances}
    assert all({h.a, h.b} & active for h in found if h.rule == "p")


def test_a_long_list_is_held_against_many_entries_at_once():
    listed = [Drug(f"{n:05}", frozenset({f"s{n}"})) for n in range(200)]
    pairs = [
        PairRule(f"r{n}", Subject("substance", f"s{n % 200}"), Subject("substance", f"x{n}"), "serious")
        for n in range(400)
    ]
    begun = process_time()
    assert find(listed, [], Knowledge(pairs=pairs)) == []
    assert process_time() - begun < 1  # pair by pair, entry by entry: eight million looks


def test_of_which_kinds_there_are_entries():
    known = Knowledge(
        pairs=(PairRule("p", Subject("substance", "lactose"), Subject("atc", "B01"), "serious"),),
        risks=(RiskRule("k", Subject("substance", "lactose"), "allergy", "contraindicated"),),
        notes=(NoteRule("d", Subject("substance", "ibuprofen")),),
    )
    milk = Drug("m", frozenset({"ibuprofen"}), excipients=frozenset({"lactose"}))
    assert concerned(milk, known) == {"contraindication", "dental"}  # an excipient interacts with nothing
    assert concerned(Drug("w", atc="B01AA03"), known) == {"interaction"}
    assert concerned(Drug("n"), known) == frozenset()


def test_a_case_of_each_kind():
    known = Knowledge(
        members={"nsaid": frozenset({"ibuprofen"})},
        prefixes={"coagulation": frozenset({"B01A"})},
        pairs=(
            PairRule("i1", Subject("class", "nsaid"), Subject("class", "coagulation"), "serious"),
            PairRule("i2", Subject("class", "nsaid"), Subject("class", "nsaid"), "moderate"),
        ),
        risks=(RiskRule("c1", Subject("class", "nsaid"), "asthma", "contraindicated"),),
        notes=(NoteRule("d1", Subject("atc", "B01")),),
    )
    one = Drug("1", frozenset({"ibuprofen"}), atc="M01AE01")
    two = Drug("2", frozenset({"ibuprofen"}), atc="M01AE01")
    thin = Drug("3", frozenset({"warfarin"}), atc="b01aa03")
    found = find([thin, two, one], ["asthma"], known)
    said = [(h.kind, h.severity, h.a, h.b, h.a_via.id) for h in found]
    assert said == [
        ("contraindication", "contraindicated", "1", "asthma", "nsaid"),
        ("contraindication", "contraindicated", "2", "asthma", "nsaid"),
        ("interaction", "serious", "1", "3", "nsaid"),
        ("interaction", "serious", "2", "3", "nsaid"),
        ("interaction", "moderate", "1", "2", "nsaid"),
        ("duplicate", "note", "1", "2", "ibuprofen"),
        ("dental", "note", "3", None, "B01"),
    ]
    assert not concerned(Drug("4", frozenset({"nothing"})), known) and concerned(thin, known)


def test_drugs_of_one_subgroup_are_duplicates_and_of_one_group_are_not():
    near = [
        Drug("1", frozenset({"a"}), atc="M01AE01"),
        Drug("2", frozenset({"b"}), atc="M01AE02"),
        Drug("3", frozenset({"c"}), atc="M01AB05"),
        Drug("4", frozenset({"d"}), atc="M01"),
        Drug("5", frozenset({"e"}), atc="M01"),
    ]
    assert [(h.a, h.b, h.a_via.id) for h in find(near, [], Knowledge())] == [("1", "2", "M01AE")]


def test_the_beginnings_of_a_code():
    assert prefixes_of(" m01a ") == {"M", "M0", "M01", "M01A"}
    assert prefixes_of(None) == prefixes_of("") == frozenset()
    assert Subject("atc", "") not in subjects(Drug("1"), Knowledge())
