"""What remote support declares: setting, events, permissions, check, routes, operations."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from praxisd.kernel.service import Check, EventType, Finding, Permission, Retention, Setting, Severity
from praxisd.services.relay import api as relay
from praxisd.services.support import (
    remote,
    remote_operations,
    remote_page,
    remote_room,
    remote_routes,
    remote_store,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def check(house: "House") -> Iterable[Finding]:
    """While somebody is let in, an issue says so.

    In safe mode, where no thread does, what has run out is ended here, and the relay is woken for who is let in.
    """
    if house.safe:
        remote_room.turn(house)
    found = remote_room.room_of(house).open()
    if house.safe and found:
        relay.stand_by(house)
    for one in found:
        yield Finding("support.remote_granted", severity=Severity.INFO, organization=one.organization)


SETTINGS = (Setting(remote.DESK, bool, False),)
EVENTS = (
    EventType("support.granted", Retention.AUDIT),
    EventType("support.code_renewed", Retention.AUDIT),
    EventType("support.entered", Retention.AUDIT),
    EventType("support.left", Retention.AUDIT),
    EventType("support.ended", Retention.AUDIT),
    EventType("support.refused", Retention.AUDIT, alert=True),
    EventType("support.acted", Retention.AUDIT, live=False),
)
PERMISSIONS = (
    Permission(remote.READ, ("owner", "desk", "partner")),
    Permission(remote.END, ("owner", "desk", "partner")),
    Permission(remote.ASK, ("owner", "desk")),
    Permission(remote.WRITE),
    Permission(remote.RECORD, ("owner", "desk")),
)
CHECKS = (Check("support.remote", ("support.remote_granted",), check, grave=Severity.INFO),)
ROUTES = (*remote_routes.ROUTES, *remote_page.ROUTES)
OPERATIONS = remote_operations.OPERATIONS
TABLES = remote_store.TABLES
PROBLEMS = ("support.remote_none",)
