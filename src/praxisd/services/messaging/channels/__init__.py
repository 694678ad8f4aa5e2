"""Ways to reach patients, chosen by the account: e-mail (`smtp`), or an SMS gateway that a description tells of.

`gateways` says which there are and what their forms ask for, `check_account` whether a form is filled in so that it can
work, `open_channel` makes the channel.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from praxisd.kernel.errors import Problem
from praxisd.services.messaging.channel import Abilities, Account, Channel

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.services.messaging.channels.descriptions import Description

SMTP = "smtp"
"""The gateway of e-mail."""
ADDRESS = "address"
"""The field that holds a gateway's own address; it is checked more strictly than others."""


@dataclass(frozen=True, slots=True)
class GatewayField:
    """One field of the account form. `choices`: nothing else may be chosen."""

    key: str
    secret: bool = False
    needed: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayForm:
    """What a page must ask for to use a gateway.

    `hook`: who makes the secret of its calls: nobody (it calls nobody), we (`made`), or the gateway (`given`: one more
    secret for the person to copy). `sender_letters`, `sender_digits`: how long a sender may be as a name, as a number.
    """

    name: str
    channel: Literal["sms", "email"]
    title: str
    fields: tuple[GatewayField, ...]
    abilities: Abilities
    hook: Literal["none", "made", "given"] = "none"
    sender_letters: int = 11
    sender_digits: int = 16
    site: str = ""


def gateways(house: "House") -> dict[str, GatewayForm]:
    """Every gateway that can be chosen, by name."""
    from praxisd.services.messaging.channels import smtp_form
    from praxisd.services.messaging.channels.gateway_files import descriptions

    found = {name: _form(one) for name, one in descriptions(house).items()}
    return {smtp_form.NAME: smtp_form.FORM, **found}


def open_channel(house: "House", account: Account) -> Channel:
    """The channel of an account; Problem `messaging.gateway_unknown` (404) if there is no such gateway (any more)."""
    if account.gateway == SMTP:
        from praxisd.services.messaging.channels.smtp import open_smtp

        return open_smtp(house, account)
    from praxisd.kernel import http
    from praxisd.services.messaging.channels.http_sms import HttpSms

    return HttpSms(account, _description(house, account.gateway), http.client(house), house.clock)


def hook_address(house: "House", account: Account) -> str:
    """The address that must be entered at the gateway so that it calls us; empty where it cannot."""
    if account.gateway == SMTP:
        return account.hook_url if account.hook_secret else ""
    from praxisd.services.messaging.channels import hooks

    return hooks.address(_description(house, account.gateway), account)


def check_account(house: "House", account: Account) -> None:
    """Problem `messaging.gateway_field` (422, params `field`, `gateway`) for the first field that cannot be right.

    A field that is needed and empty, one that is not among its choices or holds control characters, an address without
    protection outside the practice's own network, a sender that the gateway cannot show (`field` is `sender`).
    """
    if account.gateway == SMTP:
        from praxisd.services.messaging.channels import smtp_form

        return smtp_form.check(account)
    from praxisd.services.messaging.channels.http_sms import sender_fits

    one = _description(house, account.gateway)
    for field in one.fields:
        value = account.values.get(field.key, field.default).strip()
        good = bool(value) or not field.needed
        good = good and value.isprintable() and len(value) <= 500
        good = good and (not field.choices or value in field.choices)
        if field.key == ADDRESS:
            good = good and protected(value)
        if not good:
            raise Problem("messaging.gateway_field", 422, field=field.key, gateway=one.title)
    if not sender_fits(one, account.sender):
        raise Problem("messaging.gateway_field", 422, field="sender", gateway=one.title)


def protected(url: str) -> bool:
    """True for an https address, or an http one that does not leave the practice: loopback, private, a bare name."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or port == 0 or "@" in parts.netloc or parts.query or parts.fragment:
        return False
    if parts.scheme == "https":
        return True
    try:
        return parts.scheme == "http" and ip_address(host).is_private
    except ValueError:
        own = re.fullmatch(r"[a-z0-9-]+|[a-z0-9.-]+\.(local|lan|home\.arpa|internal)", host) is not None
        return parts.scheme == "http" and own


def _description(house: "House", name: str) -> "Description":
    from praxisd.services.messaging.channels.gateway_files import descriptions

    found = descriptions(house).get(name)
    if found is None:
        raise Problem("messaging.gateway_unknown", 404, gateway=name)
    return found


def _form(one: "Description") -> GatewayForm:
    return GatewayForm(
        name=one.name,
        channel=one.channel,
        title=one.title,
        fields=tuple(GatewayField(f.key, f.secret, f.needed, f.default, f.choices) for f in one.fields),
        abilities=one.abilities,
        hook="none" if one.hook is None else one.hook.key,
        sender_letters=one.sender.letters,
        sender_digits=one.sender.digits,
        site=one.site,
    )


__all__ = (
    "GatewayField", "GatewayForm", "check_account", "gateways", "hook_address", "open_channel", "protected",
)  # fmt: skip
