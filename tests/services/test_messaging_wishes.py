"""What patients want: said, taken back, imported, merged; who reads it; quiet hours as a setting. Both engines."""

from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.messaging import consent_store, wishes
from praxisd.web.app import build

from .writing_cast import Writing, writing

NEEDS: Any = {"reminder": False, "recall": True, "greeting": True}


@pytest.fixture
def there(house) -> Any:
    with TestClient(build(house, main.doors(house))) as client:
        yield writing(house, client)


def state(answer: dict[str, Any], purpose: str, channel: str) -> dict[str, Any]:
    found = next(one for one in answer["purposes"] if one["purpose"] == purpose)
    return next(one for one in found["channels"] if one["channel"] == channel)


def word(purpose: str, channel: str, state: str) -> dict[str, str]:
    return {"purpose": purpose, "channel": channel, "state": state}


def test_said_withdrawn_and_said_again(there: Writing) -> None:
    eva = there.person("Sager", ("phone", "0171 3920012", "mobile"), ("email", "eva@example.org", None))
    path = f"/patients/{eva}/wishes"
    fresh = there.ask("GET", path)
    assert (fresh["version"], fresh["preferred"], fresh["history"]) == (0, "none", [])
    assert state(fresh, "reminder", "sms")["allowed"] is True
    assert state(fresh, "greeting", "sms")["reason"] == "messaging.consent_missing"
    assert state(fresh, "greeting", "sms")["reasonTitle"] == "Einwilligung fehlt"
    assert [(one["verdict"], one["doubt"]) for one in fresh["reach"]] == [("mobile", None), ("email", None)]

    yes = [word("greeting", "sms", "given"), word("greeting", "email", "given")]
    given = there.ask(
        "PUT", path, body={"said": yes, "preferred": "email", "note": "Formular vom Montag"}, match=0
    )
    assert (given["version"], given["preferred"], there.etag) == (3, "email", '"3"')
    assert state(given, "greeting", "sms")["allowed"] and state(given, "greeting", "email")["allowed"]
    assert state(given, "greeting", "sms")["note"] == "Formular vom Montag"
    assert there.ask("PUT", path, body={"said": yes, "preferred": "email"}, match=3)["version"] == 3

    there.ask("PUT", path, 412, body={"said": [word("greeting", "sms", "withdrawn")]}, match=2)
    no = there.ask("PUT", path, body={"said": [word("greeting", "sms", "withdrawn")]}, match=3)
    assert state(no, "greeting", "email")["state"] == "given"
    assert state(no, "greeting", "email")["reason"] == "messaging.consent_withdrawn"
    # The same yes for e-mail counts now, for it was said after the no.
    again = there.ask("PUT", path, body={"said": [word("greeting", "email", "given")]})
    assert state(again, "greeting", "email")["allowed"] and not state(again, "greeting", "sms")["allowed"]
    assert [(one["what"], one["channel"], one["state"]) for one in again["history"]] == [
        ("consent", "email", "given"),
        ("consent", "sms", "withdrawn"),
        ("preference", "email", None),
        ("consent", "email", "given"),
        ("consent", "sms", "given"),
    ]
    assert {one["source"] for one in again["history"]} == {"api"}


def test_no_and_yes_in_one_breath(there: Writing) -> None:
    path = f"/patients/{there.person('Sager')}/wishes"
    both = [word("greeting", "email", "given"), word("greeting", "sms", "withdrawn")]
    said = there.ask("PUT", path, body={"said": both})
    assert state(said, "greeting", "email")["allowed"] and not state(said, "greeting", "sms")["allowed"]
    assert there.ask("PUT", path, body={"said": both})["version"] == said["version"]


def test_events_are_evidence_and_tell_nothing_personal(there: Writing) -> None:
    eva = there.person("Sager")
    body = {
        "said": [word("reminder", "sms", "withdrawn")],
        "preferred": "letter",
        "note": "ruft wegen Befund an",
    }
    there.ask("PUT", f"/patients/{eva}/wishes", body=body)
    actor = system("test", there.practice.organization)
    with there.house.store.read(actor) as tx:
        found = {one.type: one for one in events.about(tx, "Patient", eva)}
    assert found["consent.changed"].codes == {
        "purpose": "reminder", "channel": "sms", "state": "withdrawn", "source": "api",
    }  # fmt: skip
    assert found["preference.changed"].codes == {"channel": "letter"}
    assert "Befund" not in repr(found)
    retention = there.house.registry.retention
    assert retention["consent.changed"] == retention["preference.changed"] == "audit"


