"""REST shapes of webhooks and of the log of their calls. Times are RFC 3339 in the practice's zone."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Cursor, Limit
from praxisd.services.portals.engine_shapes import Fault, Id, In, Name, Nothing, Out
from praxisd.services.portals.webhooks_rules import URL_MOST

__all__ = ("Fault", "Id", "Nothing")
DeliveryState = Literal["open", "delivered", "failed"]
Word = Annotated[str, Meta(min_length=1, max_length=60)]


class WebhookIn(In, frozen=True, kw_only=True):
    """Who is to be called. `events`: types, groups (`appointment.*`) or `*`. `portal`: that of a booking portal whose
    bookings alone it hears of; a portal's own key need not say it.
    """

    name: Name
    url: Annotated[str, Meta(min_length=1, max_length=URL_MOST)]
    events: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=40)]
    active: bool = True
    portal: Name | None = None


class StateView(Out, frozen=True, kw_only=True):
    """How it stands. `failures`: calls that failed since one arrived. `open`: deliveries that wait."""

    delivered_at: str | None
    failures: int
    open: int
    problem: Fault | None


class WebhookView(Out, frozen=True, kw_only=True):
    """A webhook. Of its secret only the beginning is shown."""

    id: str
    version: int
    name: str
    url: str
    events: list[str]
    active: bool
    portal: str | None
    portal_name: str | None
    secret_prefix: str | None
    state: StateView


class WebhookMade(WebhookView, frozen=True, kw_only=True):
    """A webhook with its secret, which is shown this once."""

    secret: str


class TypeView(Out, frozen=True, kw_only=True):
    """What may be subscribed to, and what it means."""

    type: str
    title: str


class Types(Out, frozen=True, kw_only=True):
    """All types of events that this caller may subscribe to."""

    events: list[TypeView]


class Webhooks(Out, frozen=True, kw_only=True):
    """All webhooks (a portal's key: its own), and what may be subscribed to."""

    webhooks: list[WebhookView]
    events: list[TypeView]


class TestView(Out, frozen=True, kw_only=True):
    """What a test call brought; `ms` is how long it took."""

    ok: bool
    status: int | None
    ms: int | None
    problem: Fault | None


class DeliveryView(Out, frozen=True, kw_only=True):
    """One delivery. `replay`: 0, or which repetition by hand it is. `payload` is the body that is sent."""

    id: str
    webhook: str
    type: str
    title: str
    subject: str
    state: DeliveryState
    attempts: int
    status: int | None
    code: str | None
    problem_title: str | None
    created_at: str
    done_at: str | None
    next_at: str | None
    replay: int
    payload: msgspec.Raw


class Deliveries(Out, frozen=True, kw_only=True):
    """Deliveries, the newest first."""

    deliveries: list[DeliveryView]
    next: str | None


class DeliveryQuery(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries of a webhook."""

    state: DeliveryState | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class DeliverySearch(In, frozen=True, kw_only=True):
    """Which deliveries, of all webhooks the caller may see. `since` is RFC 3339."""

    webhook: Id | None = None
    state: DeliveryState | None = None
    type: Word | None = None
    since: Annotated[str, Meta(max_length=40)] | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class ReplayIn(In, frozen=True, kw_only=True):
    """From when on what was given up is sent again, RFC 3339."""

    since: Annotated[str, Meta(min_length=1, max_length=40)]


class Replayed(Out, frozen=True, kw_only=True):
    """How many deliveries are on their way again."""

    replayed: int
