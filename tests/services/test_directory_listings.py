"""The directory's tables in the console: finding, sorting and leafing through patients, staff, places, mandators."""

import pytest

from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.console import ListingQuery
from praxisd.kernel.service import Call
from praxisd.model.people import Contact, Patient
from praxisd.services.directory import api as directory
from praxisd.services.directory import listings, person_store

from .calendar_cast import (  # noqa: F401 - fixtures
    the_client,
    the_desk,
    the_owner,
    the_partner,
    the_portal,
    the_practice,
)

PEOPLE = (
    ("Özdemir", "Ayşe", "1985-03-01", "active"),
    ("Müller-Lüdenscheid", "Karl", "1970-12-24", "active"),
    ("Mueller", "Anna", None, "active"),
    ("Ärmel", "Zoë", "1985-03", "active"),
    ("Strauß", "Emil", "2001-05-17", "gone"),
)


def call_of(house, practice, **more):
    actor = Actor(Kind.USER, "anna", practice.organization, everything=True, **more)
    return Call(house=house, actor=actor, path={}, query=None, body=None, lang="de")


@pytest.fixture(name="known")
def the_known(house, practice):
    def work(tx):
        found = {}
        for n, (family, given, born, state) in enumerate(PEOPLE):
            telecom = (
                Contact(system="phone", use="home", value=f"030 23125 10{n}"),
                Contact(system="phone", use="mobile", value=f"0171 39200 1{n}"),
                Contact(system="email", value=f"{given}@example.org".lower()),
            )
            one = Patient(
                family=family, given=given, birth_date=born, active=state == "active", telecom=telecom
            )
            found[family] = directory.put_patient(tx, one)
        return found

    return house.store.run(practice.desk(), work)


def families(rest, **ask):
    return [row["cells"]["family"] for row in rest("POST", "/listings/directory.patients", body=ask)["rows"]]


def test_patients_are_sorted_as_names_are_compared(known, desk):
    assert families(desk) == ["Ärmel", "Mueller", "Müller-Lüdenscheid", "Muster", "Özdemir", "Strauß"]
    assert families(desk, sort="-family") == families(desk)[::-1]
    by_birth = ["Muster", "Müller-Lüdenscheid", "Ärmel", "Özdemir", "Strauß", "Mueller"]
    assert families(desk, sort="birthDate") == by_birth
    assert families(desk, sort="-birthDate") == [
        *by_birth[-2::-1],
        "Mueller",
    ]  # without a date: last both ways
    page = desk("POST", "/listings/directory.patients", body={"limit": 4})
    assert (page["next"], page["total"], len(page["rows"])) == ("4", 6, 4)
    rest = desk("POST", "/listings/directory.patients", body={"limit": 4, "cursor": "4"})
    assert (rest["next"], [r["cells"]["family"] for r in rest["rows"]]) == (None, ["Özdemir", "Strauß"])
    assert page["rows"][1]["cells"] == {
        "family": "Mueller",
        "given": "Anna",
        "birthDate": None,
        "phone": "030 23125 102",
        "mobile": "0171 39200 12",
        "email": "anna@example.org",
        "active": True,
    }
    assert page["rows"][1]["id"] == known["Mueller"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("müller", {"Mueller", "Müller-Lüdenscheid"}),
        ("MULLER karl", {"Müller-Lüdenscheid"}),
        ("luedensch", {"Müller-Lüdenscheid"}),
        ("anna karl", set()),
        ("1.3.1985", {"Özdemir"}),
        ("3.1985", {"Özdemir", "Ärmel"}),
        ("1985-03-01", {"Özdemir"}),
        ("1985", {"Özdemir", "Ärmel"}),
        ("oezdemir 1985", {"Özdemir"}),
        ("oezdemir 1986", set()),
        ("030 23125-103", {"Ärmel"}),
        ("+49 171 3920014", {"Strauß"}),
        ("Emil@Example.org", {"Strauß"}),
        ("strauss", {"Strauß"}),
        ("☃", set()),
        ("%", set()),
        ("100%_", set()),
    ],
)
def test_one_field_finds_names_birthdays_numbers_and_addresses(known, desk, text, found):
    assert set(families(desk, text=text)) == found


