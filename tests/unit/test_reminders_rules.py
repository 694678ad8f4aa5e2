"""Each condition for a reminder or a greeting by hand, and the order in which they are looked at."""

from typing import Any

import pytest

from praxisd.services.reminders import rules
from praxisd.services.reminders.rules import Candidate, Reached, Refusal

from .reminders_cast import HOUR, NOW, START, Message, greeting, verdict

NONE, DOUBT = Reached(), Reached(None, True)
GOOD = Candidate("sms", "+491713920012", "de", "m-treated", NOW, START - HOUR)


def test_all_in_order() -> None:
    assert verdict() == GOOD
    assert greeting() == GOOD._replace(useless_after=NOW + 14 * HOUR)


@pytest.mark.parametrize("status", ["proposed", "pending", "arrived", "fulfilled", "cancelled", "noshow"])
def test_only_what_is_booked(status: str) -> None:
    assert verdict(status=status) == Refusal("reminders.status_not_booked")


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("appointment_past", {"start": NOW}),
        ("appointment_past", {"start": NOW - 1}),
        ("too_late", {"start": NOW + 1}),
        ("too_late", {"start": NOW + HOUR - 1}),
        ("no_patient", {"patient": None, "person": None}),
        ("patient_unknown", {"person": None}),
        ("patient_dead", {"person": {"dead": True}}),
        ("patient_dead", {"person": {"dead": True, "active": False}}),
        ("patient_inactive", {"person": {"active": False}}),
        ("patient_inactive", {"person": {"merged_into": "p2"}}),
        ("booked_recently", {"created": NOW}),
        ("booked_recently", {"created": NOW - 12 * HOUR + 1}),
        ("one_per_day", {"first": False}),
        ("no_mandator", {"treated": None, "terms": {"default_mandator": None}}),
        ("mandator_unlicensed", {"treated": "m-old"}),
        ("mandator_unlicensed", {"treated": None, "terms": {"default_mandator": "m-old"}}),
        ("cap_day", {"written": 2}),
        ("cap_day", {"written": 1, "terms": {"cap": 1}}),
        ("no_channel", {"terms": {"channels": ()}}),
        ("no_template", {"terms": {"templates": ()}}),
        ("already_reminded", {"held": Message()}),
        ("not_arrived", {"held": Message(state="failed")}),
        ("not_arrived", {"held": Message(state="failed", letter="open")}),
        ("already_reminded", {"held": Message(state="failed", channel="", letter="done")}),
        ("withdrawn", {"withdrawn": {(START, "messaging.withdrawn_by_hand")}}),
    ],
)
def test_each_refusal(code: str, facts: dict[str, Any]) -> None:
    assert verdict(**facts) == Refusal(f"reminders.{code}")


@pytest.mark.parametrize(
    "facts",
    [
        {"start": NOW + HOUR},
        {"created": NOW - 12 * HOUR},
        {"created": 0},
        {"created": NOW, "terms": {"grace_s": 0}},
        {"first": False, "terms": {"one_per_day": False}},
        {"written": 1},
        {"withdrawn": {(START, "messaging.consent_stopped"), (START, "messaging.appointment_moved")}},
        {"withdrawn": {(START - 1, "messaging.withdrawn_by_hand")}},
    ],
)
def test_just_within_the_limits(facts: dict[str, Any]) -> None:
    assert isinstance(verdict(**facts), Candidate)


def test_the_mandator_is_that_of_the_last_treatment_else_the_default() -> None:
    assert verdict().mandator == "m-treated"
    assert verdict(treated=None).mandator == "m-default"
    assert verdict(treated="m-old", terms={"paying": {"m-default"}}).code == "reminders.mandator_unlicensed"


@pytest.mark.parametrize(
    ("preferred", "person", "found"),
    [
        (None, {}, "sms"),
        ("sms", {}, "sms"),
        ("email", {}, "email"),
        (None, {"sms": NONE}, "email"),
        (None, {"sms": DOUBT}, "email"),
        ("sms", {"sms": NONE}, "email"),
        ("email", {"email": NONE}, "sms"),
        (None, {"email": NONE}, "sms"),
    ],
)
def test_the_preferred_way_else_mobile_else_e_mail(preferred: Any, person: Any, found: str) -> None:
    assert verdict(preferred=preferred, person=person).channel == found


