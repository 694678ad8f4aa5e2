"""GET /log: the last lines this process has written, to look at and to save. They hold no patient data by construction."""

from typing import Any

import msgspec

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import Call, Raw, Route
from praxisd.kernel.shapes import LogLineOut, LogOut, LogQuery

READ = "kernel.log.read"
_LEVELS = ("debug", "info", "warning", "error")
_OWN = ("at", "level", "event")
_TEXT = "text/plain; charset=utf-8"


def get_log(call: Call) -> LogOut:
    """The last lines of this process' log

    Newest first, of a level and above. With several nodes each has a log of its own: `node` says whose this is.
    """
    query: LogQuery = call.query
    shown = _LEVELS[_LEVELS.index(query.level) :]
    below = int(query.cursor) if query.cursor else None
    found: list[LogLineOut] = []
    for number, data in reversed(call.house.log.recent()):
        if below is not None and number >= below:
            continue
        one = line(number, data)
        if one.level in shown:
            found.append(one)
            if len(found) > query.limit:
                break
    page = found[: query.limit]
    more = str(page[-1].number) if len(found) > query.limit else None
    return LogOut(node=call.house.node, lines=page, next=more)


def line(number: int, data: bytes) -> LogLineOut:
    """A line as it was written, taken apart."""
    fields: dict[str, Any] = msgspec.json.decode(data)
    at, level, event = (str(fields.pop(name, "")) for name in _OWN)
    return LogLineOut(number=number, at=at, level=level, event=event, detail=fields)


def download_log(call: Call) -> Raw:
    """The last lines of this process' log as a file

    One JSON object per line, oldest first: for the service partner.
    """
    data = b"\n".join(one for _, one in call.house.log.recent()) + b"\n"
    return Raw(data, _TEXT, headers={"Content-Disposition": 'attachment; filename="praxisd-log.txt"'})


PAGES = (ConsolePage("log", READ, "system", 40, "file"),)
ROUTES = (
    Route("GET", "/log", "log.list", get_log, READ, LogOut, query=LogQuery, safe=True, tags=("log",)),
    Route(
        "GET", "/log/download", "log.download", download_log, READ, media_type=_TEXT, safe=True, tags=("log",)
    ),
)
