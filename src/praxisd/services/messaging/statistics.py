"""Figures people compare: what became of messages per month and mandator, and what they cost (SPEC 5.9)."""

from datetime import date, datetime, tzinfo

from praxisd.kernel.clock import local_date
from praxisd.kernel.store import Tx
from praxisd.services.messaging import outbox_view_store as seen
from praxisd.services.messaging import outbox_views
from praxisd.services.messaging.outbox_shapes import MonthView, Statistics


def of_months(tx: Tx, count: int) -> Statistics:
    """The last `count` months by the practice's calendar, the current one included, oldest first."""
    where = outbox_views.here(tx)
    names = outbox_views.mandators(tx)
    first = local_date(tx.now, where).replace(day=1)
    starts = [first]
    for _ in range(count - 1):
        starts.append(_before(starts[-1]))
    starts.reverse()
    lines: list[MonthView] = []
    for start in starts:
        lines += _lines(tx, start, where, names)
    return Statistics(months=[f"{one:%Y-%m}" for one in starts], lines=lines)


def _lines(tx: Tx, start: date, where: tzinfo, names: dict[str, str]) -> list[MonthView]:
    groups: dict[tuple[str | None, str, str], tuple[dict[str, int], int]] = {}
    for mandator, channel, kind, state, number, credits in seen.month(
        tx, _moment(start, where), _moment(_after(start), where)
    ):
        states, spent = groups.get((mandator, channel, kind), ({}, 0))
        groups[mandator, channel, kind] = ({**states, state: int(number)}, spent + int(credits or 0))
    return [
        MonthView(
            month=f"{start:%Y-%m}", mandator=mandator, mandator_name=names.get(mandator or ""),
            channel=channel or None, kind=kind, states=states, credits=spent,  # type: ignore[arg-type]
        )
        for (mandator, channel, kind), (states, spent) in groups.items()
    ]  # fmt: skip


def _before(first: date) -> date:
    return (
        first.replace(year=first.year - 1, month=12)
        if first.month == 1
        else first.replace(month=first.month - 1)
    )


def _after(first: date) -> date:
    return (
        first.replace(year=first.year + 1, month=1)
        if first.month == 12
        else first.replace(month=first.month + 1)
    )


def _moment(day: date, where: tzinfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=where).timestamp())
