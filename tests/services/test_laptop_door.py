"""Loans and conflicts at the door: out, back, decided; who may, and what a file without its passphrase is told."""

from urllib.parse import quote

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_file, laptop_opening, laptop_sealing
from praxisd.testing.houses import Houses
from praxisd.testing.practice import key_for
from praxisd.web.app import build

from .laptop_cast import KEY, on, pack, the_home, work  # noqa: F401

OCTETS = {"Content-Type": "application/octet-stream"}
SECRET = "ein Kennwort mit Ümläuten"


@pytest.fixture(name="owner")
def the_owner(home):
    with TestClient(build(home.house, main.doors(home.house))) as client:
        client.headers = {"Authorization": f"Bearer {key_for(home.house, home.practice, 'owner', 'x')}"}
        yield client


def lend(home, owner, **more):
    body = {
        "patients": [home.anna],
        "label": "Heim",
        "until": "2026-12-01",
        "recipient": KEY.recipient,
    } | more
    return owner.post("/api/v1/exchange/loans", json=body)


def test_out_back_and_decided(home, owner, tmp_path, clock):
    got = lend(home, owner)
    assert got.status_code == 200 and got.headers["cache-control"] == "no-store"
    loan = got.headers["x-praxisd-loan"]
    listed = owner.get("/api/v1/exchange/loans", params={"patient": home.anna}).json()["loans"]
    assert [(one["id"], one["label"], one["until"]) for one in listed] == [
        (loan, "Heim", "2026-12-02T00:00:00+01:00")
    ]
    (tmp_path / "laptops").mkdir()
    laptops = Houses("sqlite", tmp_path / "laptops")
    first = laptops.open(clock=clock)
    content = laptop_file.read(laptop_sealing.open_with_keys(got.content, [KEY.identity]), "out")
    laptop_opening.fill(first, content, laptop_opening.Owner("arzt", "Arzt", "x"))
    first.stop()
    laptop = laptops.twin(first)
    work(laptop, lambda tx: directory.amend_patient(tx, home.anna, {"note": "weg"}, 1))
    home.do(lambda tx: directory.amend_patient(tx, home.anna, {"note": "hier"}, 1))
    file = laptop_opening.pack(laptop, on(laptop), passphrase=SECRET).file
    back = "/api/v1/exchange/loans/back"
    asked = owner.post(back, content=file, headers=OCTETS)
    assert (asked.status_code, asked.json()["code"]) == (422, "exchange.passphrase_missing")
    wrong = owner.post(back, content=file, headers=OCTETS | {"X-Praxisd-Passphrase": "falsch"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "exchange.passphrase_wrong")
    report = owner.post(back, content=file, headers=OCTETS | {"X-Praxisd-Passphrase": quote(SECRET)}).json()
    assert (report["loan"], report["number"], report["conflicts"], report["again"]) == (loan, 1, 1, False)
    one = owner.get("/api/v1/exchange/conflicts").json()["conflicts"][0]
    assert (one["ours"], one["theirs"], one["base"], one["field"]) == ("hier", "weg", None, "note")
    assert one["reason"] == "In der Praxis und auf dem Laptop verschieden geändert"
    where = f"/api/v1/exchange/conflicts/{one['id']}"
    bad = owner.post(where, json={"choice": "own"})
    assert (bad.status_code, bad.json()["code"]) == (422, "exchange.choice_invalid")
    done = owner.post(where, json={"choice": "own", "value": "beides"})
    assert done.status_code == 200 and done.json()["conflicts"] == []
    assert home.patient(home.anna).note == "beides"
    assert owner.post(f"/api/v1/exchange/loans/{loan}/revoke").json()["loans"][0]["state"] == "revoked"
    late = owner.post(back, content=pack(laptop), headers=OCTETS)
    assert (late.status_code, late.json()["code"]) == (409, "exchange.loan_revoked")
    laptops.close()


def test_what_is_asked_wrongly(home, owner):
    word = owner.post("/api/v1/exchange/loans/passphrase")
    assert word.headers["cache-control"] == "no-store" and len(word.json()["passphrase"]) == 24
    for more, code in (
        ({"recipient": None}, "exchange.passphrase_missing"),
        ({"recipient": None, "passphrase": "kurz"}, "exchange.passphrase_weak"),
        ({"until": "2031-01-01"}, "exchange.loan_days"),
        ({"patients": ["nobody"]}, "directory.patient_unknown"),
    ):
        got = lend(home, owner, **more)
        assert (got.status_code, got.json()["code"]) == (422, code)
    assert owner.get("/api/v1/exchange/loans").json() == {"loans": []}
    assert owner.post("/api/v1/exchange/conflicts/x", json={"choice": "ours"}).status_code == 404
    assert owner.post("/api/v1/exchange/loans/x/revoke").status_code == 404
    here = owner.post("/api/v1/exchange/laptop/pack", json={})
    assert (here.status_code, here.json()["code"]) == (409, "exchange.not_a_laptop")


def test_only_the_owner_lends_and_everybody_inside_sees_what_this_is(home, owner):
    for role in ("desk", "partner", "pvs", "portal"):
        key = {"Authorization": f"Bearer {key_for(home.house, home.practice, role, role)}"}
        assert owner.post("/api/v1/exchange/loans", json={}, headers=key).status_code == 403
        assert owner.get("/api/v1/exchange/conflicts", headers=key).status_code == 403
        seen = owner.get("/api/v1/exchange/laptop", headers=key).status_code
        assert seen == (403 if role == "portal" else 200)
