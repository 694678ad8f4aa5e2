"""Templates through the door: proposals taken over, changed, previewed with a real appointment, and who may. Both engines."""

from datetime import datetime
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import account_store, wording
from praxisd.services.messaging import api as messaging
from praxisd.web.app import build

from .writing_cast import Writing, writing

SMS = {"kind": "reminder", "channel": "sms", "language": "de"}
TEXT = "{practice}: {name}, {weekday}, {date} um {time} Uhr"


@pytest.fixture
def there(house) -> Any:
    with TestClient(build(house, main.doors(house))) as client:
        yield writing(house, client)


def appointment(there: Writing, patient: str) -> tuple[str, str]:
    """Id and start (RFC 3339) of a real appointment of this patient."""
    practice, now = there.practice, there.house.clock.now()
    days = {"from": format_rfc3339(now + 86_400), "to": format_rfc3339(now + 20 * 86_400)}
    found = there.client.get(
        "/api/v1/slots",
        headers={"Authorization": f"Bearer {there.keys['desk']}"},
        params={"service": practice.check, "limit": "1", **days},
    )
    slot = found.json()["slots"][0]
    body = {"service": slot["service"], "start": slot["start"], "patient": {"id": patient}}
    return there.ask("POST", "/appointments", 201, body)["id"], slot["start"]


def test_proposals_are_taken_over_once(there: Writing) -> None:
    empty = there.ask("GET", "/templates")
    assert (empty["templates"], empty["proposals"]) == ([], {"de": 12, "fr": 12, "it": 12, "en": 12})
    labels = {one["name"]: one for one in empty["placeholders"]}
    assert (
        labels["date"]["kinds"] == ["reminder", "confirmation", "refusal", "proposal", "offer"]
        and labels["date"]["sample"]
    )
    assert labels["age"]["kinds"] == ["birthday"] and labels["age"]["sample"] == "46"
    assert (
        labels["practice"]["label"] == "Name der Praxis" and labels["practice"]["sample"] == "Praxis am Test"
    )
    assert labels["date"]["help"] == f"Zum Beispiel: {labels['date']['sample']}"
    assert labels["practicePhone"]["sample"] == "" and "noch nichts" in labels["practicePhone"]["help"]
    first = there.ask("POST", "/templates/proposals", body={})
    assert first["taken"] == 12 and {one["language"] for one in first["templates"]} == {"de"}
    assert there.ask("POST", "/templates/proposals", body={})["taken"] == 0
    body = {"languages": ["fr", "it"], "kinds": ["reminder"], "channels": ["sms"]}
    assert there.ask("POST", "/templates/proposals", body=body)["taken"] == 2
    shown = there.ask("GET", "/templates")
    assert len(shown["templates"]) == 14 and shown["proposals"] == {"fr": 11, "it": 11, "en": 12}
    # The practice has no telephone number yet: that is said, and nothing is refused.
    sms = next(one for one in shown["templates"] if one["language"] == "de" and one["channel"] == "sms")
    assert (sms["parts"], sms["encoding"]) == (1, "GSM-7")
    codes = {h["code"] for one in shown["templates"] for h in one["warnings"]}
    assert codes == {"messaging.template_value_missing"}


def test_made_changed_and_taken_away(there: Writing) -> None:
    made = there.ask("POST", "/templates", 201, SMS | {"text": TEXT + "\r\n"})
    assert (made["text"], made["version"], there.etag) == (TEXT, 1, '"1"')
    assert there.ask("POST", "/templates", 409, SMS | {"text": "x"})["code"] == "messaging.template_exists"
    path = f"/templates/{made['id']}"
    assert there.ask("PUT", path, body={"text": TEXT}, match=1)["version"] == 1
    changed = there.ask("PUT", path, body={"text": "Bis {date}!", "subject": "entfällt"}, match=1)
    assert (changed["version"], changed["subject"]) == (2, "")
    assert [h["code"] for h in changed["warnings"]] == [
        "messaging.template_no_time",
        "messaging.template_no_sender",
    ]
    assert there.ask("PUT", path, 412, {"text": "y"}, match=1)["code"] == "resource.stale"
    problem = there.ask("PUT", path, 422, {"text": "Hallo {vorname}"})
    assert problem["code"] == "messaging.placeholder_unknown" and "vorname" in problem["cause"]
    there.ask("DELETE", path, 412, match=1)
    there.ask("DELETE", path, 204, match=2)
    there.ask("GET", path, 404)
    with there.house.store.read(system("test", there.practice.organization)) as tx:
        noted = [one.codes["what"] for one in events.about(tx, "Template", made["id"])]
    assert noted == ["deleted", "changed", "created"]


