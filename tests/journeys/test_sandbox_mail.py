"""`praxisd sandbox mail` as a program: real mails arrive, answers come back, nothing is lost when it is killed."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.clock import SystemClock
from praxisd.kernel.ids import new_id
from praxisd.kernel.mail import Mail
from praxisd.kernel.outside import Outside
from praxisd.services.messaging.channel import Accepted, Account, Lost, Outgoing, Refused, Reply, Report
from praxisd.services.messaging.channels.smtp import Smtp
from praxisd.testing.programs import END_S, PROGRAM, READY_S, environment


class Program:
    """The running sandbox, asked over HTTP."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer: JSON where it is, else text."""
        data = None if body is None else json.dumps(body).encode()
        known = {"content-type": "application/json", "accept": "application/json"} | headers
        request = urllib.request.Request(self.url + path, data, known, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read().decode()
        return json.loads(text) if "json" in answer.headers["content-type"] else text


@contextmanager
def sandbox(folder: Path, *more: str) -> Iterator[Program]:
    """The program on free ports until the end of the block."""
    line = [*PROGRAM, "sandbox", "mail", "--data", str(folder), "--port", "0", "--smtp-port", "0", *more]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        os.set_blocking(process.stdout.fileno(), True)
        began = time.monotonic()
        ready = process.stdout.readline()
        assert time.monotonic() - began < READY_S and ready.startswith("ready http://127.0.0.1:"), ready
        assert process.stderr.readline().startswith("smtp 127.0.0.1:")
        yield Program(process, ready.split()[1])
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=END_S)


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    one = Outside()
    yield one
    one.close()


def channel(outside: Outside, program: Program, **values: str) -> Smtp:
    status = program.ask("GET", "/status")
    known = {
        "server": status["host"], "port": str(status["port"]), "security": status["security"],
        "certificate": status["certificate"], "mailbox": "folder", "folder": status["mailbox"],
    }  # fmt: skip
    account = Account("smtp", "termine@praxis-am-see.example", {**known, **values})
    return Smtp(account, Mail(outside, SystemClock()), SystemClock())


def message(to: str = "anna@post.example") -> Outgoing:
    now = time.time()
    return Outgoing(new_id(), to, "Guten Tag\n\nIhr Termin", now + 25, int(now) + 3600, "Ihr Termin")


def test_mails_arrive_and_answers_come_back(outside: Outside, tmp_path: Path) -> None:
    with sandbox(tmp_path) as program:
        assert program.ask("GET", "/mails") == []
        one, sent = channel(outside, program), message()
        assert isinstance(one.send(sent), Accepted)
        [mail] = program.ask("GET", "/mails")
        assert {key: mail[key] for key in ("to", "from", "subject", "text", "messageId", "protected")} == {
            "to": sent.to,
            "from": "termine@praxis-am-see.example",
            "subject": "Ihr Termin",
            "text": sent.text,
            "messageId": f"{sent.id}@praxis-am-see.example",
            "protected": True,
        }
        assert isinstance(mail["id"], str) and mail["at"].endswith("+00:00")
        for kind in ("delayed", "away", "reply", "failed"):
            program.ask("POST", f"/mails/{mail['id']}/answer", {"kind": kind, "text": "ABSAGE"})
        found = list(one.reports([]))
        states = [("reply", r.text) if isinstance(r, Reply) else (r.state, r.code) for r in found]
        assert states == [("buffered", ""), ("reply", "ABSAGE"), ("failed", "messaging.address_rejected")]
        assert all(report.id == sent.id for report in found)
        assert "Subject: Ihr Termin" in program.ask("GET", f"/mails/{mail['id']}/raw")
        again = program.ask("GET", f"/mails/{mail['id']}")
        assert [answer["kind"] for answer in again["answers"]] == ["delayed", "away", "reply", "failed"]


