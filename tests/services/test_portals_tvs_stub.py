"""116117 against a stub that says exactly what `tvs-116117-facts.md` ("Check with a stub") asks; its XML is written by hand.

The stub answers 405 to any GET, pages with a `next` link whose GET is 405, gives 201, 409, 201, 400, 201 to a batch of
five with the ids echoed, refuses one token, has a slot that nobody knows, and takes nothing but XML.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.http import Http
from praxisd.kernel.outside import Outside
from praxisd.model.scheduling import Busy
from praxisd.sandbox.door import Answer, Call, Door
from praxisd.services.portals.portal import REFUSED, Account, Unknown
from praxisd.services.portals.portals import tvs_form
from praxisd.services.portals.portals.talking import Talk
from praxisd.services.portals.portals.tvs116117 import Tvs116117

from .tvs_cast import DAY, HOUR, NOW, Kept

NAME = "Akutsprechstunde"
STATUSES = ("201 Created", "409 Conflict", "201 Created", "400 Bad Request", "201 Created")
STRANGE = "fremd-1"


def at(hours: float) -> str:
    """An instant so many hours after NOW."""
    return datetime.fromtimestamp(NOW + hours * HOUR, UTC).isoformat()


def slot(id_: str, hours: float, status: str = "free", version: int = 1) -> str:
    """A slot as XML."""
    return (
        f'<Slot><id value="{id_}"/><meta><versionId value="{version}"/></meta><schedule><reference value="Schedule/s1"/>'
        f'</schedule><status value="{status}"/><start value="{at(hours)}"/><end value="{at(hours + 0.5)}"/></Slot>'
    )


def appointment(id_: str, family: str, hours: float) -> str:
    """A booking as XML, with its patient inside."""
    return (
        f'<Appointment><id value="{id_}"/><contained><Patient><id value="p"/><name><family value="{family}"/>'
        f'<given value="Eva"/></name></Patient></contained><status value="booked"/><start value="{at(hours)}"/>'
        f'<end value="{at(hours + 0.5)}"/><slot><reference value="Slot/{STRANGE}-b"/></slot><participant><actor>'
        f'<reference value="#p"/></actor><status value="accepted"/></participant></Appointment>'
    )


def provenance(id_: str, target: str, hours: float) -> str:
    """A change as XML."""
    return (
        f'<Provenance><id value="{id_}"/><target><reference value="Appointment/{target}"/></target>'
        f'<recorded value="{at(hours)}"/><activity><coding><code value="UPDATE"/></coding></activity>'
        f'<agent><who><display value="116117"/></who></agent></Provenance>'
    )


class Stub:
    """Keeps every request; `pages` are the resources of each search, page by page."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.refuse_token = 0
        self.tokens: list[str] = []
        self.schedule_version = 1
        self.pages: dict[str, list[list[str]]] = {}
        self.batches: list[list[tuple[str, str]]] = []
        self.door = Door("127.0.0.1", 0, [])
        for path in ("/api/{kind}/_search", "/api/Slot/batch", "/api/Slot/{id}/$slotstatus_aktualisieren"):
            self.door.add("GET", path, self.not_allowed)
        self.door.add("GET", "/api/{kind}", self.not_allowed)
        self.door.add("POST", "/api/{kind}/_search", self.search)
        self.door.add("POST", "/api/Slot/batch", self.batch)

    def not_allowed(self, call: Call) -> Answer:
        """(a) and the second half of (b)."""
        self.calls.append(call)
        return Answer(405)

    def known(self, call: Call) -> Answer | None:
        """What keeps a request out: JSON (415), the token (401, once)."""
        self.calls.append(call)
        if "xml" not in call.headers.get("content-type", "") or "xml" not in call.headers.get("accept", ""):
            return Answer(415)
        self.tokens.append(call.bearer)
        if self.refuse_token:
            self.refuse_token -= 1
            return Answer(401)
        return None

    def search(self, call: Call) -> Answer:
        """(b) and (e): page by page, by parameters in the body."""
        kept_out = self.known(call)
        if kept_out is not None:
            return kept_out
        kind = call.path["kind"]
        first = f'<Schedule><id value="s1"/><meta><versionId value="{self.schedule_version}"/></meta>'
        schedule = f'{first}<active value="true"/><actor><display value="Dr. B"/></actor><comment value="{NAME}"/></Schedule>'
        pages = {"Schedule": [[schedule]], **self.pages}.get(kind, [[]])
        found = re.search(rb'<name value="page"/><valueString value="(\d)"/>', call.body)
        number = int(found[1]) if found else 0
        link = ""
        if number + 1 < len(pages):
            url = f"{self.door.url}/api/{kind}/_search?page={number + 1}&amp;x=1"
            link = f'<link><relation value="next"/><url value="{url}"/></link>'
        entries = "".join(f"<entry><resource>{one}</resource></entry>" for one in pages[number])
        return self.xml(
            f'<Bundle xmlns="http://hl7.org/fhir"><type value="searchset"/>{link}{entries}</Bundle>'
        )

    def batch(self, call: Call) -> Answer:
        """(c): in order, ids echoed; one more batch is all well."""
        kept_out = self.known(call)
        if kept_out is not None:
            return kept_out
        text = call.body.decode()
        ids = re.findall(r'<entry id="([^"]+)"', text)
        self.batches.append(list(zip(ids, re.findall(r'<start value="([^"]+)"', text), strict=False)))
        statuses = STATUSES if len(ids) == 5 else ("201 Created",) * len(ids)
        entries = "".join(
            f'<entry id="{id_}"><response><status value="{status}"/></response></entry>'
            for id_, status in zip(ids, statuses, strict=True)
        )
        return self.xml(
            f'<Bundle xmlns="http://hl7.org/fhir"><type value="batch-response"/>{entries}</Bundle>'
        )

    @staticmethod
    def xml(text: str) -> Answer:
        """A body of FHIR."""
        return Answer(200, text.encode(), "application/fhir+xml; charset=UTF-8")

    def asked(self, word: str) -> list[Call]:
        """The requests to addresses with this in them."""
        return [one for one in self.calls if word in one.target]