def test_filters_merged_records_and_the_export(house, practice, known, desk, owner):
    assert families(desk, filters={"active": "false"}) == ["Strauß"]
    assert "Strauß" not in families(desk, filters={"active": "true"})
    assert families(desk, filters={"active": "vielleicht"}) == []
    body = {"drop": known["Mueller"]}
    desk("POST", f"/patients/{known['Müller-Lüdenscheid']}/merge", 201, body)
    assert "Mueller" not in families(desk) and families(desk, text="mueller") == ["Müller-Lüdenscheid"]
    got = desk.client.post(
        "/api/v1/listings/directory.patients/export", headers=desk.headers, json={"sort": "birthDate"}
    )
    lines = got.content.decode("utf-8-sig").split("\r\n")
    assert lines[0] == "Nachname;Vorname;Geburtsdatum;Telefon;Mobil;E-Mail;Aktiv"
    assert lines[1].startswith("Muster;Erika;02.01.1970;") and len(lines) == 7


def test_who_may_leaf_through_patients(house, practice, known, partner, portal, desk):
    for who in (partner, portal):
        assert who.code("POST", "/listings/directory.patients", 403, {}) == "access.forbidden"
        assert who.code("POST", "/listings/directory.patients/export", 403, {}) == "access.forbidden"
    # Should a masked actor ever be given the permission, the order says nothing of names either.
    rows = listings.PATIENTS.rows(call_of(house, practice, masked=True), ListingQuery()).rows
    assert [row.id for row in rows] == sorted(row.id for row in rows)


def test_leafing_reads_what_is_sorted_from_an_index_and_documents_of_one_page(house, practice, known):
    if not house.store.alone:
        return
    with house.store.read(practice.desk()) as tx:
        sql = (
            "EXPLAIN QUERY PLAN SELECT id FROM directory_patient WHERE organization = 'x'"
            " AND merged_into IS NULL ORDER BY family_key, given_key, id LIMIT 50"
        )
        plan = [row[-1] for row in tx.raw(sql).fetchall()]
        decoded = []
        real = person_store.patients.decode
        person_store.patients.decode = lambda doc: decoded.append(doc) or real(doc)  # type: ignore[method-assign]
        try:
            found = person_store.sorted_page(tx, [], "family", down=False, offset=1, limit=2)
        finally:
            del person_store.patients.decode
    assert "directory_patient_listed" in plan[0]
    assert [one.family for one in found] == ["Mueller", "Müller-Lüdenscheid"] and len(decoded) == 2


def test_staff_places_and_mandators(practice, owner, desk, partner, portal):
    owner(
        "POST",
        "/practitioners",
        201,
        {"family": "Arzt", "given": "Walter", "prefix": "Dr.", "released": True},
    )
    owner("POST", "/practitioners", 201, {"family": "Still", "given": "Karl"})
    site = owner("POST", "/locations", 201, {"name": "Haus", "kind": "site"})["id"]
    owner("POST", "/locations", 201, {"name": "Raum 2", "kind": "room", "partOf": site, "released": True})
    licence = {"licenceNumber": "L1", "licenceFrom": "2020-01-01", "licenceTo": "2026-11-22"}
    owner("POST", "/mandators", 201, {"name": "Abgelaufen", **licence})
    owner("POST", "/mandators", 201, {"name": "Gültig", **licence, "licenceTo": "2026-11-23"})

    def rows(who, name, **ask):
        return who("POST", f"/listings/directory.{name}", body=ask)["rows"]

    cells = [row["cells"] for row in rows(partner, "practitioners")]
    assert [(c["family"], c["released"]) for c in cells] == [("Arzt", True), ("Still", False)]
    assert [r["cells"]["family"] for r in rows(portal, "practitioners")] == ["Arzt"]
    assert [r["cells"]["family"] for r in rows(desk, "practitioners", filters={"released": "false"})] == [
        "Still"
    ]
    places = {r["cells"]["name"]: r["cells"] for r in rows(desk, "locations")}
    assert places["Raum 2"]["partOf"] == "Haus" and places["Haus"]["kind"] == "site"
    outside = rows(portal, "locations")
    assert [(r["cells"]["name"], r["cells"]["partOf"]) for r in outside] == [("Raum 2", None)]
    assert [r["cells"]["name"] for r in rows(desk, "locations", filters={"kind": "site"})] == ["Haus"]
    found = rows(partner, "mandators")
    assert [(r["cells"]["name"], r.get("alert", False)) for r in found] == [
        ("Abgelaufen", True),
        ("Gültig", False),
    ]
    assert found[1]["cells"]["licenceTo"] == "2026-11-23" and "credits" not in found[1]["cells"]
    assert portal.code("POST", "/listings/directory.mandators", 403, {}) == "access.forbidden"