def test_who_may_and_who_is_meant(there: Writing) -> None:
    eva = there.person("Sager")
    there.ask("GET", f"/patients/{eva}/wishes", role="pvs")
    for role in ("partner", "portal"):
        there.ask("GET", f"/patients/{eva}/wishes", 403, role=role)
        there.ask("PUT", f"/patients/{eva}/wishes", 403, {"preferred": "sms"}, role=role)
    there.ask("GET", "/patients/nobody/wishes", 404)
    there.ask("PUT", "/patients/nobody/wishes", 404, {"preferred": "sms"})
    twice = {"said": [word("reminder", "sms", "given"), word("reminder", "sms", "withdrawn")]}
    assert there.ask("PUT", f"/patients/{eva}/wishes", 422, twice)["code"] == "messaging.said_twice"
    assert there.ask("PUT", f"/patients/{eva}/wishes", 400, {"said": [word("advert", "sms", "given")]})


def test_taken_over_from_another_program(there: Writing) -> None:
    eva, max_ = there.person("Sager"), there.person("Frager")
    entries = [
        {"patient": eva, "preferred": "sms", "said": [word("greeting", "sms", "given")]},
        {"patient": max_, "said": []},
        {"patient": "nobody", "said": [word("greeting", "sms", "given")]},
    ]
    first = there.ask("POST", "/wishes/import", body={"entries": entries}, role="pvs")
    assert first == {"changed": 1, "unchanged": 1, "unknown": ["nobody"]}
    assert there.ask("POST", "/wishes/import", body={"entries": entries}, role="pvs")["changed"] == 0
    found = there.ask("GET", f"/patients/{eva}/wishes")
    assert state(found, "greeting", "sms")["source"] == "import" and found["preferred"] == "sms"
    there.ask("POST", "/wishes/import", 403, body={"entries": entries}, role="portal")


def test_a_merge_keeps_both_histories_and_the_last_word(there: Writing) -> None:
    eva, twin = there.person("Sager"), there.person("Sager", given="Evamaria")
    there.ask(
        "PUT",
        f"/patients/{eva}/wishes",
        body={"said": [word("greeting", "sms", "withdrawn")], "preferred": "sms"},
    )
    there.ask(
        "PUT",
        f"/patients/{twin}/wishes",
        body={"said": [word("greeting", "sms", "given")], "preferred": "email"},
    )
    refs = there.house.registry.patient_refs
    merge = there.run(lambda tx: directory.merge(tx, refs, eva, twin))
    both = there.ask("GET", f"/patients/{eva}/wishes")
    assert len(both["history"]) == 4 and both["preferred"] == "email"
    assert state(both, "greeting", "sms")["allowed"]
    problem = there.ask("PUT", f"/patients/{twin}/wishes", 409, {"preferred": "sms"})
    assert problem["code"] == "directory.patient_merged"
    assert there.ask("POST", "/wishes/import", body={"entries": [{"patient": twin}]})["unknown"] == [twin]
    there.run(lambda tx: directory.undo(tx, refs, merge))
    assert not state(there.ask("GET", f"/patients/{eva}/wishes"), "greeting", "sms")["allowed"]
    assert state(there.ask("GET", f"/patients/{twin}/wishes"), "greeting", "sms")["allowed"]


def test_stop_ends_everything_and_a_later_yes_opens_one(there: Writing) -> None:
    eva = there.person("Sager")
    assert there.run(lambda tx: wishes.withdraw_all(there.house, tx, eva, "reply"))
    assert not there.run(lambda tx: wishes.withdraw_all(there.house, tx, eva, "reply"))
    told = there.run(lambda tx: messaging.wishes(tx, [eva]))[eva]
    assert all(
        messaging.allowed(told, purpose, channel, NEEDS) == "messaging.consent_withdrawn"
        for purpose in wishes.PURPOSES
        for channel in wishes.CHANNELS
    )
    there.run(lambda tx: messaging.say(there.house, tx, eva, [("reminder", "sms", "given")], "desk"))
    told = there.run(lambda tx: messaging.wishes(tx, [eva]))[eva]
    assert messaging.allowed(told, "reminder", "sms", NEEDS) is None
    assert messaging.allowed(told, "reminder", "email", NEEDS) == "messaging.consent_withdrawn"


def draft(there: Writing, eva: str, kind: Any, topic: str) -> Any:
    return messaging.Draft(
        kind=kind, topic=topic, stamp=0, patient=eva, channel="sms", address="+491713920012", text="Guten Tag",
        parts=1, cost=1, useless_after=there.house.clock.now() + 86_400,
    )  # fmt: skip


def test_what_waits_is_taken_back_with_the_consent(there: Writing) -> None:
    eva = there.person("Sager")
    house = there.house

    def prepare(tx: Any) -> tuple[str | None, str | None]:
        return (
            messaging.prepare(house, tx, draft(there, eva, "reminder", "reminder/1")),
            messaging.prepare(house, tx, draft(there, eva, "birthday", "birthday/1")),
        )

    def states(tx: Any) -> dict[str, str]:
        return {
            topic: held.state for topic, held in messaging.holding(tx, ["reminder/1", "birthday/1"]).items()
        }

    there.run(prepare)
    there.ask("PUT", f"/patients/{eva}/wishes", body={"said": [word("reminder", "email", "given")]})
    assert there.run(states) == {"reminder/1": "prepared", "birthday/1": "prepared"}
    there.ask("PUT", f"/patients/{eva}/wishes", body={"said": [word("reminder", "email", "withdrawn")]})
    assert there.run(states) == {"birthday/1": "prepared"}
    there.ask("PUT", f"/patients/{eva}/wishes", body={"preferred": "letter"})
    assert there.run(states) == {}