class Counted:
    """Tickets that are numbered."""

    def __init__(self) -> None:
        self.logins = 0
        self.held = ""

    def token(self) -> str:
        """See `Tickets`."""
        if not self.held:
            self.logins += 1
            self.held = f"token-{self.logins}"
        return self.held

    def discard(self, token: str) -> None:
        """See `Tickets`."""
        if token == self.held:
            self.held = ""


class Case:
    """The stub, the product's client, and a clock."""

    def __init__(self, loop: Outside) -> None:
        self.stub = Stub()
        self.clock = FrozenClock(NOW)
        self.tickets = Counted()
        self.memory = Kept()
        self.http = Http(self.clock, loop)

    def client(self) -> Tvs116117:
        """A client that has just been started: all it has is the memory."""
        account = Account("a", {"address": f"{self.stub.door.url}/api", "card": "x"}, "Europe/Berlin")
        talk = Talk(self.http, self.clock)
        return tvs_form.opened(account, self.memory, talk, self.clock, self.tickets)


@pytest.fixture
def case() -> Iterator[Case]:
    loop = Outside()
    one = Case(loop)
    yield one
    no_get = [call.target for call in one.stub.calls if call.method != "POST"]
    assert no_get == []
    for call in one.stub.calls:
        assert call.headers["content-type"].startswith("application/xml"), call.target
        assert call.body.startswith(b"<?xml"), call.target
        assert "xml" in call.headers["accept"] and "json" not in call.headers["accept"], call.target
    one.http.close()
    one.stub.door.close()
    loop.close()


def test_all_pages_are_read_and_none_by_get(case: Case) -> None:
    case.stub.pages["Slot"] = [
        [slot("a", 24), slot("b", 25)],
        [slot("c", 26)],
        [slot("d", 27), slot("e", 28)],
    ]
    case.stub.pages["Appointment"] = [[appointment("t1", "Eins", 30)], [appointment("t2", "Zwei", 31)]]
    got = case.client().fetch(None)
    assert [one.id for one in got.unknown] == ["a", "b", "c", "d", "e"]
    assert [(one.id, one.told.family) for one in got.bookings] == [("t1", "Eins"), ("t2", "Zwei")]
    assert all(call.target.endswith("/_search") for call in case.stub.calls), (
        "paging parameters go into the body"
    )
    assert [b"page" in call.body for call in case.stub.asked("/api/Slot/_search")] == [False, True, True]
    kinds = [call.path["kind"] for call in case.stub.calls]
    assert {"PractitionerRole", "Schedule", "Slot", "Appointment"} <= set(kinds)