def test_a_real_appointment_is_filled_in_and_costed(there: Writing) -> None:
    eva = there.person("Müller-Lüdenscheidt", gender="female")
    there.ask("GET", "/templates")
    id_, start = appointment(there, eva)
    seen = there.ask("POST", "/templates/preview", body=SMS | {"text": TEXT, "appointment": id_})
    day = wording.date_of(datetime.fromisoformat(start), "de")
    assert seen["example"] is False and seen["text"].startswith("Praxis am Test: Eva Müller-Lüdenscheidt, ")
    assert f", {day} um {start[11:16]} Uhr" in seen["text"]
    assert seen["values"]["time"] == start[11:16] and set(seen["values"]) == {
        "practice", "name", "weekday", "date", "time",
    }  # fmt: skip
    assert (seen["measure"]["encoding"], seen["measure"]["parts"], seen["cost"]) == ("GSM-7", 1, None)

    def account(tx: Any) -> None:
        account_store.add(
            tx, channel="sms", version=1, active=1, gateway="sandbox", sender="Praxis", fields="{}", secrets="{}",
            hook="h", hook_secret="", cost=3, updated_at=tx.now,
        )  # fmt: skip

    there.run(account)
    long = SMS | {"text": "„" + TEXT + "“" + " Bitte" * 36, "appointment": id_}
    dear = there.ask("POST", "/templates/preview", body=long)
    assert dear["measure"]["encoding"] == "UCS-2" and dear["measure"]["foreign"] == ["„", "“"]
    assert (dear["measure"]["parts"], dear["cost"], dear["unitCost"]) == (5, 15, 3)
    assert dear["suggestion"] == long["text"].replace("„", '"').replace("“", '"')
    codes = [h["code"] for h in dear["warnings"]]
    assert codes == ["messaging.template_special_characters", "messaging.template_long"]
    again = there.ask("POST", "/templates/preview", body=long | {"text": dear["suggestion"]})
    assert again["measure"]["parts"] == 2 and again["suggestion"] is None
    assert there.ask("GET", "/templates")["templates"] == []


def test_a_greeting_names_the_age_of_the_next_birthday(there: Writing) -> None:
    eva = there.person("Sager", birth_date="1980-12-24")
    body = {
        "kind": "birthday",
        "channel": "email",
        "language": "en",
        "subject": "Happy {age}",
        "text": "{salutation}",
    }
    seen = there.ask("POST", "/templates/preview", body=body | {"patient": eva})
    now = there.house.clock.now()
    assert (
        seen["subject"].startswith("Happy ") and int(seen["values"]["age"]) >= 1970 + now // 31_557_600 - 1980
    )
    assert (seen["text"], seen["measure"], seen["example"]) == ("Dear Eva Sager", None, False)
    sample = there.ask("POST", "/templates/preview", body=body)
    assert sample["example"] and sample["text"] == "Dear Ms Smith"
    there.ask("POST", "/templates/preview", 404, body | {"patient": "nobody"})
    there.ask("POST", "/templates/preview", 404, body | {"appointment": "nothing"})
    assert there.ask("POST", "/templates/preview", 422, body | {"text": "{"})["code"].endswith("malformed")


def test_who_may(there: Writing) -> None:
    there.ask("GET", "/templates", role="owner")
    for role in ("partner", "portal", "pvs"):
        there.ask("GET", "/templates", 403, role=role)
        there.ask("POST", "/templates", 403, SMS | {"text": TEXT}, role=role)
        there.ask("POST", "/templates/preview", 403, SMS | {"text": TEXT}, role=role)
        there.ask("POST", "/templates/proposals", 403, {}, role=role)


def test_other_services_load_and_fill_them_in(there: Writing) -> None:
    eva = there.person("Sager")
    there.ask("POST", "/templates", 201, SMS | {"text": TEXT})
    id_, start = appointment(there, eva)

    def written(tx: Any) -> tuple[str, str]:
        practice = directory.organization(tx)
        facts = calendar.appointment_facts(tx, [id_])[id_]
        person = directory.contacts(tx, [eva])[eva]
        one = messaging.load_templates(tx)["reminder", "sms", "de"]
        known = messaging.Values("reminder", "de", practice, person, facts, None, zone(practice.zone))
        return messaging.render(one, known)

    subject, text = there.run(written)
    assert subject == "" and text.endswith(f"um {start[11:16]} Uhr") and "Eva Sager" in text
