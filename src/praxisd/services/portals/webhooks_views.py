"""Webhooks and deliveries as people and programs see them: codes with their words, times in the practice's zone."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.store import Tx
from praxisd.model.portals import Webhook
from praxisd.services.directory import api as directory
from praxisd.services.portals import deliveries_store, webhooks
from praxisd.services.portals import webhooks_rules as rules
from praxisd.services.portals import webhooks_shapes as shapes
from praxisd.services.portals.deliveries_store import State

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def types(house: "House", tx: Tx, lang: str) -> list[shapes.TypeView]:
    """What this actor may subscribe to."""
    return [shapes.TypeView(type=one, title=title(house, one, lang)) for one in webhooks.types(tx)]


def title(house: "House", type_: str, lang: str) -> str:
    """What an event means."""
    return house.texts.get("portals.webhook_test_title" if type_ == rules.TEST else f"event.{type_}", lang)


def view(house: "House", tx: Tx, one: Webhook, states: Mapping[str, State], lang: str) -> shapes.WebhookView:
    """A webhook without its secret."""
    state = states.get(one.id, State())
    secret = webhooks.secret_of(house, tx, one.id)
    return shapes.WebhookView(
        id=one.id, version=one.version, name=one.name, url=one.url, events=list(one.events), active=one.active,
        portal=one.portal, portal_name=webhooks.portal_name(tx, one), secret_prefix=secret[: rules.SHOWN] or None,
        state=shapes.StateView(
            delivered_at=time(tx, state.delivered_at), failures=state.failures, open=state.open,
            problem=fault(house, state.code, state.status, lang),
        ),
    )  # fmt: skip


def every(house: "House", tx: Tx, lang: str) -> list[shapes.WebhookView]:
    """All that this actor may see, by name."""
    states = deliveries_store.states(tx)
    found = sorted(webhooks.visible(tx), key=lambda one: (one.name.casefold(), one.id))
    return [view(house, tx, one, states, lang) for one in found]


def made(house: "House", tx: Tx, one: Webhook, secret: str, lang: str) -> shapes.WebhookMade:
    """A webhook with its secret, right after that was made."""
    shown = view(house, tx, one, deliveries_store.states(tx), lang)
    return shapes.WebhookMade(
        **{name: getattr(shown, name) for name in shown.__struct_fields__}, secret=secret
    )


def delivery(house: "House", tx: Tx, row: Any, lang: str) -> shapes.DeliveryView:
    """A delivery with the words for why it did not arrive."""
    why = fault(house, row.code, row.status, lang)
    return shapes.DeliveryView(
        id=row.id, webhook=row.webhook, type=row.type, title=title(house, row.type, lang), subject=row.subject,
        state=row.state, attempts=row.attempts, status=row.status, code=row.code,
        problem_title=why.title if why else None, created_at=format_rfc3339(row.created_at, here(tx)),
        done_at=time(tx, row.done_at), next_at=time(tx, row.next_at if row.state == "open" else None),
        replay=row.replay, payload=msgspec.Raw(row.payload.encode()),
    )  # fmt: skip


def fault(house: "House", code: str | None, status: int | None, lang: str) -> shapes.Fault | None:
    """A code with its texts, or None."""
    if code is None:
        return None
    parts = (
        house.texts.get(f"{code}.{part}", lang, status=status or 0) for part in ("title", "cause", "solution")
    )
    words, cause, solution = parts
    return shapes.Fault(code=code, title=words, cause=cause, solution=solution)


def here(tx: Tx) -> Any:
    """The practice's time zone."""
    return zone(directory.organization(tx).zone)


def time(tx: Tx, at: int | None) -> str | None:
    """An instant as RFC 3339, or None."""
    return None if at is None else format_rfc3339(at, here(tx))
