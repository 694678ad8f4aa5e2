"""Fills an empty pretix: an event series with one date for each time, a quota of places at each, and paid orders that take some.

Run by the Python of pretix's own environment (`peer_pretix.py`), after its `migrate`: reads `{"places": 8, "times": [{"start",
"end", "taken"}]}` on standard input, prints the API token. Nothing of praxisd is imported here, and nothing of pretix elsewhere.
"""

# ruff: noqa: E402
# mypy: ignore-errors
import json
import sys
from datetime import datetime, timedelta
from decimal import Decimal

import django

django.setup()
from django.db import transaction
from django_scopes import scopes_disabled
from pretix.base.models import (
    Event,
    Item,
    Order,
    OrderPosition,
    Organizer,
    Quota,
    SubEvent,
    Team,
    TeamAPIToken,
)


def fill(told) -> str:
    """The token of a team that may see all."""
    times = told["times"]
    first = datetime.fromisoformat(times[0]["start"])
    organizer = Organizer.objects.create(name="Praxis", slug="praxis")
    event = Event.objects.create(
        organizer=organizer,
        name="Kontrolle",
        slug="kontrolle",
        currency="EUR",
        date_from=first,
        has_subevents=True,
        live=True,
        is_public=True,
        plugins="",
    )
    event.settings.timezone = "Europe/Berlin"
    item = Item.objects.create(event=event, name="Termin", default_price=Decimal("0.00"), active=True)
    web = organizer.sales_channels.get(identifier="web")
    number = 0
    for one in times:
        begin, end = (datetime.fromisoformat(one[name]) for name in ("start", "end"))
        date = SubEvent.objects.create(
            event=event, name="Kontrolle", date_from=begin, date_to=end, active=True, is_public=True
        )
        quota = Quota.objects.create(event=event, subevent=date, name="Plätze", size=told["places"])
        quota.items.add(item)
        for _ in range(one["taken"]):
            number += 1
            order = Order.objects.create(
                code=f"P{number:05}",
                event=event,
                email="nobody@example.org",
                status=Order.STATUS_PAID,
                datetime=first - timedelta(days=30),
                expires=first,
                total=Decimal("0.00"),
                sales_channel=web,
            )
            OrderPosition.objects.create(
                order=order, item=item, subevent=date, price=Decimal("0.00"), positionid=1
            )
            order.create_transactions(is_new=True)
    team = Team.objects.create(
        organizer=organizer,
        name="bench",
        all_events=True,
        all_event_permissions=True,
        all_organizer_permissions=True,
    )
    return TeamAPIToken.objects.create(team=team, name="bench").token


if __name__ == "__main__":
    with scopes_disabled(), transaction.atomic():
        print(fill(json.load(sys.stdin)))
