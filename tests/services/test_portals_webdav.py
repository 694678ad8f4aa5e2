"""Calendar files on a plain WebDAV server: what others put there is never lost, and an unchanged file costs next to nothing."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from praxisd.kernel.clock import FrozenClock, parse_rfc3339
from praxisd.kernel.http import Http
from praxisd.kernel.outside import Outside
from praxisd.sandbox.door import Answer, Call, Door
from praxisd.services.portals import portal as codes
from praxisd.services.portals.portal import Account, Period
from praxisd.services.portals.portals.talking import Talk
from praxisd.services.portals.portals.webdav_ics import WebdavIcs
from praxisd.testing.portal_suite import Kept, spans, told

BERLIN = ZoneInfo("Europe/Berlin")
NAME = "Dr. Ä/Sprechstunde"
FOREIGN = """BEGIN:VEVENT\r
UID:erika-muster@fremd\r
DTSTAMP:20260101T000000Z\r
DTSTART;TZID=Europe/Berlin:20261021T130000\r
DURATION:PT1H\r
RRULE:FREQ=WEEKLY;COUNT=3\r
SUMMARY:Erika Muster\r
END:VEVENT"""


class Folder:
    """A WebDAV server as others write them: any name is a file, there are marks (`tags`: strong, weak or none)."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.tags = "strong"
        self.log: list[str] = []
        self.meddle: list[bytes] = []
        """What somebody else puts there right before a PUT of ours is looked at."""
        self.made = 201
        routes = [(method, "/dav/{file}", self._file) for method in ("GET", "PUT")]
        self.door = Door("127.0.0.1", 0, [*routes, ("PROPFIND", "/dav/", lambda _: Answer(207))])
        self.url = f"{self.door.url}/dav"

    def tag(self, name: str) -> str:
        """The mark of a file as it is; nothing if there is none."""
        if name not in self.files or self.tags == "none":
            return ""
        mark = f'"{hashlib.sha256(self.files[name]).hexdigest()[:16]}"'
        return f"W/{mark}" if self.tags == "weak" else mark

    def _file(self, call: Call) -> Answer:
        name = unquote(call.path["file"])
        answer = self._get(call, name) if call.method == "GET" else self._put(call, name)
        self.log.append(f"{call.method} {answer.status}")
        return answer

    def _get(self, call: Call, name: str) -> Answer:
        if name not in self.files:
            return Answer(404, b"<html>", "text/html")
        headers = {"ETag": self.tag(name)} if self.tag(name) else {}
        if call.headers.get("if-none-match") == self.tag(name) != "":
            return Answer(304, headers=headers)
        return Answer(200, self.files[name], "text/calendar", headers)

    def _put(self, call: Call, name: str) -> Answer:
        if self.meddle:
            self.files[name] = self.meddle.pop()
        wanted, unwanted = call.headers.get("if-match"), call.headers.get("if-none-match")
        if (wanted is not None and wanted != self.tag(name)) or (unwanted == "*" and name in self.files):
            return Answer(412)
        if self.made >= 300:
            return Answer(self.made)
        self.files[name] = call.body
        return Answer(
            self.made, b"<html>Created", "text/html", {"ETag": self.tag(name)} if self.tag(name) else {}
        )

    def spans(self, name: str = NAME) -> list[tuple[int, int]]:
        """Times of our events in a file, as another program reads them."""
        calendar = Calendar.from_ical(self.files[f"{name}.ics"])
        ours = [one for one in calendar.walk("VEVENT") if one["UID"].endswith("@busy.praxisd")]
        return [(int(one.start.timestamp()), int(one.end.timestamp())) for one in ours]