def test_exactly_entries_2_and_4_are_not_accepted_and_wait_for_another_version(case: Case) -> None:
    times = [Busy(start=NOW + DAY + n * HOUR, end=NOW + DAY + n * HOUR + 1_800) for n in range(5)]
    before = case.clock.now() + 60
    codes = case.client().offer(NAME, times, before)
    assert codes == (None, REFUSED, None, REFUSED, None)
    created = [[slot(f"n{n}", 24 + n) for n in (0, 2, 4)]]
    case.stub.pages["Slot"] = created
    again = case.client().offer(NAME, times, before)
    assert again == (None, REFUSED, None, REFUSED, None)
    assert len(case.stub.batches) == 1, "nothing is sent again while the version is the same"
    case.stub.schedule_version = 2
    assert case.client().offer(NAME, times, before) == (None,) * 5
    assert [len(one) for one in case.stub.batches] == [5, 2]
    assert [start for _, start in case.stub.batches[1]] == [
        datetime.fromtimestamp(times[n].start, UTC).isoformat() for n in (1, 3)
    ]


def test_deletions_carry_the_version_and_fail_one_by_one(case: Case) -> None:
    slots = [Unknown(f"x{n}", NAME, NOW + DAY + n, NOW + 2 * DAY, "3") for n in range(5)]
    client, before = case.client(), case.clock.now() + 60
    assert client.withdraw(slots, before) == (None, REFUSED, None, REFUSED, None)
    sent = case.stub.asked("/batch")[0].body.decode()
    assert re.findall(r'<url value="Slot/(x\d)"/>', sent) == [f"x{n}" for n in range(5)]
    assert re.findall(r'<ifMatch value="([^"]*)"/>', sent) == ["W/&quot;3&quot;"] * 5
    assert client.withdraw(slots[1:2], before) == (REFUSED,)
    assert len(case.stub.batches) == 1
    newer = Unknown("x1", NAME, NOW + DAY, NOW + 2 * DAY, "4")
    assert client.withdraw([newer], before) == (None,)


def test_a_refused_token_means_one_new_login(case: Case) -> None:
    client = case.client()
    assert client.names() == (NAME,)
    case.stub.refuse_token = 1
    assert client.names() == (NAME,)
    assert case.tickets.logins == 2
    assert case.stub.tokens == ["token-1"] * 3 + ["token-2"] * 2


def test_an_unknown_slot_is_neither_deleted_nor_taken_over(case: Case) -> None:
    case.stub.pages["Slot"] = [[slot("ours", 24), slot(STRANGE, 26, version=7)]]
    case.client().settle(
        Unknown("ours", NAME, NOW + DAY, NOW + DAY + 1_800, "1"), "keep", case.clock.now() + 60
    )
    got = case.client().fetch(None)
    assert [(one.id, one.calendar, one.version) for one in got.unknown] == [(STRANGE, NAME, "7")]
    assert got.bookings == ()
    case.clock.advance(DAY - HOUR)
    again = case.client().fetch(None)
    assert [one.id for one in again.unknown] == [STRANGE], "it stays a question until a person has answered"
    assert case.stub.batches == []
    assert STRANGE not in case.memory.text.get("known", ""), "not taken over"


def test_changes_are_not_asked_for_twice_within_60_minutes(case: Case) -> None:
    case.stub.pages["Provenance"] = [[provenance("p1", "t1", -0.2)], [provenance("p2", "t2", -0.1)]]
    case.stub.pages["Appointment"] = [[appointment("t1", "Eins", 30), appointment("t2", "Zwei", 31)]]
    mark = case.client().fetch(None).mark
    case.clock.advance(3_600)
    got = case.client().fetch(mark)
    assert [one.id for one in got.bookings] == ["t1", "t2"]
    polls = len(case.stub.asked("/Provenance/"))
    assert polls == 2, "one search of two pages"
    for seconds in (0, 1, 1_800, 1_798):
        case.clock.advance(seconds)
        assert case.client().fetch(got.mark).bookings == ()
        assert case.client().fetch(None).bookings == (), "not even for a person, who starts anew"
    assert len(case.stub.asked("/Provenance/")) == polls
    case.clock.advance(1)
    case.client().fetch(got.mark)
    assert len(case.stub.asked("/Provenance/")) == 2 * polls
