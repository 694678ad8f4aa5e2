"""REST doors of access data: which gateways there are, what is set up, a change, and a test message."""

from typing import Any, Literal

from praxisd.kernel import events
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.mail_address import address as mail_address
from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.services.messaging import account_store, accounts, channels, outbox_views, phones, sending_store
from praxisd.services.messaging import outbox_shapes as shapes
from praxisd.services.messaging.channel import Accepted, Outgoing, Refused

_TAGS = ("messages",)
_NO_PRACTICE = (409, "directory.organization_missing")
_TEST_S = 25
"""How long a test message may take to leave. Seconds."""


def list_gateways(call: Call) -> shapes.Gateways:
    """What can be chosen to send by, and what each asks for."""
    return shapes.Gateways(
        gateways=[_gateway(one) for _, one in sorted(channels.gateways(call.house).items())]
    )


def _gateway(form: channels.GatewayForm) -> shapes.GatewayView:
    able = form.abilities
    return shapes.GatewayView(
        name=form.name, channel=form.channel, title=form.title, hook=form.hook, finds=able.finds,
        reports=able.reports, balance=able.balance, final=able.final, sender_letters=form.sender_letters,
        sender_digits=form.sender_digits, site=form.site,
        fields=[
            shapes.FieldView(
                key=f.key, secret=f.secret, needed=f.needed, default="" if f.secret else f.default,
                choices=list(f.choices),
            )
            for f in form.fields
        ],
    )  # fmt: skip


def list_accounts(call: Call) -> shapes.Accounts:
    """The access data that is set up, without any secret."""
    with call.read() as tx:
        return shapes.Accounts(accounts=[_view(call, tx, row) for row in account_store.every(tx)])


def put_account(call: Call) -> Answer:
    """Set up a channel, or change its access data."""
    tx, told = call.writing, call.body
    given = accounts.Given(
        gateway=told.gateway, sender=told.sender, active=told.active, cost=told.cost, fields=told.fields,
        secrets=told.secrets, hook_secret=told.hook_secret,
    )  # fmt: skip
    row = accounts.put(call.house, tx, _channel(call), given, call.if_match)
    # The address for the gateway's calls may hold the secret: the answer is not kept for repetitions.
    return Answer(_view(call, tx, row), version=row.version, headers={"Cache-Control": "no-store"})


def test_account(call: Call) -> shapes.TestAnswer:
    """Send a fixed text to an address of one's own, to see that the access data is right. It costs what it costs there."""
    channel = _channel(call)
    to = _address(call, channel, call.body.to)
    with call.read() as tx:
        way = accounts.way(call.house, tx, channel)
    texts, now = call.house.texts, call.house.clock.now()
    message = Outgoing(
        id=new_id(), to=to, text=texts.get("messaging.test_text", call.lang), language=call.lang,
        subject=texts.get("messaging.test_subject", call.lang), before=now + _TEST_S, useless_after=now + 3_600,
    )  # fmt: skip
    got = way.channel.send(message)
    word: Literal["accepted", "refused", "lost"]
    word = "accepted" if isinstance(got, Accepted) else "refused" if isinstance(got, Refused) else "lost"
    call.house.store.run(
        call.actor, lambda tx: events.note(tx, "account.tested", "Account", channel, outcome=word)
    )
    code = None if isinstance(got, Accepted) else got.code
    detail = got.detail if isinstance(got, Refused) else None
    return shapes.TestAnswer(
        outcome=word, reason=outbox_views.words(call.house, code, call.lang), detail=detail or None
    )


def _channel(call: Call) -> str:
    name = call.path["channel"]
    if name not in accounts.CHANNELS:
        raise not_found("Account")
    return name


def _address(call: Call, channel: str, told: str) -> str:
    """The number or mail address in the form channels take; Problem `messaging.test_address` (422)."""
    if channel == "email":
        try:
            return mail_address(told.strip())
        except ValueError:
            raise Problem("messaging.test_address", 422) from None
    with call.read() as tx:
        country = accounts.country(tx)
    number = phones.number(told, None, country)
    if not isinstance(number, phones.Mobile):
        raise Problem("messaging.test_address", 422)
    return number.e164


def _view(call: Call, tx: Tx, row: Any) -> shapes.AccountView:
    counts = sending_store.counts(tx)
    return shapes.AccountView(
        channel=row.channel, version=row.version, active=bool(row.active), gateway=row.gateway, sender=row.sender,
        cost=row.cost, fields=accounts.fields_of(row), secrets=accounts.secrets_set(call.house, tx, row),
        hook_secret_set=bool(row.hook_secret),
        hook_address=accounts.hook_address(call.house, tx, row) if _may_see_hook(call) else None,
        changed_at=format_rfc3339(row.updated_at, outbox_views.here(tx)),
        waiting=counts.get(("prepared", row.channel), 0), unsure=counts.get(("unsure", row.channel), 0),
    )  # fmt: skip


def _may_see_hook(call: Call) -> bool:
    """Who knows the address could speak as the gateway: not for who sees no patient."""
    return call.actor.may("messaging.account.write") and not call.actor.masked


ROUTES = (
    Route(
        "GET", "/messaging/gateways", "gateways.list", list_gateways, "messaging.account.read",
        answer=shapes.Gateways, tags=_TAGS,
    ),
    Route(
        "GET", "/messaging/accounts", "accounts.list", list_accounts, "messaging.account.read",
        answer=shapes.Accounts, problems=(_NO_PRACTICE,), tags=_TAGS,
    ),
    Route(
        "PUT", "/messaging/accounts/{channel}", "account.put", put_account, "messaging.account.write",
        answer=shapes.AccountView, body=shapes.AccountIn, tags=_TAGS,
        problems=(
            (404, "http.not_found"), (412, "resource.stale"), (422, "messaging.gateway_unknown"),
            (422, "messaging.account_field_unknown"), (422, "messaging.gateway_field"),
            (422, "messaging.secrets_again"), (422, "messaging.owner_switches_on"), _NO_PRACTICE,
        ),
    ),
    Route(
        "POST", "/messaging/accounts/{channel}/test", "account.test", test_account, "messaging.account.write",
        answer=shapes.TestAnswer, body=shapes.TestIn, transaction=False, tags=_TAGS,
        problems=(
            (404, "http.not_found"), (404, "messaging.gateway_unknown"), (409, "messaging.account_missing"),
            (422, "messaging.test_address"), _NO_PRACTICE,
        ),
    ),
)  # fmt: skip
