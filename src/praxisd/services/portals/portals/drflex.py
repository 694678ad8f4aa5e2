"""Portals of the Dr.Flex kind: URL 1 says which period is wanted, URL 2 takes all busy times of it (seed 001).

No public description of the fields exists; the vendor hands out addresses and key. So every name is a field of the form,
and the answers are read with patience: the period may lie deeper in the document (`period.from`), be given with offset, as
wall time or as dates.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.clock import Clock, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.http import HttpAnswer
from praxisd.model.scheduling import Busy
from praxisd.services.portals.portal import (
    ANSWER_UNREADABLE,
    CALENDAR_UNKNOWN,
    REFUSED,
    Abilities,
    Account,
    Memory,
    Period,
)
from praxisd.services.portals.portals.forms import PLACE, Field, Form
from praxisd.services.portals.portals.talking import (
    OneWay,
    Talk,
    is_page,
    open_talk,
    read,
    segment,
    word,
    wrong,
)
from praxisd.services.portals.portals.talking_times import period_of, written

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FORM = Form(
    "drflex",
    (
        Field("address_period", required=True, whom=True, kind="address"),
        Field("address_upload", required=True, whom=True, kind="address"),
        Field("key", secret=True, required=True),
        Field("header_name", default="X-API-Key", kind="header"),
        Field("header_prefix"),
        Field("calendar_in", default="query", choices=("query", "path", "body")),
        Field("calendar_field", default="calendar"),
        Field("period_start", default="start"),
        Field("period_end", default="end"),
        Field("upload_list", default="appointments"),
        Field("upload_start", default="start"),
        Field("upload_end", default="end"),
        Field("upload_period", default="yes", choices=("yes", "no")),
        Field("time_format", default="rfc3339", choices=("rfc3339", "local")),
        Field("errors_field", default="errors"),
        Field("unknown_word", default="calendar_unknown"),
    ),
    Abilities(),
)


class DrFlex(OneWay):
    """One account. Uploads are whole documents, so the portal needs no memory of ours."""

    def __init__(self, account: Account, talk: Talk, clock: Clock) -> None:
        self._fields = FORM.filled(account.values)
        self._zone = zone(account.zone)
        self.talk = talk
        self._clock = clock

    def names(self) -> tuple[str, ...] | None:
        """It does not tell; but asked for a calendar that nobody has, it shows whether address and key are right."""
        try:
            self._ask_period("praxisd")
        except Problem as problem:
            if problem.code not in (CALENDAR_UNKNOWN, REFUSED):
                raise
        return None

    def period(self, calendar: str) -> Period:
        """What URL 1 says."""
        document = read(self._ask_period(calendar), dict[str, Any])
        start = _at(document, self._fields["period_start"])
        end = _at(document, self._fields["period_end"])
        return period_of(start, end, self._zone, self._clock.now())

    def _ask_period(self, calendar: str) -> HttpAnswer:
        method = "POST" if self._fields["calendar_in"] == "body" else "GET"
        return self._ask(method, "address_period", calendar, {}, None)

    def upload(self, calendar: str, period: Period, busy: Sequence[Busy], before: float) -> int:
        """One document to URL 2. Times outside the portal's own hours it may ignore; that is no refusal (seed 001)."""
        names, wall = self._fields, self._fields["time_format"] == "local"
        document: dict[str, Any] = {}
        if names["upload_period"] == "yes":
            ends = written(period.start, period.end, self._zone, wall=wall)
            document[names["upload_start"]], document[names["upload_end"]] = ends
        times = dict.fromkeys((one.start, one.end) for one in busy)
        entries = [written(start, end, self._zone, wall=wall) for start, end in times]
        document[names["upload_list"]] = [
            {names["upload_start"]: start, names["upload_end"]: end} for start, end in entries
        ]
        answer = self._ask("POST", "address_upload", calendar, document, before)
        if is_page(answer):
            raise wrong(ANSWER_UNREADABLE)
        if _refused(answer, names["errors_field"]):
            raise wrong(REFUSED)
        return len(entries)

    def _ask(
        self, method: str, address: str, calendar: str, document: dict[str, Any], before: float | None
    ) -> HttpAnswer:
        names = self._fields
        url, where = names[address], names["calendar_in"]
        params: dict[str, str] = {}
        if where == "path":
            url = url.replace(PLACE, segment(calendar))
        elif where == "query":
            params[names["calendar_field"]] = calendar
        else:
            document = {names["calendar_field"]: calendar, **document}
        answer = self.talk.ask(
            method,
            url,
            headers={names["header_name"]: f"{names['header_prefix']} {names['key']}".strip()},
            params=params,
            json=document if method == "POST" else None,
            before=before,
            ok=(400, 404, 409, 410, 422),
        )
        if answer.status >= 300:
            told = names["unknown_word"].encode()
            if told in answer.body[:10_000] or word(answer) == "calendar_unknown":
                raise wrong(CALENDAR_UNKNOWN)
            raise self.talk.refusal(answer)
        return answer


def _at(document: object, path: str) -> object:
    """What stands at a path such as `period.start`; None where there is nothing."""
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _refused(answer: HttpAnswer, field: str) -> bool:
    """True if a good status comes with a list of errors all the same."""
    try:
        return bool(_at(msgspec.json.decode(answer.body), field))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def connect(house: "House", account: Account, memory: Memory) -> DrFlex:
    """The portal of an account."""
    return DrFlex(account, open_talk(house), house.clock)


__all__ = ("FORM", "DrFlex", "connect")
