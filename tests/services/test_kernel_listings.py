"""Listings through the door: rows sorted, filtered, searched, paged, masked and exported; refused where not offered."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd.kernel import events, listings
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.console import Column, ConsolePage
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.kernel.listings import harmless
from praxisd.kernel.registry import DeclarationError, freeze
from praxisd.web.app import build

from . import listing_sample
from .listing_sample import DOORS, LISTING, SERVICE, TABLE

PATH = f"/api/v1/listings/{LISTING}"


class Table:
    """A client that asks for the listing."""

    def __init__(self, house: House, client: TestClient[Any]) -> None:
        self.house, self.client = house, client

    def raw(self, path: str = PATH, role: str = "owner", lang: str = "de", **body: Any) -> Any:
        return self.client.post(
            path,
            json={name.rstrip("_"): value for name, value in body.items()},
            headers={"Authorization": f"Bearer {role}", "Accept-Language": lang},
        )

    def __call__(self, **body: Any) -> Any:
        got = self.raw(**body)
        assert got.status_code == 200, got.text
        return got.json()

    def names(self, **body: Any) -> list[str]:
        return [row["cells"]["name"] for row in self(**body)["rows"]]

    def refused(self, **body: Any) -> tuple[int, str]:
        got = self.raw(**body)
        return got.status_code, got.json()["code"]

    def csv(self, **body: Any) -> list[list[str]]:
        got = self.raw(path=PATH + "/export", **body)
        assert got.status_code == 200, got.text
        assert got.headers["content-type"] == "text/csv; charset=utf-8"
        assert got.headers["content-disposition"] == 'attachment; filename="trial-people.csv"'
        assert got.content.startswith(b"\xef\xbb\xbf")
        return list(csv.reader(io.StringIO(got.content.decode("utf-8-sig"), newline=""), delimiter=";"))


@pytest.fixture
def table(make_house: Callable[..., House]) -> Iterator[Table]:
    house = make_house((KERNEL, SERVICE))
    with TestClient(build(house, DOORS)) as client:
        yield Table(house, client)


def test_a_page_says_what_its_columns_are(table: Table) -> None:
    found = table(limit=2)
    assert found["name"] == LISTING
    assert (found["text"], found["period"], found["sort"]) == (True, "seen", "name")
    assert (found["total"], found["next"], len(found["rows"])) == (7, "2", 2)
    columns = {one["key"]: one for one in found["columns"]}
    assert list(columns) == [one.key for one in TABLE.columns]
    assert columns["age"] == {
        "key": "age",
        "title": "Alter",
        "kind": "number",
        "sortable": True,
        "filter": False,
        "choices": [],
    }
    assert columns["adult"]["choices"] == [
        {"value": "true", "label": "ja"},
        {"value": "false", "label": "nein"},
    ]
    assert columns["state"]["choices"][1] == {"value": "success", "label": "erfolgreich"}
    assert columns["room"]["choices"] == [{"value": "r1", "label": "Raum 1 (de)"}]
    assert table(lang="en")["columns"][1]["title"] == "Age"
    (odd,) = [row for row in table()["rows"] if row.get("alert")]
    assert odd["cells"]["name"] == "-5" and odd["cells"]["age"] is None


def test_pages_follow_each_other(table: Table) -> None:
    seen, cursor = [], None
    while True:
        page = table(limit=3, cursor=cursor)
        seen += [row["id"] for row in page["rows"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == [str(n) for n in range(7)] and len(seen) == 7


def test_order_knows_accents_numbers_and_nothing(table: Table) -> None:
    names = table.names()
    assert names.index("Özdemir, Ayşe") < names.index("Strauß, Emil") < names.index("Zahn\nArzt")
    ages = [row["cells"]["age"] for row in table(sort="age")["rows"]]
    assert ages == [9, 12, 33, 41, 50, 77, None]
    ages = [row["cells"]["age"] for row in table(sort="-age")["rows"]]
    assert ages == [77, 50, 41, 33, 12, 9, None]


def test_filters_text_and_period(table: Table) -> None:
    assert table.names(filters={"name": "ozde"}) == ["Özdemir, Ayşe"]
    assert len(table.names(filters={"adult": "true"})) == 4
    assert len(table.names(filters={"adult": "true", "state": "success"})) == 1
    assert table.names(filters={"state": "odd"}) == []
    assert table.names(text="emil STRAUSS") == ["Strauß, Emil"]
    assert table.names(text="emil niemand") == []
    day = {"from_": "2026-11-22T00:00:00+01:00", "to": "2026-11-23T00:00:00+01:00"}
    assert table.names(**day) == ["=SUMME(1;2)"]
    # the same instant written otherwise is the same instant, and the end does not belong to the period
    assert table.names(from_="2026-11-22T22:30:00Z", to="2026-11-22T22:30:01Z") == ["=SUMME(1;2)"]
    assert table.names(from_="2026-11-22T22:00:00Z", to="2026-11-22T22:30:00Z") == []


def test_a_period_of_dates_is_compared_as_dates(table: Table) -> None:
    path = "/api/v1/listings/trial.birthdays"
    got = table.raw(path=path, from_="1976-12-24T00:00:00+01:00", to="1985-03-01T00:00:00+01:00").json()
    assert [row["cells"]["born"] for row in got["rows"]] == ["1976-12-24"]
    assert table.raw(path=path, text="x").json()["code"] == "listing.not_offered"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"sort": "share"}, (422, "listing.not_offered")),
        ({"sort": "--age"}, (422, "listing.not_offered")),
        ({"sort": "ghost"}, (422, "listing.not_offered")),
        ({"filters": {"age": "1"}}, (422, "listing.not_offered")),
        ({"filters": {"ghost": "1"}}, (422, "listing.not_offered")),
        ({"from_": "2026-11-22"}, (400, "clock.bad_time")),
        ({"to": "2026-11-22T00:00:00"}, (400, "clock.naive_time")),
        ({"limit": 201}, (400, "http.invalid_body")),
        ({"cursor": "-1"}, (400, "http.invalid_body")),
        ({"cursor": "x"}, (400, "http.invalid_body")),
        ({"filters": {"name": 5}}, (400, "http.invalid_body")),
        ({"colour": "red"}, (400, "http.invalid_body")),
        ({"role": "nobody"}, (403, "access.forbidden")),
        ({"role": "desk"}, (403, "access.forbidden")),
        ({"role": "stranger"}, (401, "accounts.key_missing")),
    ],
)
def test_what_is_refused(table: Table, body: dict[str, Any], expected: tuple[int, str]) -> None:
    assert table.refused(**body) == expected
    assert table.refused(path=PATH + "/export", **body) == expected


def test_a_masked_caller_neither_sees_nor_guesses_personal_cells(table: Table) -> None:
    found = table(role="partner")
    assert len(found["rows"]) == 7
    for row in found["rows"]:
        assert row["cells"]["name"] is None and row["cells"]["born"] is None
    assert found["rows"][0]["cells"]["age"] == 9  # ordered by the first column that betrays nobody
    assert found["text"] is False
    name = found["columns"][0]
    assert (name["sortable"], name["filter"]) == (False, False)
    for probe in ({"sort": "name"}, {"sort": "-name"}, {"filters": {"name": "a"}}, {"text": "emil"}):
        assert table.refused(role="partner", **probe) == (422, "listing.not_offered")
        assert table.refused(path=PATH + "/export", role="partner", **probe)[0] == 422
    text = str(table.csv(role="partner"))
    assert "Emil" not in text and "1985" not in text and "41" in text


def test_csv_in_german_for_spreadsheets(table: Table) -> None:
    head, *rows = table.csv(sort="age")
    assert head == ["Name", "Alter", "Gesehen", "Geboren", "Erwachsen", "Zustand", "Anteil", "Raum"]
    by_name = {row[0]: row[1:] for row in rows}
    assert set(by_name) == {
        "Özdemir, Ayşe",
        "Strauß, Emil",
        "'=SUMME(1;2)",
        "-5",
        'Ach "Ja"; so',
        "Zahn\nArzt",
        "'@Ärger",
    }
    seen = "20.11.2026 08:00:00"
    assert by_name["Özdemir, Ayşe"] == ["41", seen, "01.03.1985", "ja", "wartet", "0,5", "Raum 1 (de)"]
    assert by_name["-5"] == ["", "", "", "nein", "erfolgreich", "3,5", "Raum 1 (de)"]
    assert [row[1] for row in rows] == ["9", "12", "33", "41", "50", "77", ""]


def test_csv_follows_language_filters_and_ignores_paging(table: Table) -> None:
    head, *rows = table.csv(lang="en", filters={"adult": "true"}, limit=1, cursor="2", sort="age")
    assert head[1] == "Age"
    assert [row[0] for row in rows] == ["'=SUMME(1;2)", "Özdemir, Ayşe", "Zahn\nArzt", 'Ach "Ja"; so']
    assert rows[0][2] == "2026-11-22 23:30:00" and rows[0][3] == "1993-07-09" and rows[0][6] == "2.5"


def test_a_file_that_could_not_hold_all_says_so(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "EXPORT_MOST", 7)
    assert len(table.csv()) == 1 + 7, "all of them fit"
    monkeypatch.setattr(listings, "EXPORT_MOST", 5)
    rows = table.csv()
    assert (
        len(rows) == 1 + 5 + 1
        and rows[-1][0].startswith("Hier endet die Datei")
        and "5 Zeilen" in rows[-1][0]
    )
    assert table.csv(lang="en")[-1][0].startswith("The file ends here")


def test_an_export_is_noted_as_evidence(table: Table) -> None:
    table()
    table.csv(filters={"adult": "true"})
    assert table.refused(path=PATH + "/export", sort="ghost")[0] == 422
    with table.house.store.read(system("test", "practice")) as tx:
        (noted,) = events.since(tx, 0)
    assert (noted.type, noted.actor, noted.codes) == (
        "listing.exported",
        "key:owner",
        {"listing": LISTING, "count": 4},
    )
    assert table.house.registry.events["listing.exported"].retention.value == "audit"


@pytest.mark.parametrize("cell", ["=1+1", "+49 30", "-1+2", "@x", "\tx", "\rx", "-", "+5"])
def test_cells_no_spreadsheet_may_calculate(cell: str) -> None:
    assert harmless(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["-5", "-5,25", "-0.5", "5", "a=b", "", " =x"])
def test_cells_that_stay(cell: str) -> None:
    assert harmless(cell) == cell


def test_operations_are_declared_and_described(table: Table) -> None:
    names = {route.name: route for route in table.house.registry.routes}
    assert names["listing.trialPeople"].permission == listing_sample.READ
    assert names["listing.trialPeopleExport"].permission == listing_sample.READ
    document = table.client.get("/openapi.json", headers={"Authorization": "Bearer owner"}).json()
    told = document["paths"][PATH]["post"]
    assert told["operationId"] == "listing.trialPeople" and "422" in told["responses"]


FAULTS = {
    "is not named after trial": {"name": "other.people"},
    "asks for unknown permission trial.ghost": {"permission": "trial.ghost"},
    "has no columns": {"columns": ()},
    "column age is declared twice": {"columns": (Column("age"), Column("age"))},
    "console.list.trial.people.colour is missing": {"columns": (Column("colour"),)},
    "console.word.run_state.odd is missing": {
        "columns": (Column("state", "choice", choices=("odd",), words="run_state"),)
    },
    "column state has choices or is none": {"columns": (Column("state", "choice"),)},
    "its period is no time": {"period": "age"},
    "cannot be sorted by -share": {"sort": "-share"},
    "is malformed": {"columns": (Column("full_name"),)},
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_wrong_listing_fails_at_start(words: str) -> None:
    change = {"sort": "", "period": "", **FAULTS[words]}
    wrong = replace(SERVICE, listings=(replace(TABLE, **change),), pages=())
    with pytest.raises(DeclarationError, match="listing") as caught:
        freeze((KERNEL, wrong))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (ConsolePage("Trial", listing_sample.READ, "day", 1), "is malformed"),
        (ConsolePage("trial-people", "trial.ghost", "day", 1), "unknown permission trial.ghost"),
        (ConsolePage("trial-people", listing_sample.READ, "night", 1), "unknown group night"),  # type: ignore[arg-type]
        (ConsolePage("trial-people", listing_sample.READ, "day", 1, listing="x.y"), "unknown listing x.y"),
        (ConsolePage("trial-ghost", listing_sample.READ, "day", 1), "console.page.trial-ghost"),
        (ConsolePage("overview", listing_sample.READ, "day", 1), "page overview is declared twice"),
    ],
)
def test_a_wrong_page_fails_at_start(page: ConsolePage, words: str) -> None:
    with pytest.raises(DeclarationError, match="page") as caught:
        freeze((KERNEL, replace(SERVICE, pages=(page,))))
    assert words in str(caught.value)
