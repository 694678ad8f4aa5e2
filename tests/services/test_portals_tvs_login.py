"""116117: logging in with a card, and what each way of failing is called."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from praxisd.kernel.errors import Problem
from praxisd.kernel.http import HttpAnswer
from praxisd.sandbox.door import Answer, Call, Door
from praxisd.services.portals import portal
from praxisd.services.portals.portal import CODES, Account
from praxisd.services.portals.portals import forms, open_portal, tvs_form
from praxisd.services.portals.portals.tvs_tickets import CardTickets, SandboxCard

from .http_cast import closed_port
from .tvs_cast import CALENDAR, CARD, HOUR, Kept, Stage, busy, stage


@pytest.fixture
def tvs(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as one:
        yield one


def failing(work: Any) -> Problem:
    """The Problem that `work` raises."""
    with pytest.raises(Problem) as caught:
        work()
    assert caught.value.code in CODES
    return caught.value


def test_a_token_lasts_until_it_ends(tvs: Stage) -> None:
    one = tvs.open()
    one.names()
    one.names()
    assert len(tvs.tvs.tokens) == 1
    tvs.clock.advance(HOUR)
    one.names()
    assert len(tvs.tvs.tokens) == 2
    assert [each["status"] for each in tvs.tvs.requests] == [200] * 6


def test_a_token_that_ends_early_means_one_new_login(tvs: Stage) -> None:
    one = tvs.open()
    one.names()
    tvs.tvs.tokens.clear()
    assert one.names() == (CALENDAR,)
    assert [each["status"] for each in tvs.tvs.requests] == [200, 200, 401, 200, 200]
    assert len(tvs.tvs.tokens) == 1


def test_a_second_401_is_a_refused_key(tvs: Stage) -> None:
    class Useless:
        """Tokens that nobody wants."""

        asked = 0

        def token(self) -> str:
            """See `Tickets`."""
            self.asked += 1
            return "x"

        def discard(self, token: str) -> None:
            """See `Tickets`."""

    tickets = Useless()
    problem = failing(tvs.open(tickets=tickets).names)
    assert (problem.code, problem.retry) == (portal.KEY_REFUSED, False)
    assert tickets.asked == 2 and len(tvs.tvs.requests) == 2


def test_the_wrong_card_is_a_refused_key(tvs: Stage) -> None:
    one = tvs.open(card="falsch")
    problem = failing(one.names)
    assert (problem.code, problem.retry) == (portal.KEY_REFUSED, False)
    assert failing(lambda: one.fetch(None)).code == portal.KEY_REFUSED
    assert len(tvs.tvs.requests) == 0
    tvs.open().fetch(None)
    assert len(tvs.asked("Slot")) > 0, "a poll that never reached the service does not count"


def test_without_a_login_the_key_is_the_token(tvs: Stage) -> None:
    tvs.tvs.tokens["fest"] = float(tvs.clock.now() + 9 * HOUR)
    assert tvs.open(login="", card="fest").names() == (CALENDAR,)
    assert failing(tvs.open(login="", card="anders").names).code == portal.KEY_REFUSED


def test_the_card_signs_the_challenge_alone() -> None:
    head, body, mark = SandboxCard("k").sign("a.b.c").split(".")
    assert json.loads(base64.urlsafe_b64decode(body + "==")) == {"njwt": "a.b.c"}
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "HS256"
    assert mark != SandboxCard("l").sign("a.b.c").split(".")[2]


def test_an_unsigned_document_cannot_send_the_card_elsewhere(tvs: Stage) -> None:
    asked: list[str] = []

    def ask(method: str, url: str, **_: Any) -> HttpAnswer:
        asked.append(url)
        told = {"authorization_endpoint": "https://evil.example/a", "token_endpoint": "https://idp.example/t"}
        return HttpAnswer(200, {}, json.dumps(told).encode())

    tickets = CardTickets("https://idp.example", SandboxCard("k"), ask, tvs.clock)
    assert failing(tickets.token).code == portal.ADDRESS_WRONG
    assert len(asked) == 1


def test_a_challenge_is_good_for_180_seconds_and_once(tvs: Stage) -> None:
    answers: list[HttpAnswer] = []
    ask = tvs_ask(tvs)
    where = f"{tvs.door.url}/tvs/login/authorize"
    query = (
        "?client_id=116117TerminserviceApp&redirect_uri=https://localhost/&state=s&code_challenge=c"
        "&code_challenge_method=S256&scope=terminsynchronisation"
    )
    for wait in (180, 181):
        challenge = json.loads(ask("GET", where + query).body)["challenge"]
        tvs.clock.advance(wait)
        body = f"signed_challenge={SandboxCard(CARD).sign(challenge)}".encode()
        answers += [ask("POST", where, body=body), ask("POST", where, body=body)]
    assert [one.status for one in answers] == [302, 400, 400, 400]
    wrong_scope = query.replace("terminsynchronisation", "Terminsync")
    assert ask("GET", where + wrong_scope).status == 400


def tvs_ask(tvs: Stage) -> Any:
    """Plain requests."""
    return lambda method, url, **more: tvs.http.request(method, url, **more)


STATUSES = [
    (400, "invalid", portal.REFUSED, False),
    (403, "forbidden", portal.KEY_REFUSED, False),
    (404, "not-found", portal.ADDRESS_WRONG, False),
    (405, "not-supported", portal.ADDRESS_WRONG, False),
    (409, "conflict", portal.REFUSED, False),
    (422, "expired", portal.KEY_REFUSED, False),
    (400, "throttled", portal.TOO_OFTEN, True),
    (429, "throttled", portal.TOO_OFTEN, True),
    (400, "transient", portal.FAILING, True),
    (500, "exception", portal.FAILING, True),
    (302, "", portal.ADDRESS_WRONG, False),
    (200, "invalid", portal.ANSWER_UNREADABLE, True),
    (200, "html", portal.ANSWER_UNREADABLE, True),
]


@pytest.mark.parametrize(("status", "issue", "code", "retry"), STATUSES)
def test_each_answer_has_its_name(tvs: Stage, status: int, issue: str, code: str, retry: bool) -> None:
    outcome = (
        f'<OperationOutcome xmlns="http://hl7.org/fhir"><issue><severity value="fatal"/><code value="{issue}"/><details>'
        '<coding><system value="s"/><code value="TVS-4711"/><display value="Frau Kanarienvogel"/></coding>'
        '<text value="geheim"/></details></issue></OperationOutcome>'
    )
    body = b"<html>Wartung</html>" if issue == "html" else outcome.encode() if issue else b""

    def answer(call: Call) -> Answer:
        return Answer(status, body, "application/fhir+xml", {"Location": "https://evil.example/"})

    door = Door("127.0.0.1", 0, [("POST", "/{kind}/_search", answer)])
    problem = failing(tvs.open(address=door.url, login="", card="geheim").names)
    door.close()
    assert (problem.code, problem.retry) == (code, retry)
    told = f"{problem!r}{problem.params}{problem.detail}"
    assert "Kanarienvogel" not in told and "geheim" not in told and door.url not in told
    if 400 <= status < 429:
        assert problem.detail == "TVS-4711"


def test_ways_that_lead_nowhere_have_their_names(tvs: Stage) -> None:
    nobody = f"http://127.0.0.1:{closed_port()}"
    for fields in ({"address": nobody, "login": ""}, {"login": nobody}):
        problem = failing(tvs.open(**fields).names)
        assert (problem.code, problem.retry) == (portal.UNREACHABLE, True)
    problem = failing(tvs.open(address="http://gibt-es-nicht.invalid/", login="").names)
    assert problem.code == portal.UNKNOWN_HOST


def test_a_lost_poll_counts_as_one(tvs: Stage) -> None:
    mark = tvs.open().fetch(None).mark
    tvs.clock.advance(HOUR)
    calls: list[str] = []

    def answer(call: Call) -> Answer:
        calls.append(call.target)
        return Answer(drop=True)

    door = Door("127.0.0.1", 0, [("POST", "/{kind}/_search", answer)])
    lost = tvs.open(address=door.url, login="")
    assert failing(lambda: lost.fetch(mark)).code == portal.ANSWER_LOST
    assert lost.fetch(mark).bookings == () and calls == ["/Provenance/_search"]
    door.close()
    tvs.clock.advance(HOUR)
    tvs.open().fetch(mark)
    assert len(tvs.asked("Provenance")) == 1


def test_the_simulator_refuses_changes_asked_too_often(tvs: Stage) -> None:
    mark = tvs.open().fetch(None).mark
    tvs.clock.advance(HOUR)
    tvs.open().fetch(mark)
    forgetful = tvs.open(Kept())
    assert failing(lambda: forgetful.fetch(mark)).code == portal.TOO_OFTEN
    assert [each["status"] for each in tvs.asked("Provenance")] == [200, 429]


def test_all_cycles_of_a_house_share_one_login(tvs: Stage, house: Any) -> None:
    own = SimpleNamespace(
        shared={}, clock=tvs.clock, store=house.store, settings=house.settings, closers=[], lent=None
    )
    for memory in (Kept(), Kept()):
        account = Account("a", tvs.values, "Europe/Berlin")
        assert open_portal(own, "tvs116117", account, memory).names() == (CALENDAR,)  # type: ignore[arg-type]
    assert len(tvs.tvs.tokens) == 1
    wrong = Account("a", tvs.values | {"card": "falsch"}, "Europe/Berlin")
    assert failing(open_portal(own, "tvs116117", wrong, Kept()).names).code == portal.KEY_REFUSED  # type: ignore[arg-type]
    for close in reversed(own.closers):
        close()


def test_the_form_says_what_it_needs() -> None:
    form = forms()["tvs116117"]
    form.check({"card": "x"})
    for fields in (
        {},
        {"card": "x", "weeks": "0"},
        {"card": "x", "kind": "Brief"},
        {"card": "x", "address": "x"},
    ):
        with pytest.raises(Problem):
            form.check(fields)
    assert form.abilities.offers and form.abilities.bookings and not form.abilities.answers
    assert form is tvs_form.FORM


def test_the_simulator_survives_its_end(tvs: Stage, tmp_path: Path) -> None:
    from praxisd.sandbox import portal_tvs

    slot = tvs.slot(24)
    made = tvs.tvs.book(slot, {"family": "A", "given": "B"})
    tvs.open().upload(CALENDAR, tvs.open().period(CALENDAR), busy((30, 31)), tvs.before)
    again = portal_tvs.mount(tmp_path, CARD)
    assert again.slots == tvs.tvs.slots and again.bookings == tvs.tvs.bookings
    assert again.profiles == tvs.tvs.profiles and again.changes == tvs.tvs.changes
    assert again.slots[slot].booking == made.id
    again.close()
