"""What the signed form says of media: where each is for all that is known, and that damage is known of one."""

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from pypdf import PdfReader

from praxisd.model.backup import Figures
from praxisd.model.backup_kept import SnapshotKept
from praxisd.services.backups import store
from praxisd.services.backups.protocol import form_sheet
from praxisd.testing.houses import Houses

from .backup_desk_cast import DAYS, SYSTEM, Desk, desk, plan, ready

MONDAY = date(2026, 11, 23)
TAKEN_OUT = "herausgenommen, Verbleib nicht bestätigt"


@pytest.fixture
def small(sqlite_houses: Houses, tmp_path: Path) -> Iterator[Desk]:
    with desk(sqlite_houses.open(), tmp_path) as found:
        yield found


def printed(scene: Desk) -> str:
    """The form as text, blanks and line ends as one."""
    pages = PdfReader(BytesIO(form_sheet.paper(scene.house, SYSTEM, "de").pdf())).pages
    return " ".join(" ".join(one.extract_text() for one in pages).split())


def places(scene: Desk) -> dict[str, str | None]:
    return {one["slot"]: one["place"] for one in scene.door("GET", "/backups/media")["media"]}


def test_one_drive_shows_one_medium(small: Desk) -> None:
    plan(small.door)
    drive = small.drives()
    slots = [f"{day}_away" for day in DAYS]
    for slot in slots:  # pushed in one after another by hand, and nothing looks meanwhile
        small.insert(slot)
        small.door("POST", "/backups/media", status=201, json={"drive": drive, "slot": slot})
    assert places(small) == {**dict.fromkeys(slots[:-1]), slots[-1]: "drive"}
    text = printed(small)
    assert text.count(TAKEN_OUT) == len(DAYS) - 1 and text.count("im Laufwerk") == 1


def test_a_drive_that_is_off_the_list_shows_nothing(small: Desk) -> None:
    plan(small.door)
    drive = small.drives()
    small.set_up(drive, "mon_away")
    assert places(small) == {"mon_away": "drive"}
    small.door("DELETE", f"/backups/drives/{drive}", status=204)
    assert places(small) == {"mon_away": None} and TAKEN_OUT in printed(small)
    small.open_issues()
    with small.house.store.read(SYSTEM) as tx:
        assert [one.drive for one in store.MEDIUM.all(tx)] == [""]


def test_known_damage_stands_on_the_form(small: Desk) -> None:
    ids = ready(small)
    small.at("2026-11-23 18:30")
    small.written(ids["fri_away"], MONDAY, "evening", "fri_away")
    now = small.house.clock.now()
    kept = SnapshotKept(
        "s1", ids["fri_away"], "e1", 1, now, "r1", MONDAY, Figures(1, 1, 1, 1), (1,), True,
        verified="all", verified_at=now,
    )  # fmt: skip

    def put(one: SnapshotKept) -> None:
        with small.house.store.write(SYSTEM) as tx:
            store.SNAPSHOT.put(tx, one.id, one, at=one.at, medium=one.medium)

    put(kept)
    whole = printed(small)
    assert "Testlauf wurde erfolgreich durchgeführt" in whole and "Beschädigt:" not in whole
    assert whole.count("23.11.2026, 18:30") > 1
    put(msgspec.structs.replace(kept, good=False, verified="none", doubted=True))
    text = printed(small)
    assert "zuletzt gut am" in whole and "zuletzt gut am" not in text, "no success is signed any more"
    assert "Beschädigt: Fr extern." in text
    small.door("POST", f"/backups/media/{ids['fri_away']}/retire")
    assert "Beschädigt:" not in printed(small)
