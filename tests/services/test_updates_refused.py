"""What becomes of a download when the guard's own trust objects: only a spoilt file goes, and it can be fetched anew."""

from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.services.updates import downloading, operations, saving, store, watching

from .updates_cast import Desk, GuardOnPaper, Vendor, fetched

ACTOR = system("test")


@pytest.fixture
def owner(house: House) -> Desk:
    return Desk(house)


@pytest.fixture
def guard(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GuardOnPaper:
    """A guard whose outcomes the test writes; nobody watches but when the test says so."""
    monkeypatch.setattr(watching, "watch", lambda _house: None)
    monkeypatch.setattr(saving, "save", lambda *_args, **_more: None)
    return GuardOnPaper(house, tmp_path)


@pytest.fixture
def id_(house: House, tmp_path: Path, owner: Desk) -> str:
    """A downloaded version that waits."""
    Vendor(house, tmp_path).software("9.1")
    return fetched(owner, "praxisd")


def _refused(owner: Desk, guard: GuardOnPaper, id_: str, fault: str | None) -> Any:
    owner.ordered(id_)
    (wish,) = guard.orders()
    facts = {} if fault is None else {"fault": fault}
    guard.does(wish, "refused", code="guard.untrusted", detail=f"{fault} {{}}", **facts)
    element = owner.element("praxisd")
    return element["waiting"] or element["available"][0]


def _file(house: House, id_: str) -> Path | None:
    with house.store.read(ACTOR) as tx:
        row: Any = store.package(tx, id_)
    return None if row.path is None else Path(row.path)


def test_a_trouble_that_passes_spoils_nothing(
    house: House, owner: Desk, guard: GuardOnPaper, id_: str
) -> None:
    file = _file(house, id_)
    assert file is not None
    passing = (
        "clock_back", "frozen", "unreachable", "malformed", "mixed", "rollback", "root_expired", "endless"
    )  # fmt: skip
    for fault in passing:
        one = _refused(owner, guard, id_, f"updates.{fault}")
        told = (one["state"], one["installable"], one["fault"]["code"])
        assert told == ("waiting", True, f"updates.{fault}")
        assert _file(house, id_) == file and file.is_file()
    one = _refused(owner, guard, id_, None)  # an order that does not fit, or a guard of an earlier version
    assert (one["state"], one["fault"]["code"]) == ("waiting", "guard.untrusted")
    assert "{" not in one["fault"]["cause"].replace("{}", "")
    order = owner.ordered(id_)  # and it can still be installed
    guard.does(guard.orders()[0], "accepted", "kept")
    assert owner.ask("GET", f"/updates/orders/{order['id']}")[1]["packages"][0]["state"] == "installed"


@pytest.mark.parametrize("fault", ["tampered", "wrong_key", "threshold"])
def test_a_spoilt_file_goes_and_is_fetched_anew_when_a_person_asks(
    house: House, owner: Desk, guard: GuardOnPaper, id_: str, fault: str
) -> None:
    file = _file(house, id_)
    assert file is not None
    one = _refused(owner, guard, id_, f"updates.{fault}")
    told = (one["state"], one["installable"], one["fault"]["code"])
    assert told == ("refused", False, f"updates.{fault}")
    assert not file.exists()
    if fault != "tampered":  # that one is fetched anew by itself
        downloading.download(house, ACTOR)
        assert _file(house, id_) is None
    status, _ = owner.ask("POST", "/updates/check")
    assert status == 202
    downloading.download(house, ACTOR)  # the job it started
    assert owner.element("praxisd")["waiting"]["installable"] is True
    assert owner.element("praxisd")["waiting"]["fault"] is None
    assert file.is_file()


def test_the_command_fetches_it_anew_too(house: House, owner: Desk, guard: GuardOnPaper, id_: str) -> None:
    _refused(owner, guard, id_, "updates.wrong_key")
    assert operations.look(house, {})["fetched"] == 1
    assert owner.element("praxisd")["waiting"]["installable"] is True
