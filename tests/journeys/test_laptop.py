"""Two praxisd, as people use them: patients out on a laptop, work on both sides, back, decided, and once more for nothing."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from praxisd.testing.programs import Client, Done, Running, command, running

PASSWORD = "Der Hund bellt im Hof"
SEALED = "siebenundzwanzig Birnbaeume"
WEEK = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "24:00"}]


class Person:
    """Someone signed in at a browser: the session's cookie and the CSRF token go along."""

    def __init__(self, client: Client, login: str) -> None:
        self._client = client
        body = json.dumps({"login": login, "password": PASSWORD}).encode()
        status, headers, data = client.raw("POST", "/api/v1/session", body)
        assert status == 201, data
        cookie = str(headers["Set-Cookie"]).partition(";")[0]
        self._headers = {"Cookie": cookie, "X-Praxisd-Csrf": json.loads(data)["csrf"]}

    def __call__(self, method: str, path: str, status: int = 200, body: Any = None) -> Any:
        found, answer = self._client.call(method, f"/api/v1{path}", body, self._headers)
        assert found == status, answer
        return answer


def good(done: Done) -> Any:
    assert done.code == 0, done.err
    return done.json


def practice(folder: Path) -> None:
    """A practice and its owner, set up by commands."""
    good(command("practice", "create", "Praxis Dr. Muster", "--json", folder=folder))
    good(
        command(
            "users",
            "create",
            "eva",
            "--role",
            "owner",
            "--stdin",
            "--json",
            folder=folder,
            stdin=PASSWORD + "\n",
        )
    )


def column(owner: Person) -> str:
    """One column, open always, and one type of appointment; its id."""
    quick = {
        "columns": [{"name": "Dr. Muster", "practitioner": {"family": "Muster"}}],
        "hours": WEEK,
        "types": [{"name": "Kontrolle", "duration": 30}],
    }
    return str(owner("POST", "/setup/quick", 201, quick)["healthcareServices"][0])


