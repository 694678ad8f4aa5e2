"""A folder on a WebDAV server: one .ics per online calendar is put there, and what others enter is read back.

Nobody's entries are lost: what others have put into our file stays in it, and `If-Match` lets the server refuse when it
was changed meanwhile (RFC 9110 § 13). Blockers are their entries in our file and those of a second file, if one is named.
"""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from praxisd.kernel.clock import Clock, zone
from praxisd.kernel.http import HttpAnswer
from praxisd.model.scheduling import Busy
from praxisd.services.portals.portal import (
    ADDRESS_WRONG,
    ANSWER_UNREADABLE,
    REFUSED,
    Abilities,
    Account,
    Blocker,
    Memory,
    Period,
)
from praxisd.services.portals.portals import webdav_ics_files as files
from praxisd.services.portals.portals.forms import PLACE, Field, Form
from praxisd.services.portals.portals.talking import OneWay, Talk, is_page, open_talk, segment, word, wrong
from praxisd.services.portals.portals.talking_times import day_start
from praxisd.services.portals.portals.webdav_ics_files import Content
from praxisd.services.portals.portals.webdav_ics_reading import blockers as foreign

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ABILITIES = Abilities(blockers=True)
FORM = Form(
    "webdav_ics",
    (
        Field("address", required=True, whom=True, kind="base"),
        Field("user"),
        Field("password", secret=True),
        Field("file", default=f"{PLACE}.ics", kind="file"),
        Field("blocker_file", kind="file"),
        Field("days", default="90", kind="number", low=1, high=730),
    ),
    ABILITIES,
)
_REMEMBERED = 500
"""More blockers than that are not remembered, but read again each time."""
_TRIES = 2


class WebdavIcs(OneWay):
    """One account. A calendar's file is read once per cycle at most (`period`), by its mark only if it is unchanged."""

    def __init__(self, account: Account, talk: Talk, clock: Clock, memory: Memory) -> None:
        self._fields = FORM.filled(account.values)
        self._zone = zone(account.zone)
        self.talk = talk
        self._clock = clock
        self._memory = memory
        self._seen: dict[str, tuple[str, Content]] = {}

    @property
    def abilities(self) -> Abilities:
        """Others may enter blockers."""
        return ABILITIES

    def names(self) -> tuple[str, ...] | None:
        """Any name can be used; the folder is looked at, so that address and password are known to be right."""
        self._ask("PROPFIND", self._fields["address"].rstrip("/") + "/", {"Depth": "0"})
        return None

    def period(self, calendar: str) -> Period:
        """So many days from today. The file is looked at: a server may know no calendar of this name."""
        self._look(calendar)
        start = day_start(self._clock.now(), self._zone)
        days = int(self._fields["days"])
        return Period(start, day_start(start + days * 86_400 + 43_200, self._zone))

    def upload(self, calendar: str, period: Period, busy: Sequence[Busy], before: float) -> int:
        """Put the file, unless it says so already."""
        times = sorted({(one.start, one.end) for one in busy})
        ours = files.keys(period, times)
        for _ in range(_TRIES):
            tag, content = self._once(calendar, before)
            if content.ours == ours.keys():
                return len(times)
            if self._put(calendar, tag, content, files.written(ours, content), before):
                return len(times)
        raise wrong(REFUSED, retry=True)

    def _put(self, calendar: str, tag: str, content: Content, body: bytes, before: float) -> bool:
        """True if the server took it, False if the file was changed since it was looked at."""
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        if tag == "*":
            headers["If-None-Match"] = "*"
        elif tag and not tag.startswith("W/"):
            headers["If-Match"] = tag
        if self._memory.get(f"file/{calendar}") is not None:
            self._memory.put(f"file/{calendar}", None)
        answer = self._ask("PUT", self._url("file", calendar), headers, body, before, ok=(409, 412))
        if answer.status == 409:  # RFC 4918 § 9.7.1: the folder above is missing
            raise self.talk.refusal(answer) if word(answer) else wrong(ADDRESS_WRONG)
        if answer.status == 412:
            return False
        if answer.status == 200 and is_page(answer):
            raise wrong(ANSWER_UNREADABLE)
        new = answer.headers.get("etag", "")
        if new and not new.startswith("W/") and content.plain:
            self._memory.put(f"file/{calendar}", new)
        return True

    def _once(self, calendar: str, before: float | None = None) -> tuple[str, Content]:
        """What the look before has found, used once; else a new look."""
        if calendar not in self._seen:
            self._look(calendar, before)
        return self._seen.pop(calendar)

    def _look(self, calendar: str, before: float | None = None) -> None:
        """Find (ETag, content) of the file; "*" where there is none yet. What is remembered: ETag of a file with ours alone."""
        known = self._memory.get(f"file/{calendar}")
        headers = {"If-None-Match": str(known)} if known else {}
        answer = self._ask("GET", self._url("file", calendar), headers, None, before, ok=(304, 404, 410))
        if answer.status == 304 and known:
            found = (str(known), Content())
        elif answer.status in (404, 410):
            if word(answer) == "calendar_unknown":
                raise self.talk.refusal(answer)
            found = ("*", Content())
        else:
            found = (answer.headers.get("etag", ""), files.content(answer.body))
        self._seen[calendar] = found

    def blockers(self, calendar: str, period: Period) -> tuple[Blocker, ...]:
        """Entries of others in our file, and in the second one."""
        _, content = self._once(calendar)
        found = foreign(content.others, self._zone, period) if content.others else ()
        if self._fields["blocker_file"]:
            found += self._second(calendar, period)
        return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.start, one.end, one.id)))

    def _second(self, calendar: str, period: Period) -> tuple[Blocker, ...]:
        key = f"blockers/{calendar}"
        known: Any = self._memory.get(key)
        same = isinstance(known, dict) and known.get("period") == [period.start, period.end]
        headers = {"If-None-Match": str(known["tag"])} if same else {}
        answer = self._ask("GET", self._url("blocker_file", calendar), headers, ok=(304, 404, 410))
        if answer.status == 304 and same:
            return tuple(Blocker(*one) for one in known["blockers"])
        if answer.status in (404, 410):
            found: tuple[Blocker, ...] = ()
        else:
            found = foreign(files.content(answer.body).others, self._zone, period)
        tag = answer.headers.get("etag", "")
        keep = bool(tag) and answer.status == 200 and len(found) <= _REMEMBERED
        new = {
            "tag": tag,
            "period": [period.start, period.end],
            "blockers": [[one.id, one.start, one.end, one.unread] for one in found],
        }
        if keep or known is not None:
            self._memory.put(key, new if keep else None)
        return found

    def _url(self, field: str, calendar: str) -> str:
        base = self._fields["address"].rstrip("/")
        return f"{base}/{segment(self._fields[field].replace(PLACE, calendar))}"

    def _ask(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None = None,
        before: float | None = None,
        ok: Sequence[int] = (),
    ) -> HttpAnswer:
        user, password = self._fields["user"], self._fields["password"]
        if user or password:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            headers = {"Authorization": f"Basic {pair}", **headers}
        return self.talk.ask(method, url, headers=headers, body=body, before=before, ok=ok)


def connect(house: "House", account: Account, memory: Memory) -> WebdavIcs:
    """The folder of an account."""
    return WebdavIcs(account, open_talk(house), house.clock, memory)


__all__ = ("FORM", "WebdavIcs", "connect")
