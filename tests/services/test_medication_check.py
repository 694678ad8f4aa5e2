"""The check of a patient's list against the sample data set: what is found, with source; what is unknown; what is never said."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.access import system
from praxisd.kernel.store import mine
from praxisd.model.statement import Statement, Taken
from praxisd.services.medication import api, knowing, sets_reading, sets_store
from praxisd.services.medication.finding_store import USE
from praxisd.testing import medication
from praxisd.testing.practice import key_for, small_practice

from .calendar_cast import Rest
from .medication_cast import NOW, product
from .medication_cast import the_client as _client  # noqa: F401
from .medication_cast import the_desk as _desk  # noqa: F401
from .medication_cast import the_practice as _practice  # noqa: F401

ALWAYS = {f"medication.not_covered.{code}" for code in ("dose", "food", "body", "ended", "inside", "several")}


def enter(desk: Rest, practice: Any, **line: Any) -> dict[str, Any]:
    made: dict[str, Any] = desk("POST", "/medication/statements", 201, {"patient": practice.patient, **line})
    return made


def check(desk: Rest, practice: Any, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = desk("POST", "/medication/check", 200, {"patient": practice.patient, **more})
    return found


def short(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (one["kind"], one["severity"], one["a"]["name"], None if one["b"] is None else one["b"]["name"])
        for one in found["findings"]
    ]


def test_a_product_of_the_data_set_is_known_by_id_and_by_package(house, practice, desk):
    id_, name, pzn = product(house, "Ibuprofen Muster 600")
    by_id = enter(desk, practice, product=id_)
    assert (by_id["text"], by_id["known"], by_id["atc"]) == (name, True, "M01AE01")
    assert by_id["substances"] == [{"id": "ibuprofen", "name": "Ibuprofen", "strength": "600 mg"}]
    edition = sets_reading.open_set(house, "medication").version
    assert by_id["fromSet"] == {"element": "medication", "version": edition}
    by_pzn = enter(desk, practice, pzn=f"PZN-{pzn.lstrip('0')}", text="Ibu")
    assert (by_pzn["product"], by_pzn["pzn"], by_pzn["text"]) == (id_, pzn, "Ibu")
    both = enter(desk, practice, product=id_, pzn=pzn)
    assert (both["product"], both["pzn"]) == (id_, pzn)
    post = "/medication/statements"
    line = {"patient": practice.patient}
    other = product(house, "Warfarin")[2]
    for more, code in (
        ({"product": "s-gibt-es-nicht"}, "medication.product_unknown"),
        ({"product": id_, "pzn": other}, "medication.pzn_mismatch"),
        ({"text": "x", "pzn": "12345678901"}, "medication.pzn_invalid"),
        ({"text": "x", "pzn": f"{pzn[:7]}{(int(pzn[7]) + 1) % 10}"}, "medication.pzn_invalid"),
        ({"pzn": "16507327"}, "medication.unnamed"),  # right, but of no package here: nobody says what it is
    ):
        assert desk.code("POST", post, 422, line | more) == code, more
    free = enter(desk, practice, text="Ibuprofen 600", pzn="16507327")
    assert (free["known"], free["pzn"]) == (False, "16507327")


def test_the_name_and_the_product_of_a_line_stay_together(house, practice, desk):
    ibuprofen, warfarin = product(house, "Ibuprofen Muster 600"), product(house, "Warfarin")
    place = f"/medication/statements/{enter(desk, practice, pzn=ibuprofen[2])['id']}"
    assert desk.code("PATCH", place, 422, {"text": "Marcumar"}) == "medication.text_of_product"
    named = desk("PATCH", place, 200, {"text": "Ibu 600", "product": ibuprofen[0]})
    assert (named["text"], named["product"], named["pzn"]) == ("Ibu 600", ibuprofen[0], ibuprofen[2])
    other = desk("PATCH", place, 200, {"product": warfarin[0]})
    assert (other["text"], other["product"], other["pzn"]) == (warfarin[1], warfarin[0], None)
    assert [part["id"] for part in other["substances"]] == ["warfarin"]
    free = desk("PATCH", place, 200, {"product": None, "text": "Blutverdünner"})
    assert (free["text"], free["known"], free["atc"], free["substances"]) == (
        "Blutverdünner",
        False,
        None,
        [],
    )
    again = desk("PATCH", place, 200, {"pzn": warfarin[2]})
    assert (again["text"], again["product"]) == ("Blutverdünner", warfarin[0])


def test_what_the_set_says_of_a_list_is_shown_with_its_source(house, practice, desk):
    lithium = enter(desk, practice, product=product(house, "Lithium")[0])
    ibuprofen = enter(desk, practice, product=product(house, "Ibuprofen Muster 600")[0])
    found = check(desk, practice)
    (one,) = [f for f in found["findings"] if f["kind"] == "interaction"]
    assert (one["severity"], one["severityName"], one["rule"]) == (
        "serious",
        "schwerwiegend",
        "nsaid-lithium",
    )
    assert one["a"] == {
        "kind": "statement",
        "id": lithium["id"],
        "name": lithium["text"],
        "via": {"kind": "substance", "id": "lithium-carbonate", "name": one["a"]["via"]["name"]},
    }
    assert one["b"]["id"] == ibuprofen["id"] and one["b"]["via"]["id"] == "nsaid"
    assert one["mechanism"] and one["effect"] and one["action"] and one["source"] and one["sourceDate"]
    assert found["complete"] is False and found["set"]["sample"] is True and found["set"]["state"] == "valid"
    assert found["covered"] == {"drugs": 2, "substances": 2, "pairs": 1, "conditions": 0, "leftOut": 0}
    assert set(found["notCovered"]) == ALWAYS | {
        "medication.not_covered.sample",
        "medication.not_covered.no_risks",
    }
    assert len(found["notCoveredTexts"]) == len(found["notCovered"]) and all(found["notCoveredTexts"])
    asked, in_english = {"patient": practice.patient}, {"Accept-Language": "en"}
    english = desk("POST", "/medication/check", 200, asked, headers=in_english)
    assert english["findings"][0]["severityName"] == "serious" and "no complete check" in english["summary"]
    assert english["findings"][0]["effect"] != found["findings"][0]["effect"]
    # What is over is not checked, and that is said; what nobody knows counts as taken.
    place = f"/medication/statements/{ibuprofen['id']}"
    for status, hits in (("unknown", 1), ("on-hold", 1), ("stopped", 0), ("not-taken", 0), ("active", 1)):
        desk("PATCH", place, 200, {"status": status})
        now = check(desk, practice)
        assert len([f for f in now["findings"] if f["kind"] == "interaction"]) == hits, status
        assert now["covered"]["leftOut"] == 1 - hits
    desk("DELETE", place)
    assert check(desk, practice)["covered"]["leftOut"] == 1


def test_beside_a_risk_a_drug_without_a_contraindication_is_named(house, practice, desk):
    """Its silence means nothing, though the data set knows interactions of it, or something else."""
    for name in ("Lithium", "Paracetamol Muster 500", "Amoxicillin Muster 1000"):
        enter(desk, practice, product=product(house, name)[0])

    def silent():
        told = check(desk, practice)["unknown"]
        return {one["text"].split()[0]: one["code"].removeprefix("medication.unknown.") for one in told}

    assert silent() == {"Paracetamol": "no_entries", "Amoxicillin": "no_interactions"}
    risk = {"patient": practice.patient, "condition": "penicillin-allergy"}
    desk("POST", "/medication/risks", 201, risk)
    assert silent() == {
        "Lithium": "no_contraindications", "Paracetamol": "no_entries", "Amoxicillin": "no_interactions",
    }  # fmt: skip
    (lithium,) = [one for one in check(desk, practice)["unknown"] if one["text"].startswith("Lithium")]
    assert "keine einzige Gegenanzeige" in lithium["why"] and "besagt nichts" in lithium["why"]


def test_no_answer_says_that_there_is_no_interaction(house, practice, desk):
    enter(desk, practice, product=product(house, "Paracetamol Muster 500")[0])
    found = check(desk, practice)
    assert found["findings"] == [] and found["complete"] is False
    assert "ist dazu nichts verzeichnet" in found["summary"] and "schließt" in found["summary"]
    (unknown,) = found["unknown"]  # a product that the set says nothing at all about
    assert unknown["code"] == "medication.unknown.no_entries" and "besagt nichts" in unknown["why"]
    assert "medication.not_covered.unknown" in found["notCovered"]
    enter(desk, practice, product=product(house, "Amoxicillin Muster 1000")[0])  # a contraindication, no more
    (silent,) = [u for u in check(desk, practice)["unknown"] if u["text"].startswith("Amoxicillin")]
    assert silent["code"] == "medication.unknown.no_interactions" and "besagt nichts" in silent["why"]
    empty = desk("POST", "/medication/check", 200, {})
    assert "medication.not_covered.no_conditions" in empty["notCovered"]
    assert empty["findings"] == [] and "nichts, was geprüft werden könnte" in empty["summary"]


def test_free_text_is_unknown_whatever_it_is_called(practice, desk):
    enter(desk, practice, text="Warfarin")
    enter(desk, practice, text="Ibuprofen 600")
    found = check(desk, practice)
    assert found["findings"] == [] and found["covered"]["drugs"] == 0
    assert [(one["text"], one["code"]) for one in found["unknown"]] == [
        ("Warfarin", "medication.unknown.free_text"),
        ("Ibuprofen 600", "medication.unknown.free_text"),
    ]


def test_an_allergy_meets_its_class(house, practice, desk):
    listed = desk("GET", "/medication/conditions")["conditions"]
    (allergy,) = [one for one in listed if one["id"] == "penicillin-allergy"]
    assert allergy == {
        "id": "penicillin-allergy",
        "name": "Penicillin-Allergie",
        "kind": "allergy",
        "icd10": None,
    }
    line = enter(desk, practice, product=product(house, "Amoxicillin Muster 1000")[0])
    body = {"patient": practice.patient, "condition": "penicillin-allergy"}
    risk = desk("POST", "/medication/risks", 201, body)
    assert (risk["text"], risk["kind"], risk["known"]) == ("Penicillin-Allergie", "allergy", True)
    found = check(desk, practice)
    (one,) = [f for f in found["findings"] if f["kind"] == "contraindication"]
    assert (one["severity"], one["a"]["id"]) == ("contraindicated", line["id"])
    assert one["b"] == {"kind": "risk", "id": risk["id"], "name": "Penicillin-Allergie", "via": None}
    assert "medication.not_covered.no_risks" not in found["notCovered"]
    desk("PATCH", f"/medication/risks/{risk['id']}", 200, {"active": False})
    assert not [f for f in check(desk, practice)["findings"] if f["kind"] == "contraindication"]
    desk("POST", "/medication/risks", 201, {"patient": practice.patient, "text": "verträgt kein Penicillin"})
    (unknown,) = [one for one in check(desk, practice)["unknown"] if one["kind"] == "risk"]
    assert unknown["code"] == "medication.unknown.risk_text"
    bad = {"patient": practice.patient, "condition": "heuschnupfen"}
    assert desk.code("POST", "/medication/risks", 422, bad) == "medication.condition_unknown"


def test_what_if_this_were_given_too(house, practice, desk):
    enter(desk, practice, product=product(house, "Warfarin")[0])
    metronidazole = product(house, "Metronidazol Muster 400")
    found = check(desk, practice, products=[metronidazole[0]])
    assert ("interaction", "serious") in [one[:2] for one in short(found)]
    plain = desk("POST", "/medication/check", 200, {"substances": ["warfarin", "metronidazole", "x"]})
    (one,) = [f for f in plain["findings"] if f["kind"] == "interaction"]
    assert (one["a"]["kind"], one["a"]["id"], one["b"]["id"]) == ("substance", "warfarin", "metronidazole")
    assert [u["code"] for u in plain["unknown"]] == ["medication.unknown.substance_unknown"]
    more = {"products": ["nicht-da"], "conditions": ["penicillin-allergy", "nichts"], "substances": ["amoxicillin"]}  # fmt: skip
    found = desk("POST", "/medication/check", 200, more)
    assert {u["code"] for u in found["unknown"]} >= {
        "medication.unknown.product_unknown",
        "medication.unknown.condition_unknown",
    }
    assert ("contraindication", "contraindicated", "Amoxicillin", "Penicillin-Allergie") in short(found)


def test_a_product_that_is_gone_is_checked_by_what_was_noted_and_said_to_be_unknown(house, practice, desk):
    enter(desk, practice, product=product(house, "Ibuprofen Muster 600")[0])
    gone = Statement(
        id="alt", patient=practice.patient, text="Quilonum", product="s-weg",
        substances=(Taken(id="lithium-carbonate", name="Lithium"), Taken(id="nicht-mehr-da", name="X")),
    )  # fmt: skip
    house.store.run(practice.desk(), lambda tx: api.bring(tx, gone))
    found = check(desk, practice)
    assert [f["rule"] for f in found["findings"] if f["kind"] == "interaction"] == ["nsaid-lithium"]
    assert [(u["id"], u["code"]) for u in found["unknown"]] == [("alt", "medication.unknown.product_gone")]


def test_free_text_with_a_code_is_held_against_its_class_and_stays_unknown(house, practice, desk):
    enter(desk, practice, product=product(house, "Lithium")[0])
    line = {"patient": practice.patient, "text": "Schmerzmittel", "atc": "M01AE99"}
    house.store.run(practice.desk(), lambda tx: api.take_statement(house, tx, **line))
    found = check(desk, practice)
    (one,) = [f for f in found["findings"] if f["kind"] == "interaction"]
    assert one["b"]["name"] == "Schmerzmittel" and one["b"]["via"]["id"] == "nsaid"
    assert [u["code"] for u in found["unknown"]] == ["medication.unknown.free_text_code"]


def test_a_package_number_is_looked_up_though_the_line_was_entered_as_text(house, practice, desk):
    enter(desk, practice, product=product(house, "Lithium")[0])
    pzn = product(house, "Ibuprofen Muster 600")[2]
    text = Statement(
        id="vorher", patient=practice.patient, text="Ibu 600", pzn=pzn, atc="M01AE01"
    )  # taken over before there was a set
    house.store.run(practice.desk(), lambda tx: api.bring(tx, text))
    found = check(desk, practice)
    assert [f["rule"] for f in found["findings"] if f["kind"] == "interaction"] == ["nsaid-lithium"]
    assert found["unknown"] == [] and found["covered"]["drugs"] == 2
    place = "/medication/statements/vorher"
    spelt = desk("PATCH", place, 200, {"text": "IBU  600", "product": None})
    assert (spelt["pzn"], spelt["atc"]) == (pzn, "M01AE01")
    other = desk(
        "PATCH", place, 200, {"text": "Marcumar", "product": None}
    )  # not to be checked as what it was
    assert (other["pzn"], other["atc"], other["known"]) == (None, None, False)
    assert [u["code"] for u in check(desk, practice)["unknown"]] == ["medication.unknown.free_text"]


def test_who_calls_it_otherwise_is_told_what_was_looked_at(house, practice, desk):
    amoxicillin = product(house, "Amoxicillin Muster 1000")
    enter(desk, practice, product=amoxicillin[0], text="Ibuprofen")
    risk = {"patient": practice.patient, "condition": "penicillin-allergy", "text": "Latex"}
    desk("POST", "/medication/risks", 201, risk)
    found = check(desk, practice)
    names = (
        "contraindication",
        "contraindicated",
        f"Ibuprofen ({amoxicillin[1]})",
        "Latex (Penicillin-Allergie)",
    )
    assert names in short(found)


def test_the_answer_tells_of_the_set_that_was_asked_though_another_came(house, practice, desk, monkeypatch):
    enter(desk, practice, product=product(house, "Lithium")[0])
    first = sets_reading.open_set(house, "medication")
    plain = knowing.knowledge

    def and_then_it_is_switched(opened, drugs):
        medication.install_samples(house, 2, days_ago=300)  # expired
        monkeypatch.setattr(knowing, "knowledge", plain)
        return plain(opened, drugs)

    monkeypatch.setattr(knowing, "knowledge", and_then_it_is_switched)
    told = check(desk, practice)["set"]
    assert (told["version"], told["state"]) == (first.version, "valid")
    assert check(desk, practice)["set"]["state"] == "expired"


def test_what_people_enter_is_counted_as_used_and_what_a_file_brings_is_not(house, practice, desk):
    id_, _, pzn = product(house, "Ibuprofen Muster 600")

    def times():
        with house.store.read(practice.desk()) as tx:
            return dict(tx.tuples(sa.select(USE.c.product, USE.c.times).where(mine(USE))))

    line = {"patient": practice.patient, "text": "Ibu", "pzn": pzn}
    house.store.run(practice.desk(), lambda tx: api.take_statement(house, tx, **line))
    assert times() == {}
    made = enter(desk, practice, product=id_)
    enter(desk, practice, text="Tee")
    desk("PATCH", f"/medication/statements/{made['id']}", 200, {"note": "n"})
    assert times() == {id_: 1}


def test_the_same_twice_is_said(house, practice, desk):
    for name in ("Ibuprofen Muster 600", "Ibuprofen Beispiel 400", "Naproxen Muster"):
        enter(desk, practice, product=product(house, name)[0])
    twice = [f for f in check(desk, practice)["findings"] if f["kind"] == "duplicate"]
    assert [(f["a"]["via"]["kind"], f["a"]["via"]["id"], f["severity"], f["source"]) for f in twice] == [
        ("substance", "ibuprofen", "note", None),
        ("atc", "M01AE", "note", None),
    ]
    assert twice[0]["more"] == [] and [one["name"][:8] for one in twice[1]["more"]] == ["Naproxen"]
    assert "in 2 Zeilen" in twice[0]["effect"] and "3 Präparate" in twice[1]["effect"]
    assert "Derselbe Wirkstoff" in twice[0]["effect"] and "M01AE" in twice[1]["effect"]


def test_before_the_owner_has_confirmed_nothing_is_checked(house, client):
    house.clock.set(NOW)
    fresh = small_practice(house)
    desk = Rest(client, key_for(house, fresh, "desk", "Empfang"))
    assert desk.code("POST", "/medication/check", 409, {}) == "medication.no_data"
    assert desk.code("GET", "/medication/conditions", 409) == "medication.no_data"
    medication.install_samples(house)
    assert desk.code("POST", "/medication/check", 409, {}) == "medication.unconfirmed"
    assert desk("GET", "/medication/conditions")["conditions"]
    medication.confirm(house, fresh.desk())
    assert desk("POST", "/medication/check", 200, {})["complete"] is False
    assert desk.code("POST", "/medication/check", 404, {"version": "1999"}) == "medication.no_version"


def test_an_expired_set_answers_and_takes_nothing_new_but_text(house, practice, desk):
    lithium = product(house, "Lithium")
    enter(desk, practice, product=lithium[0])
    enter(desk, practice, product=product(house, "Ibuprofen Muster 600")[0])
    assert check(desk, practice)["warning"] is None
    house.clock.advance(115 * 86_400)
    assert (
        check(desk, practice)["set"]["state"] == "grace" and "galten bis" in check(desk, practice)["warning"]
    )
    enter(desk, practice, product=lithium[0])
    house.clock.advance(30 * 86_400)
    found = check(desk, practice)
    assert found["set"]["state"] == "expired" and "abgelaufen" in found["warning"] and found["findings"]
    body = {"patient": practice.patient, "product": lithium[0]}
    assert desk.code("POST", "/medication/statements", 409, body) == "medication.data_expired"
    by_pzn = enter(desk, practice, text="Lithium", pzn=lithium[2])
    assert (by_pzn["known"], by_pzn["pzn"]) == (False, lithium[2])


def test_a_newer_edition_is_asked_beside_the_older_one(house, practice, desk):
    enter(desk, practice, product=product(house, "Lithium")[0])
    enter(desk, practice, product=product(house, "Ibuprofen Muster 600")[0])
    old = check(desk, practice)["set"]["version"]
    new = medication.install_samples(house, 2, days_ago=2)
    actor = system("test", practice.organization)
    with house.store.read(actor) as tx:
        opened = sets_reading.open_set(house, "medication")
        assert sets_store.confirmation(tx, "medication", opened.meta["source"], opened.sample) is not None
    found = check(desk, practice)
    assert found["set"]["version"] == new != old and found["findings"]
    assert check(desk, practice, version=old)["set"]["version"] == old


def test_notices_are_read_by_each_for_itself(house, practice, client, desk):
    found = desk("GET", "/medication/notices")
    assert found["unread"] == 2 and found["sample"] is True
    assert {one["id"] for one in found["notices"]} == {"sample", "metamizole-2024"}
    assert all(one["title"] and one["body"] and not one["seen"] for one in found["notices"])
    seen = {"notices": ["sample", "keine"]}
    assert desk("POST", "/medication/notices/seen", 200, seen) == {"unread": 1}
    assert desk("POST", "/medication/notices/seen", 200, seen) == {"unread": 1}
    assert [one["id"] for one in desk("GET", "/medication/notices")["notices"] if one["seen"]] == ["sample"]
    other = Rest(client, key_for(house, practice, "partner", "Technik"))
    assert other("GET", "/medication/notices", headers={"Accept-Language": "en"})["unread"] == 2
    house.clock.advance(500 * 86_400)
    assert desk("GET", "/medication/notices") == found | {"notices": [], "unread": 0}
    late = desk("GET", "/medication/notices?since=2026-12-01")
    assert len(late["notices"]) == 2 and late["unread"] == 0