def test_what_was_taken_is_still_there_after_a_kill(outside: Outside, tmp_path: Path) -> None:
    with sandbox(tmp_path) as program:
        sent = message()
        channel(outside, program).send(sent)
        [mail] = program.ask("GET", "/mails")
        program.ask("POST", f"/mails/{mail['id']}/answer", {"kind": "delivered"})
        program.process.kill()
        program.process.wait(5)
    with sandbox(tmp_path) as program:
        [kept] = program.ask("GET", "/mails")
        assert kept["messageId"].startswith(sent.id) and kept["answers"][0]["kind"] == "delivered"
        [report] = channel(outside, program).reports([])
        assert isinstance(report, Report) and report.state == "delivered"
        assert program.ask("DELETE", "/mails") == [] == program.ask("GET", "/mails")


def test_faults_on_demand_and_by_chance(outside: Outside, tmp_path: Path) -> None:
    with sandbox(tmp_path, "--user", "praxis", "--password", "geheim", "--seed", "4") as program:
        one = channel(outside, program, login="praxis", password="geheim")
        program.ask("POST", "/faults", {"next": ["drop_kept", "greylist", "", "no_sign_in", "no_tls"]})
        said = [one.send(message()) for _ in range(5)]
        codes = [getattr(answer, "code", "accepted") for answer in said]
        assert codes == [
            "messaging.answer_lost",
            "messaging.mail_later",
            "accepted",
            "messaging.mail_credentials",
            "messaging.mail_unprotected",
        ]
        assert len(program.ask("GET", "/mails")) == 2
        seen = []
        for _ in range(2):
            program.ask("POST", "/faults", {"rate": 0.5, "seed": 11, "kinds": ["greylist", "drop_lost"]})
            seen.append([type(one.send(message())) for _ in range(12)])
        assert seen[0] == seen[1] and {Accepted, Lost, Refused} == set(seen[0])
        program.ask("POST", "/faults", {"rate": 0})
        assert isinstance(one.send(message()), Accepted)
        for wrong in ({"rate": 2}, {"next": ["feuer"]}, {"kinds": "x"}, [1]):
            with pytest.raises(urllib.error.HTTPError) as caught:
                program.ask("POST", "/faults", wrong)
            assert caught.value.code in (400, 422)


def test_encrypted_from_the_start_and_a_mailbox_of_ones_own(outside: Outside, tmp_path: Path) -> None:
    box = tmp_path / "maildir"
    for one in ("new", "cur", "tmp"):
        (box / one).mkdir(parents=True)
    with sandbox(tmp_path / "data", "--tls", "--mailbox", str(box)) as program:
        sender = channel(outside, program)
        assert isinstance(sender.send(message()), Accepted)
        [mail] = program.ask("GET", "/mails")
        assert mail["protected"]
        program.ask("POST", f"/mails/{mail['id']}/answer", {"kind": "failed"})
        assert len(list((box / "new").iterdir())) == 1
        [report] = sender.reports([])
        report.keep()
        assert len(list((box / ".praxisd" / "cur").iterdir())) == 1


def test_its_pages(outside: Outside, tmp_path: Path) -> None:
    with sandbox(tmp_path) as program:
        page = {"accept": "text/html", "accept-language": "de-CH"}
        assert "Noch ist keine E-Mail angekommen." in program.ask("GET", "/", **page)
        evil = Outgoing(new_id(), "a@post.example", "<script>x</script>", time.time() + 25, 2**31, "<b>&")
        channel(outside, program).send(evil)
        [mail] = program.ask("GET", "/mails")
        for path in ("/", f"/mails/{mail['id']}"):
            german, english = program.ask("GET", path, **page), program.ask("GET", f"{path}?lang=en", **page)
            assert "Unzustellbar melden" in german and "Abwesenheitsnotiz" in german and "Antworten" in german
            assert "Report undeliverable" in english and '<html lang="en">' in english
            assert (
                "<script" not in german
                and "&lt;script&gt;x" in german
                and "http" not in german.split("<body>")[1]
            )
        form = {**page, "content-type": "application/x-www-form-urlencoded"}
        request = urllib.request.Request(
            f"{program.url}/mails/{mail['id']}/answer", b"kind=reply&text=Ja", form, method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.url.endswith(f"/mails/{mail['id']}") and "Ja</p>" in answer.read().decode()
        for body in ({"kind": "quatsch"}, {"kind": "reply", "text": " "}):
            with pytest.raises(urllib.error.HTTPError) as caught:
                program.ask("POST", f"/mails/{mail['id']}/answer", body)
            assert caught.value.code == 422
