"""Properties of the verdicts on appointments: every one gets exactly one, and what they may depend on."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.services.reminders import rules
from praxisd.services.reminders.rules import Candidate, Facts, Reached, Refusal, Terms

from .reminders_cast import FACTS, HOUR, NOW, TERMS, Message, Patient, allowed

REACHED = st.sampled_from([Reached("x"), Reached("x"), Reached(), Reached(None, True)])
WISHES = st.dictionaries(st.sampled_from(["sms", "email", "needed"]), st.sampled_from(["given", "withdrawn"]))
OFTEN = st.sampled_from([True, True, True, False])
SOME = st.sampled_from([("sms", "email"), ("sms", "email"), ("sms",), ("email",), ()])
PAIRS = [(channel, language) for channel in ("sms", "email") for language in ("de", "fr", "en")]
TIMES = st.sampled_from(
    [NOW - 1, NOW, NOW + 1, NOW + HOUR, NOW + 24 * HOUR, NOW + 24 * HOUR, NOW + 72 * HOUR]
)
CODES = {*rules.CODES, "messaging.consent_withdrawn", "messaging.consent_missing"}


@st.composite
def people(draw: Any) -> Patient | None:
    if draw(st.integers(0, 9)) == 0:
        return None
    return Patient(
        sms=draw(REACHED), email=draw(REACHED), dead=not draw(OFTEN), active=draw(OFTEN),
        merged_into=draw(st.sampled_from([None, None, "p2"])), language=draw(st.sampled_from(["de", "fr-CH", "tr", None])),
    )  # fmt: skip


MESSAGES = st.builds(
    Message, state=st.sampled_from(["prepared", "sending", "accepted", "failed", "unsure"]), stamp=TIMES,
    channel=st.sampled_from(["sms", "email", ""]), letter=st.sampled_from([None, "open", "done"]),
    patient=st.sampled_from(["p1", "p1", "p1", "p2"]),
)  # fmt: skip
FACT = st.builds(
    Facts,
    appointment=st.just("a1"),
    status=st.sampled_from(["booked", "booked", "booked", "cancelled", "pending"]),
    start=TIMES, created=TIMES.map(lambda t: t - 24 * HOUR), patient=st.sampled_from(["p1", "p1", None]),
    person=people(), wishes=WISHES, preferred=st.sampled_from([None, "sms", "email", "letter"]),
    treated=st.sampled_from(["m-treated", "m-old", None]), held=st.one_of(st.none(), st.none(), MESSAGES),
    withdrawn=st.sets(st.tuples(TIMES, st.sampled_from([rules.MOVED, rules.BY_HAND, "messaging.other"])), max_size=1),
    tried=st.sampled_from([(), (), ("sms",), ("sms", "email")]),
    told=st.one_of(st.none(), st.none(), MESSAGES), written=st.integers(0, 3), first=OFTEN,
)  # fmt: skip
TERM = st.builds(
    TERMS._replace,
    send_at=st.sampled_from([NOW, NOW, NOW + 12 * HOUR]),
    channels=SOME, templates=st.sets(st.sampled_from(PAIRS), min_size=2),
    default_mandator=st.sampled_from([None, "m-default", "m-old"]), grace_s=st.sampled_from([0, 12 * HOUR]),
    one_per_day=st.booleans(), on_move=st.sampled_from(["renew", "withdraw", "keep"]), cap=st.integers(1, 2),
)  # fmt: skip


def hindered(facts: Facts, terms: Terms) -> bool:
    """Told otherwise: is there anything that forbids to write, whatever the order?"""
    person, held = facts.person, facts.held
    if facts.status != "booked" or facts.start <= terms.now or facts.patient is None or person is None:
        return True
    told = facts.told
    if told is not None and (told.stamp, told.patient) == (facts.start, facts.patient):
        return True
    if held is not None and held.patient != facts.patient:
        held = Message(state="prepared", channel="", letter="open")  # it counts for nothing and gives way
    moved = held is not None and held.stamp != facts.start
    lettered = held is not None and held.channel == "" and held.letter == "open"
    renewable = moved and (
        (held.state == "prepared" and terms.on_move != "withdraw") or terms.on_move == "renew"
    )
    if moved and held.state == "prepared" and terms.on_move == "withdraw":
        renewable = False
    if held is not None and not lettered and not renewable:
        return True
    if held is None and (
        (facts.start, rules.BY_HAND) in facts.withdrawn
        or (terms.on_move == "withdraw" and any(why == rules.MOVED for _, why in facts.withdrawn))
    ):
        return True
    if person.dead or not person.active or person.merged_into or facts.preferred == "letter":
        return True
    late = terms.send_at + 3600 > facts.start
    if late or facts.created > terms.now - terms.grace_s or (terms.one_per_day and not facts.first):
        return True
    payer = facts.treated or terms.default_mandator
    return payer not in terms.paying or facts.written >= terms.cap or not ways(facts, terms)


def ways(facts: Facts, terms: Terms) -> list[str]:
    """Channels by which the patient may and can be written to."""
    person: Any = facts.person

    def addressed(channel: str) -> bool:
        return channel not in facts.tried and getattr(person, channel).address is not None

    def equipped(channel: str) -> bool:
        own = (person.language or "")[:2]
        texts = {(channel, own), (channel, terms.language)} & set(terms.templates)
        return channel in terms.channels and bool(texts)

    wish = facts.preferred
    if wish in ("sms", "email") and addressed(wish) and not equipped(wish):
        return []
    return [
        channel for channel in ("sms", "email")
        if addressed(channel) and equipped(channel) and allowed(facts.wishes, channel) is None
    ]  # fmt: skip


@given(FACT, TERM)
@settings(max_examples=500)
def test_every_appointment_gets_exactly_one_verdict_and_the_right_one(facts: Facts, terms: Terms) -> None:
    found = rules.due(facts, terms)
    assert found == rules.due(facts, terms)
    if isinstance(found, Refusal):
        assert found.code in CODES and found.letter == (found.code in rules.LETTERS)
        assert hindered(facts, terms)
        return
    assert not hindered(facts, terms)
    assert found.channel in ways(facts, terms) and found.address == "x"
    assert (found.channel, found.language) in terms.templates and found.mandator in terms.paying
    assert found.send_at < found.useless_after < facts.start or found.send_at == found.useless_after
    assert found.replaces == (None if facts.held is None else facts.held.id)


@given(FACT, TERM, st.sampled_from(["sms", "email"]), st.booleans())
@settings(max_examples=250)
def test_taking_a_consent_away_never_makes_a_candidate(
    facts: Facts, terms: Terms, channel: str, withdrawn: bool
) -> None:
    before = rules.due(facts, terms)
    less = {one: word for one, word in facts.wishes.items() if one != channel or word == "withdrawn"}
    if withdrawn:
        less[channel] = "withdrawn"
    after = rules.due(facts._replace(wishes=less), terms)
    if isinstance(before, Refusal):
        assert isinstance(after, Refusal)


@given(FACT, TERM, st.sampled_from(PAIRS), st.sampled_from(["sms", "email"]))
@settings(max_examples=250)
def test_losing_a_template_a_channel_or_an_address_never_makes_a_candidate_without_a_wish(
    facts: Facts, terms: Terms, pair: tuple[str, str], channel: str
) -> None:
    facts = facts._replace(preferred=None)
    if isinstance(rules.due(facts, terms), Candidate):
        return
    poorer = [
        terms._replace(templates=set(terms.templates) - {pair}),
        terms._replace(channels=[one for one in terms.channels if one != channel]),
        terms._replace(paying=set(terms.paying) - {"m-treated"}),
        terms._replace(reach={**terms.reach, channel: lambda _person: Reached()}),
    ]
    assert all(isinstance(rules.due(facts, one), Refusal) for one in poorer)


@given(FACT, TERM)
def test_what_is_not_booked_is_never_written_about(facts: Facts, terms: Terms) -> None:
    for status in ("proposed", "pending", "arrived", "fulfilled", "cancelled", "noshow"):
        assert rules.due(facts._replace(status=status), terms) == Refusal(rules.NOT_BOOKED)


@given(st.integers(0, 5), st.integers(-3, 8))
def test_credits_never_go_below_zero(cost: int, left: int) -> None:
    assert (rules.afford(cost, left) is None) == (left > 0 and left - cost >= 0)


def test_the_cast_is_a_candidate() -> None:
    assert isinstance(rules.due(FACTS, TERMS), Candidate), "else the properties above would say little"