class Scene:
    """A folder, and an adapter that writes into it."""

    def __init__(self, loop: Outside) -> None:
        self.clock = FrozenClock(parse_rfc3339("2026-10-20T10:17:00+02:00"))
        self.folder = Folder()
        self.http = Http(self.clock, loop)
        self.memory = Kept()
        self.portal = self.open()
        self.period = self.portal.period(NAME)
        self.folder.log.clear()

    def open(self, zone: str = "Europe/Berlin", **fields: str) -> WebdavIcs:
        """An adapter with the lasting memory, some fields otherwise."""
        values = {"address": self.folder.url, **fields}
        return WebdavIcs(Account("p1", values, zone), Talk(self.http, self.clock), self.clock, self.memory)

    def upload(self, *times: tuple[int, int]) -> int:
        """Times in hours after the period's start."""
        start = self.period.start
        busy = spans(*((start + a * 3_600, start + b * 3_600) for a, b in times))
        return self.portal.upload(NAME, self.period, busy, self.clock.now() + 45.0)

    def hours(self) -> list[tuple[int, int]]:
        """What is in the file, in hours after the period's start."""
        return [
            ((a - self.period.start) // 3_600, (b - self.period.start) // 3_600)
            for a, b in self.folder.spans()
        ]


@pytest.fixture
def scene() -> Iterator[Scene]:
    loop = Outside()
    one = Scene(loop)
    yield one
    one.http.close()
    one.folder.door.close()
    loop.close()


def foreign(*components: str) -> bytes:
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//EN", *components, "END:VCALENDAR", ""]
    ).encode()


def shown(scene: Scene, portal: WebdavIcs | None = None) -> list[str]:
    found = (portal or scene.portal).blockers(NAME, scene.period)
    return [f"{datetime.fromtimestamp(one.start, BERLIN):%m-%d %H:%M}" for one in found]


def test_a_first_file_is_made_only_if_there_is_none(scene: Scene) -> None:
    assert scene.upload((9, 10)) == 1
    assert scene.folder.log == ["PUT 201"] and scene.hours() == [(9, 10)]


@pytest.mark.parametrize("tags", ["strong", "weak", "none"])
def test_what_others_put_into_our_file_stays_and_comes_back(scene: Scene, tags: str) -> None:
    scene.folder.tags = tags
    scene.folder.files[f"{NAME}.ics"] = foreign(FOREIGN)
    for times in ([(9, 10)], [(11, 12), (13, 14)], []):
        scene.portal.period(NAME)
        assert scene.upload(*times) == len(times)
        assert scene.hours() == times
        assert FOREIGN.encode() in scene.folder.files[f"{NAME}.ics"]
        assert shown(scene) == ["10-21 13:00", "10-28 13:00", "11-04 13:00"]
    scene.folder.files[f"{NAME}.ics"] = scene.folder.files[f"{NAME}.ics"].replace(
        FOREIGN.encode() + b"\r\n", b""
    )
    scene.portal.period(NAME)
    assert shown(scene) == []


def test_somebody_writes_between_our_look_and_our_put(scene: Scene) -> None:
    scene.upload((9, 10))
    scene.portal.period(NAME)
    scene.folder.meddle = [foreign(FOREIGN)]
    assert scene.upload((11, 12)) == 1
    assert scene.folder.log[-3:] == ["PUT 412", "GET 200", "PUT 201"]
    assert scene.hours() == [(11, 12)] and FOREIGN.encode() in scene.folder.files[f"{NAME}.ics"]


def test_somebody_makes_the_file_between_our_look_and_our_put(scene: Scene) -> None:
    scene.folder.meddle = [foreign(FOREIGN)]
    assert scene.upload((11, 12)) == 1
    assert FOREIGN.encode() in scene.folder.files[f"{NAME}.ics"] and scene.hours() == [(11, 12)]


def test_somebody_writes_all_the_time(scene: Scene) -> None:
    scene.folder.meddle = [foreign(FOREIGN), foreign(FOREIGN.replace("Erika", "Hans")), foreign()]
    problem = told(lambda: scene.upload((11, 12)))
    assert (problem.code, problem.retry) == (codes.REFUSED, True)


def test_an_unchanged_file_costs_one_short_question(scene: Scene) -> None:
    scene.upload((9, 10))
    scene.folder.log.clear()
    for _ in range(3):
        portal = scene.open()
        portal.period(NAME)
        assert portal.blockers(NAME, scene.period) == ()
    assert scene.folder.log == ["GET 304"] * 3


def test_a_file_that_says_so_already_is_not_written_again(scene: Scene) -> None:
    scene.upload((9, 10))
    scene.memory.text.clear()
    scene.folder.log.clear()
    assert scene.upload((9, 10)) == 1
    assert scene.folder.log == ["GET 200"]


