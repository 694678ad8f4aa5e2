"""The daily mail about the medium: an hour before the plan's time, once, by name, and said where it could not be sent."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.services.backups.plans import media, reminding
from praxisd.services.messaging import api as messaging
from praxisd.testing.houses import Houses

from .backup_desk_cast import Desk, desk, plan

SENT: list[tuple[str, str, str]] = []


@pytest.fixture
def scene(sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    SENT.clear()

    def send(_house: Any, _practice: str, to: str, subject: str, text: str, **_more: Any) -> Any:
        SENT.append((to, subject, text))
        return messaging.Accepted("1")

    monkeypatch.setattr(messaging, "send_mail", send)
    monkeypatch.setattr(messaging, "can_mail", lambda _house, _practice: True)
    with desk(sqlite_houses.open(), tmp_path) as found:
        plan(found.door)
        found.set_up(found.drives(), "mon_away", "tue_away", "wed_away", "thu_away", "fri_away")
        yield found


class Ran:
    """What a job gets to see of its run."""

    def __init__(self, scene: Desk) -> None:
        self.house = scene.house
        self.counts: dict[str, int] = {}

    def checkpoint(self, **counts: int) -> None:
        self.counts = counts


def remind(scene: Desk, at: str) -> dict[str, int]:
    scene.at(at)
    run = Ran(scene)
    reminding.remind(run)  # type: ignore[arg-type]
    return run.counts


def wanted(scene: Desk, to: str) -> None:
    with scene.house.store.write(system("test", INSTALLATION)) as tx:
        scene.house.settings.put(tx, reminding.MAIL_TO, to)


def test_it_goes_out_once_a_day_an_hour_before_and_names_the_medium(scene: Desk) -> None:
    assert remind(scene, "2026-11-23 17:30") == {} and not SENT
    wanted(scene, "empfang@praxis.example, chef@praxis.example")
    assert remind(scene, "2026-11-23 16:50") == {} and not SENT
    assert remind(scene, "2026-11-23 17:00") == {"sent": 2, "failed": 0}
    (to, subject, text), other = SENT
    assert (to, other[0]) == ("empfang@praxis.example", "chef@praxis.example")
    assert subject == "Datensicherung: Bitte legen Sie „Mo extern“ ein"
    assert "Praxis am Test" in text and "- Bitte legen Sie das Medium „Mo extern“ ein." in text
    assert remind(scene, "2026-11-23 17:10") == {} and len(SENT) == 2
    with scene.house.store.read(system("test", INSTALLATION)) as tx:
        monday = media.media(tx)[0].medium.id
    scene.written(monday, date(2026, 11, 23), "evening", "mon_away")
    assert remind(scene, "2026-11-24 17:05") == {"sent": 2, "failed": 0}
    assert "„Di extern“" in SENT[2][2] and "nehmen Sie „Mo extern“" in SENT[2][2]


def test_none_goes_out_on_a_day_without_a_medium(scene: Desk) -> None:
    wanted(scene, "empfang@praxis.example")
    assert remind(scene, "2026-11-28 17:30") == {} and not SENT
    assert remind(scene, "2026-12-25 17:30") == {} and not SENT


def test_one_that_could_not_be_sent_is_said_until_one_could(
    scene: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted(scene, "empfang@praxis.example")
    monkeypatch.setattr(messaging, "can_mail", lambda _house, _practice: False)
    assert remind(scene, "2026-11-23 17:00") == {"sent": 0, "failed": 1}
    assert scene.open_issues()["backups.reminder_unsent"] == "warning"

    def refuse(*_args: Any, **_more: Any) -> Any:
        raise Problem("messaging.account_missing", 409)

    monkeypatch.setattr(messaging, "can_mail", lambda _house, _practice: True)
    monkeypatch.setattr(messaging, "send_mail", refuse)
    assert remind(scene, "2026-11-24 17:00") == {"sent": 0, "failed": 1}
    monkeypatch.setattr(messaging, "send_mail", lambda *_args, **_more: messaging.Accepted("1"))
    assert remind(scene, "2026-11-25 17:00") == {"sent": 1, "failed": 0}
    assert "backups.reminder_unsent" not in scene.open_issues()


def test_only_addresses_are_taken(scene: Desk) -> None:
    for bad in ("empfang", "a@b.example," * 4, "a@b.example, nobody"):
        with pytest.raises(Problem) as caught:
            wanted(scene, bad)
        assert caught.value.code == "settings.invalid"
    wanted(scene, "")
