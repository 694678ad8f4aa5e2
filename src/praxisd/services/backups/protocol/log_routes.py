"""REST operations on the daily look at the log, and the figures over time as a picture."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel import plot
from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Call, Raw, Route
from praxisd.services.backups.plans.rights import OPERATE, READ
from praxisd.services.backups.protocol import log_keeping as keeping
from praxisd.services.backups.protocol import log_view, plotting
from praxisd.services.backups.protocol.log_rules import LOOK_BACK_DAYS
from praxisd.services.backups.protocol.log_shapes import (
    BackupLogDaysOut,
    BackupLogIn,
    BackupLogOut,
    BackupLogQuery,
)

_TAGS = ("backups",)


class BackupPlotQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is to be seen, over how many days back."""

    figure: Literal["bytes", "added", "seconds"] = "bytes"
    days: Annotated[int, Meta(ge=7, le=3_700)] = 90


def list_log(call: Call) -> BackupLogDaysOut:
    """The newest backup days, and who has looked at their logs

    Days on which nothing was planned and nothing ran are left out.
    """
    query: BackupLogQuery = call.query
    with call.read() as tx:
        return log_view.days(
            keeping.book(call.house, tx, max(LOOK_BACK_DAYS, query.limit)), query.limit, call.actor.masked
        )


def get_log(call: Call) -> BackupLogOut:
    """The log of one backup day

    All its runs, and what was planned and did not run. The night job belongs to the day before.
    """
    day = _day(call)
    with call.read() as tx:
        return log_view.day(call.house, keeping.page(call.house, tx, day), day, call.lang, call.actor.masked)


def put_log(call: Call) -> BackupLogOut:
    """Note that the log of a backup day was looked at

    Kept with name and time. With `earlier` also the logs before it that nobody has looked at.
    """
    body: BackupLogIn = call.body
    day, tx = _day(call), call.writing
    keeping.look(
        call.house,
        tx,
        day,
        remark=body.remark,
        earlier=body.earlier,
        person=body.person,
        lang=call.lang,
    )
    return log_view.day(call.house, keeping.page(call.house, tx, day), day, call.lang, call.actor.masked)


def get_plot(call: Call) -> Raw:
    """Size, growth or duration of the backups over time, as a picture (SVG)

    One line for each job; a picture takes the colour of the words around it where it stands in a page.
    """
    query: BackupPlotQuery = call.query
    with call.read() as tx:
        shown = plotting.plot(call.house, tx, query.figure, query.days, call.lang)
    return Raw(plot.svg(shown, call.lang).encode(), plot.SVG)


def _day(call: Call) -> date:
    try:
        return date.fromisoformat(call.path["day"])
    except ValueError:
        raise not_found(keeping.SUBJECT) from None


ROUTES = (
    Route(
        "GET", "/backups/log", "backupLog.list", list_log, READ, BackupLogDaysOut, query=BackupLogQuery, tags=_TAGS,
        safe=True,
    ),
    Route(
        "GET", "/backups/log/{day}", "backupLog.read", get_log, READ, BackupLogOut, tags=_TAGS, safe=True,
        problems=((404, "http.not_found"),),
    ),
    Route(
        "PUT", "/backups/log/{day}", "backupLog.check", put_log, OPERATE, BackupLogOut, body=BackupLogIn, tags=_TAGS,
        problems=((404, "http.not_found"), (409, keeping.NOT_OVER), (422, keeping.PERSON)), safe=True,
    ),
    Route(
        "GET", "/backups/statistics.svg", "backupStatistics.plot", get_plot, READ, query=BackupPlotQuery,
        media_type=plot.SVG, tags=_TAGS, safe=True,
    ),
)  # fmt: skip