@pytest.mark.parametrize(
    ("code", "preferred", "person"),
    [
        ("no_contact", None, {"sms": NONE, "email": NONE}),
        ("no_contact", "email", {"sms": NONE, "email": NONE}),
        ("number_doubtful", None, {"sms": DOUBT, "email": NONE}),
        ("number_doubtful", None, {"sms": NONE, "email": DOUBT}),
        ("prefers_letter", "letter", {}),
    ],
)
def test_who_cannot_be_reached_gets_a_letter_but_no_greeting_by_letter(
    code: str, preferred: Any, person: Any
) -> None:
    assert verdict(preferred=preferred, person=person) == Refusal(f"reminders.{code}", letter=True)
    assert greeting(preferred=preferred, person=person) == Refusal(f"reminders.{code}")


def test_a_letter_needs_neither_mandator_nor_licence() -> None:
    nobody = {"sms": NONE, "email": NONE}
    assert verdict(person=nobody, treated=None, terms={"default_mandator": None, "paying": ()}).letter


def test_what_the_preferred_way_lacks_is_not_guessed_around() -> None:
    only_mail = {"channels": ("email",)}
    assert verdict(preferred="sms", terms=only_mail) == Refusal("reminders.no_channel")
    assert verdict(terms=only_mail).channel == "email", "no wish: the practice writes mails only"
    assert verdict(preferred="sms", person={"sms": NONE}, terms=only_mail).channel == "email"
    no_sms_text = {"templates": {("email", "de")}}
    assert verdict(preferred="sms", terms=no_sms_text) == Refusal("reminders.no_template")
    assert verdict(terms=no_sms_text).channel == "email"
    assert (
        verdict(preferred="email", person={"sms": NONE}, terms={"channels": ("sms",)}).code
        == "reminders.no_channel"
    )


@pytest.mark.parametrize(
    ("language", "templates", "found"),
    [
        ("fr", {("sms", "de"), ("sms", "fr")}, "fr"),
        ("fr-CH", {("sms", "de"), ("sms", "fr")}, "fr"),
        ("FR", {("sms", "de"), ("sms", "fr")}, "fr"),
        ("DE", {("sms", "de"), ("sms", "fr")}, "de"),
        ("it", {("sms", "de"), ("sms", "fr")}, "de"),
        (None, {("sms", "de"), ("sms", "fr")}, "de"),
        ("tr", {("sms", "fr"), ("sms", "en")}, None),
    ],
)
def test_the_patients_language_else_the_practices(language: Any, templates: Any, found: str | None) -> None:
    got = verdict(person={"language": language}, terms={"templates": templates})
    assert (got.language if found else got.code) == (found or "reminders.no_template")


def test_consent_is_a_matter_of_each_channel() -> None:
    withdrawn, missing = "messaging.consent_withdrawn", "messaging.consent_missing"
    assert verdict(wishes={"sms": "withdrawn"}) == Refusal(withdrawn)
    assert verdict(wishes={"sms": "withdrawn", "email": "given"}).channel == "email"
    assert verdict(wishes={"needed": "yes"}) == Refusal(missing)
    assert verdict(wishes={"needed": "yes", "email": "given"}, preferred="sms").channel == "email"
    nobody = {"sms": NONE, "email": NONE}
    assert verdict(wishes={"sms": "withdrawn"}, person=nobody) == Refusal(withdrawn), "no letter either"
    half = {"sms": "withdrawn", "email": "given"}
    assert verdict(wishes=half, person={"email": NONE}) == Refusal(withdrawn)
    assert verdict(wishes=half, person=nobody) == Refusal("reminders.no_contact", letter=True)


def test_another_channel_after_one_has_failed_for_good() -> None:
    assert verdict(tried={"sms"}).channel == "email"
    assert verdict(tried={"sms"}, preferred="sms").channel == "email"
    for nothing in ({"tried": {"sms", "email"}}, {"tried": {"sms"}, "person": {"email": NONE}}):
        assert verdict(**nothing) == Refusal("reminders.not_delivered"), "the failed one asks for the letter"


@pytest.mark.parametrize(
    ("state", "switch", "found"),
    [
        ("accepted", "renew", "m1"),
        ("delivered", "renew", "m1"),
        ("unsure", "renew", "m1"),
        ("prepared", "renew", "m1"),
        ("prepared", "keep", "m1"),
        ("prepared", "withdraw", "reminders.withdrawn"),
        ("accepted", "keep", "reminders.already_reminded"),
        ("accepted", "withdraw", "reminders.already_reminded"),
    ],
)
def test_a_moved_appointment(state: str, switch: str, found: str) -> None:
    got = verdict(held=Message(state=state, stamp=START - 3 * HOUR), terms={"on_move": switch})
    assert (got.replaces if isinstance(got, Candidate) else got.code) == found