def times(owner: Person, service: str) -> list[str]:
    """Free times from tomorrow on."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    query = {
        "service": service,
        "from": day.isoformat(),
        "to": (day + timedelta(days=7)).isoformat(),
        "limit": 100,
    }
    return [one["start"] for one in owner("GET", f"/slots?{urlencode(query)}")["slots"]]


def work(who: Person, server: Running, service: str) -> Any:
    """What both sides do: all of it by the same doors."""

    def book(start: str, patient: str) -> str:
        sent = {"service": service, "start": start, "patient": {"id": patient}}
        return str(who("POST", "/appointments", 201, sent)["id"])

    def take(patient: str, text: str) -> str:
        sent = {"patient": patient, "text": text, "dosage": "1-0-1"}
        return str(who("POST", "/medication/statements", 201, sent)["id"])

    del server
    return book, take


def test_out_on_both_sides_and_back(tmp_path: Path) -> None:
    home, laptop, out = tmp_path / "praxis", tmp_path / "laptop", tmp_path / "hausbesuche.age"
    practice(home)
    with running(home) as server:
        owner = Person(server.client(), "eva")
        service = column(owner)
        start = times(owner, service)
        book, take = work(owner, server, service)
        anna, ben, dora = (
            owner("POST", "/patients", 201, {"family": name, "given": "X", "birthDate": f"19{year}-01-02"})[
                "id"
            ]
            for name, year in (("Adler", 50), ("Berg", 60), ("Daheim", 70))
        )
        visit, pill = book(start[0], anna), take(anna, "Ibuprofen 400")
        made = good(
            command(
                "laptop", "out", "--patients", f"{anna},{ben}", "--to", str(out), "--label", "Hausbesuche",
                "--stdin", "--json", folder=home, stdin=SEALED + "\n",
            )
        )  # fmt: skip
        assert made["patients"] == 2 and out.stat().st_mode & 0o077 == 0
        assert b"Adler" not in out.read_bytes()
        loans = owner("GET", f"/exchange/loans?patient={anna}")["loans"]
        assert [(one["id"], one["state"]) for one in loans] == [(made["loan"], "out")]

        # --- on the laptop: a wrong passphrase leaves nothing behind
        wrong = command(
            "laptop",
            "open",
            str(out),
            "--user",
            "eva",
            "--stdin",
            "--json",
            folder=laptop,
            stdin="falsch\nfalsch\n",
        )
        assert wrong.code == 1 and wrong.json["problem"]["code"] == "exchange.passphrase_wrong"
        weak = command(
            "laptop", "open", str(out), "--user", "eva", "--stdin", folder=laptop, stdin=f"{SEALED}\nkurz\n"
        )
        assert weak.code == 1 and "accounts.weak_password" in weak.err
        assert not laptop.exists()
        opened = good(
            command(
                "laptop", "open", str(out), "--user", "eva", "--stdin", "--json", folder=laptop,
                stdin=f"{SEALED}\n{PASSWORD}\n",
            )
        )  # fmt: skip
        assert opened["patients"] == 2 and opened["loan"] == made["loan"]

        with running(laptop) as away:
            doctor = Person(away.client(), "eva")
            told = doctor("GET", "/exchange/laptop")
            assert (
                told["laptop"] and told["label"] == "Hausbesuche" and told["practice"] == "Praxis Dr. Muster"
            )
            found = doctor("POST", "/patients/search", 200, {})["patients"]
            assert {one["id"] for one in found} == {anna, ben}
            take_along, note_down = work(doctor, away, service)
            doctor("PATCH", f"/patients/{anna}", 200, {"family": "Adler-Weg", "prefix": "Dr."})
            doctor("PATCH", f"/medication/statements/{pill}", 200, {"dosage": "1-1-1"})
            doctor("PATCH", f"/appointments/{visit}", 200, {"note": "Aufzug defekt"})
            new_pill = note_down(ben, "ASS 100")
            clash, fits = take_along(start[3], ben), take_along(start[6], anna)

            # --- meanwhile in the practice
            owner("PATCH", f"/patients/{anna}", 200, {"family": "Adler-Home", "note": "Klingel links"})
            book(start[3], dora)

            packed = good(
                command("laptop", "pack", "--to", str(tmp_path / "back.age"), "--json", folder=laptop)
            )
            assert packed["number"] == 1 and packed["records"] == 6
        report = good(command("laptop", "back", str(tmp_path / "back.age"), "--json", folder=home))
        assert (report["changed"], report["added"], report["proposed"], report["conflicts"]) == (3, 3, 1, 1)

        # --- side by side, and a person decides
        waiting = owner("GET", "/exchange/conflicts")["conflicts"]
        assert [(x["path"], x["base"], x["ours"], x["theirs"]) for x in waiting] == [
            ("family", "Adler", "Adler-Home", "Adler-Weg")
        ]
        assert waiting[0]["patientName"] == "Dr. X Adler-Home"
        assert (
            owner("POST", f"/exchange/conflicts/{waiting[0]['id']}", 200, {"choice": "theirs"})["conflicts"]
            == []
        )
        now = owner("GET", f"/patients/{anna}")
        assert (now["family"], now["prefix"], now["note"]) == ("Adler-Weg", "Dr.", "Klingel links")
        pills = {
            one["id"]: one["dosage"]
            for who in (anna, ben)
            for one in owner("POST", "/medication/statements/search", 200, {"patient": who})["statements"]
        }
        assert pills == {pill: "1-1-1", new_pill: "1-0-1"}
        assert owner("GET", f"/appointments/{visit}")["note"] == "Aufzug defekt"
        assert owner("GET", f"/appointments/{fits}")["status"] == "booked"
        assert owner("GET", f"/appointments/{clash}")["status"] == "proposed"

        # --- the same file once more
        before = [owner("GET", f"/patients/{one}")["version"] for one in (anna, ben)]
        assert (
            good(command("laptop", "back", str(tmp_path / "back.age"), "--json", folder=home))["again"]
            is True
        )
        assert [owner("GET", f"/patients/{one}")["version"] for one in (anna, ben)] == before

        # --- lost
        assert (
            good(command("laptop", "revoke", made["loan"], "--json", folder=home))["loans"][0]["state"]
            == "revoked"
        )
        good(command("laptop", "pack", "--last", "--to", str(tmp_path / "late.age"), "--json", folder=laptop))
        late = command("laptop", "back", str(tmp_path / "late.age"), "--json", folder=home)
        assert late.code == 1 and late.json["problem"]["code"] == "exchange.loan_revoked"
    assert good(command("laptop", "status", "--json", folder=laptop))["over"] is True


def test_by_commands_alone_with_a_key_and_no_server(tmp_path: Path) -> None:
    home, laptop, out, key = tmp_path / "praxis", tmp_path / "laptop", tmp_path / "a.age", tmp_path / "key"
    practice(home)
    bundle = tmp_path / "b.json"
    person = {"resourceType": "Patient", "id": "anna", "name": [{"family": "Adler", "given": ["Anna"]}]}
    entry = [{"resource": person, "request": {"method": "PUT", "url": "Patient/anna"}}]
    bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry}))
    assert command("import", str(bundle), folder=home).code == 0

    made = command("laptop", "key", "--to", str(key))
    assert made.code == 0 and made.out.startswith("age1") and key.stat().st_mode & 0o077 == 0
    assert command("laptop", "key", "--to", str(key)).code != 0  # never over another one
    lent = command(
        "laptop", "out", "--patients", "anna", "--to", str(out), "--recipient", made.out.strip(), folder=home
    )
    assert lent.code == 0 and "Patienten: 1" in lent.err
    assert command("laptop", "open", str(out), "--user", "eva", folder=laptop).code == 1  # without its key
    opened = command(
        "laptop",
        "open",
        str(out),
        "--user",
        "eva",
        "--key",
        str(key),
        "--stdin",
        folder=laptop,
        stdin=PASSWORD + "\n",
    )
    assert opened.code == 0 and "Praxis Dr. Muster" in opened.out
    again = command(
        "laptop",
        "open",
        str(out),
        "--user",
        "eva",
        "--key",
        str(key),
        "--stdin",
        folder=laptop,
        stdin=PASSWORD + "\n",
    )
    assert again.code == 1 and "exchange.folder_used" in again.err
    assert "Laptop" in command("laptop", "status", folder=laptop).out

    for folder, name in ((home, "Adler-Home"), (laptop, "Adler-Weg")):
        with running(folder) as server:
            Person(server.client(), "eva")("PATCH", "/patients/anna", 200, {"family": name})
    file = tmp_path / "back.age"
    packed = command(
        "laptop", "pack", "--to", str(file), "--passphrase", "--stdin", folder=laptop, stdin=SEALED + "\n"
    )
    assert packed.code == 0 and str(file) in packed.out
    assert command("laptop", "back", str(file), "--stdin", folder=home, stdin="falsch\n").code == 1
    back = command("laptop", "back", str(file), "--stdin", folder=home, stdin=SEALED + "\n")
    assert back.code == 0 and "praxisd laptop conflicts" in back.out
    shown = command("laptop", "conflicts", folder=home)
    assert all(word in shown.out for word in ("Nachname", "Adler-Home", "Adler-Weg"))
    waiting = good(command("laptop", "conflicts", "--json", folder=home))["conflicts"][0]["id"]
    assert command("laptop", "decide", waiting, "own", "--value", '"Adler-Beide"', folder=home).code == 0
    assert command("laptop", "decide", waiting, "ours", folder=home).code == 1
    assert "Laptop" in command("laptop", "list", folder=home).out
    found = tmp_path / "anna.zip"
    assert command("export", "patient", "anna", "--to", str(found), folder=home).code == 0
    with zipfile.ZipFile(found) as archive:
        assert "Auskunft.pdf" in archive.namelist() and b"Adler-Beide" in archive.read("fhir.json")