def test_a_changed_entry_of_ours_is_put_right(scene: Scene) -> None:
    scene.upload((9, 10), (11, 12))
    file = scene.folder.files[f"{NAME}.ics"]
    scene.folder.files[f"{NAME}.ics"] = file.replace(b"DTEND:", b"X-WAS:", 1)
    scene.portal.period(NAME)
    assert scene.upload((9, 10), (11, 12)) == 2
    assert scene.hours() == [(9, 10), (11, 12)]


@pytest.mark.parametrize("tags", ["strong", "none"])
def test_a_second_file_with_blockers(scene: Scene, tags: str) -> None:
    scene.folder.tags = tags
    portal = scene.open(file="praxis-{calendar}.ics", blocker_file="{calendar}-zurück.ics")
    assert shown(scene, portal) == []
    scene.folder.files[f"{NAME}-zurück.ics"] = foreign(FOREIGN)
    wanted = ["10-21 13:00", "10-28 13:00", "11-04 13:00"]
    scene.folder.log.clear()
    assert shown(scene, portal) == wanted and shown(scene, portal) == wanted
    assert scene.folder.log.count("GET 304") == (1 if tags == "strong" else 0)
    assert "muster" not in str(scene.memory.text).lower(), (
        "nothing of others' entries is remembered but times"
    )
    spoiled = FOREIGN.replace("UID:", "UID:x").replace("FREQ=", "FREQ=NIE")
    scene.folder.files[f"{NAME}-zurück.ics"] = foreign(spoiled, FOREIGN)
    for _ in range(2):  # the second time as it is remembered
        bad, *others = portal.blockers(NAME, scene.period)
        assert bad.unread and len(others) == len(wanted) and not any(one.unread for one in others)
    scene.folder.files[f"{NAME}-zurück.ics"] = foreign(FOREIGN)
    scene.period = Period(scene.period.start + 86_400 * 3, scene.period.end)
    assert shown(scene, portal) == wanted[1:], "another period is looked at anew"
    del scene.folder.files[f"{NAME}-zurück.ics"]
    assert shown(scene, portal) == []


def test_the_period_is_so_many_local_days(scene: Scene) -> None:
    portal = scene.open(days="7")
    period = portal.period(NAME)
    assert period == Period(
        parse_rfc3339("2026-10-20T00:00:00+02:00"), parse_rfc3339("2026-10-27T00:00:00+01:00")
    )
    scene.clock.set(parse_rfc3339("2026-10-20T23:59:59+02:00"))
    assert portal.period(NAME) == period
    kathmandu = scene.open(zone="Asia/Kathmandu", days="1").period(NAME)
    assert (
        kathmandu.start == parse_rfc3339("2026-10-21T00:00:00+05:45")
        and kathmandu.end - kathmandu.start == 86_400
    )


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [(403, codes.KEY_REFUSED, False), (409, codes.ADDRESS_WRONG, False), (405, codes.ADDRESS_WRONG, False),
     (507, codes.FAILING, True), (423, codes.REFUSED, False), (302, codes.ADDRESS_WRONG, False),
     (200, codes.ANSWER_UNREADABLE, True)],
)  # fmt: skip
def test_what_a_server_may_say_to_a_file(scene: Scene, status: int, code: str, retry: bool) -> None:
    """409: the folder above is missing (RFC 4918); 200 with a page: something else than the folder answers."""
    scene.folder.made = status
    problem = told(lambda: scene.upload((9, 10)))
    assert (problem.code, problem.retry) == (code, retry)


def test_what_is_no_calendar_is_not_overwritten(scene: Scene) -> None:
    scene.folder.files[f"{NAME}.ics"] = b"<html>Wartung"
    assert told(lambda: scene.portal.period(NAME)).code == codes.ANSWER_UNREADABLE
    assert (
        told(lambda: scene.upload((9, 10))).code == codes.ANSWER_UNREADABLE
        or scene.folder.log[-1] == "PUT 412"
    )
    assert scene.folder.files[f"{NAME}.ics"] == b"<html>Wartung"


def test_the_test_of_the_connection_looks_at_the_folder(scene: Scene) -> None:
    assert scene.portal.names() is None
    assert told(scene.open(address=scene.folder.url + "/gibt/es/nicht").names).code == codes.ADDRESS_WRONG