def test_a_reminder_withdrawn_by_the_switch_stays_withdrawn() -> None:
    gone = {"withdrawn": {(START - 3 * HOUR, "messaging.appointment_moved")}}
    assert verdict(**gone, terms={"on_move": "withdraw"}) == Refusal("reminders.withdrawn")
    assert isinstance(verdict(**gone, terms={"on_move": "renew"}), Candidate)
    assert isinstance(verdict(**gone, terms={"on_move": "keep"}), Candidate)


def test_a_letter_nobody_wrote_yet_gives_way_once_there_is_an_address() -> None:
    letter = Message(state="failed", channel="", letter="open")
    assert verdict(held=letter).replaces == "m1"
    assert verdict(held=letter, person={"sms": NONE, "email": NONE}) == Refusal(
        "reminders.no_contact", letter=True
    )


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("withdrawn", {"withdrawn": {(0, "messaging.withdrawn_by_hand")}}),
        ("already_greeted", {"held": Message(stamp=0)}),
        ("already_greeted", {"greeted": True}),
        ("patient_unknown", {"person": None}),
        ("patient_dead", {"person": {"dead": True}}),
        ("patient_inactive", {"person": {"active": False}}),
        ("birth_date_incomplete", {"person": {"birth_date": "1980-05"}}),
        ("birth_date_incomplete", {"person": {"birth_date": None}}),
        ("too_late", {"until": NOW}),
        ("no_mandator", {"treated": None, "terms": {"default_mandator": None}}),
        ("mandator_unlicensed", {"treated": "m-old"}),
        ("cap_day", {"written": 2}),
        ("no_channel", {"terms": {"channels": ()}}),
        ("no_template", {"terms": {"templates": ()}}),
    ],
)
def test_each_refusal_of_a_greeting(code: str, facts: dict[str, Any]) -> None:
    assert greeting(**facts) == Refusal(f"reminders.{code}")


def test_credits() -> None:
    assert rules.afford(1, 1) is None and rules.afford(0, 1) is None
    for cost, left in ((0, 0), (1, 0), (2, 1), (0, -1)):
        assert rules.afford(cost, left) == "reminders.no_credits", (cost, left)


def test_the_first_reason_in_the_order_counts() -> None:
    """Everything is wrong; what stands first is told, then put right, and the next one is told."""
    wrong: dict[str, Any] = {
        "status": "cancelled", "start": NOW - 1, "patient": None, "person": None, "treated": None,
        "withdrawn": {(START, "messaging.withdrawn_by_hand")}, "written": 9, "first": False, "created": NOW,
        "preferred": "letter",
    }  # fmt: skip
    terms: dict[str, Any] = {"default_mandator": None, "channels": ()}
    nobody = {"sms": NONE, "email": NONE}
    repairs: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("status_not_booked", {"status": "booked"}, {}),
        ("appointment_past", {"start": START}, {}),
        ("no_patient", {"patient": "p1"}, {}),
        ("withdrawn", {"withdrawn": (), "held": Message()}, {}),
        ("already_reminded", {"held": None}, {}),
        ("patient_unknown", {"person": {**nobody, "dead": True, "active": False}}, {}),
        ("patient_dead", {"person": {**nobody, "active": False}}, {}),
        ("patient_inactive", {"person": nobody}, {}),
        ("booked_recently", {"created": 0}, {}),
        ("one_per_day", {"first": True}, {"send_at": START}),
        ("too_late", {}, {"send_at": NOW}),
        ("prefers_letter", {"preferred": None}, {}),
        ("no_contact", {"person": {"sms": DOUBT, "email": NONE}}, {}),
        ("number_doubtful", {"person": {}}, {}),
        ("no_channel", {}, {"channels": ("sms",), "templates": ()}),
        ("no_template", {}, {"templates": {("sms", "de")}}),
        ("no_mandator", {"treated": "m-old"}, {}),
        ("mandator_unlicensed", {"treated": "m-treated"}, {}),
        ("cap_day", {"written": 0}, {}),
    ]
    for code, facts, more in repairs:
        assert verdict(terms=terms, **wrong).code == f"reminders.{code}"
        wrong |= facts
        terms |= more
    assert isinstance(verdict(terms=terms, **wrong), Candidate)