def test_thousands_are_asked_at_once(there: Writing) -> None:
    ids = [f"p{n:05}" for n in range(3000)]

    def fill(tx: Any) -> None:
        for n, one in enumerate(ids[::3]):
            consent_store.add_consent(
                tx,
                id=f"c{n:05}",
                patient=one,
                purpose="recall",
                channel="email",
                state="given",
                source="desk",
                note="",
            )

    there.run(fill)
    found = there.run(lambda tx: messaging.wishes(tx, ids))
    assert len(found) == 1000 and "p00001" not in found
    assert messaging.allowed(found["p00003"], "recall", "email", NEEDS) is None
    assert there.run(lambda tx: messaging.wishes(tx, [])) == {}


def listing(there: Writing, name: str, **query: Any) -> list[dict[str, Any]]:
    answer = there.ask("POST", f"/listings/{name}", body=query)
    return [one["cells"] | {"id": one["id"], "alert": one.get("alert", False)} for one in answer["rows"]]


def test_the_listing_of_who_withdrew(there: Writing) -> None:
    eva, max_ = there.person("Sager"), there.person("Frager")
    for patient, said in ((eva, "withdrawn"), (max_, "withdrawn"), (max_, "given")):
        there.ask("PUT", f"/patients/{patient}/wishes", body={"said": [word("greeting", "sms", said)]})
    rows = listing(there, "messaging.consents", filters={"state": "withdrawn"})
    assert [(one["patient"], one["purpose"], one["channel"]) for one in rows] == [
        ("Eva Sager", "greeting", "sms")
    ]
    assert rows[0]["id"].startswith(f"{eva}:")
    assert len(listing(there, "messaging.consents")) == 2
    assert listing(there, "messaging.consents", filters={"purpose": "recall"}) == []
    assert listing(there, "messaging.consents", to="2000-01-01T00:00:00Z") == []
    there.ask("POST", "/listings/messaging.consents", 403, {}, role="partner")


def test_the_listing_of_numbers_to_ask_about(there: Writing) -> None:
    good = ("phone", "0171 3920012", "mobile")
    alone = there.person("Ohne", ("phone", "0171 39200", "mobile"))
    there.person("Gut", good, ("phone", "unbekannt", "home"))
    mixed = there.person("Mix", ("phone", "030 23125100", "mobile"), ("email", "mix@example.org", None))
    mail = there.person("Post", good, ("email", "post@example", None))
    there.person("Festnetz", ("phone", "030 23125101", "home"))
    rows = {one["id"]: one for one in listing(there, "messaging.numbers")}
    assert {one["doubt"] for one in rows.values()} == {"too_short", "landline_as_mobile", "malformed"}
    assert [rows[f"{one}:0"]["alert"] for one in (alone, mixed, mail)] == [True, False, False]
    assert rows[f"{alone}:0"]["patient"] == "Ohne, Eva"
    assert len(listing(there, "messaging.numbers", filters={"system": "email"})) == 1


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("messaging.quiet_from", "8 Uhr", "settings.invalid"),
        ("messaging.quiet_from", "24:00", "settings.invalid"),
        ("messaging.quiet_from", "08:00", "messaging.quiet_hours_invalid"),
        ("messaging.quiet_from", "08:30", "messaging.quiet_hours_invalid"),
        ("messaging.quiet_to", "19:30", "messaging.quiet_hours_invalid"),
        ("messaging.patient_day_cap", 0, "settings.invalid"),
    ],
)
def test_quiet_hours_that_leave_nothing_are_refused(there: Writing, key: str, value: Any, code: str) -> None:
    with pytest.raises(Problem) as refused:
        there.run(lambda tx: there.house.settings.put(tx, key, value))
    assert refused.value.code == code


def test_quiet_hours_are_kept_as_told(there: Writing) -> None:
    there.run(lambda tx: there.house.settings.put(tx, "messaging.quiet_from", "12:00"))
    there.run(lambda tx: there.house.settings.put(tx, "messaging.quiet_to", "14:00"))
    # Back to its own default, the end would fall together with nothing: 12:00 to 08:00 leaves four hours.
    there.run(lambda tx: there.house.settings.put(tx, "messaging.quiet_to", None))
    with pytest.raises(Problem):
        there.run(lambda tx: there.house.settings.put(tx, "messaging.quiet_from", "08:59"))
