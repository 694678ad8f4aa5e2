"""The form of the gateway `smtp`: what must be known to send e-mail and to read what comes back."""

import re
from pathlib import Path

from praxisd.kernel.errors import Problem
from praxisd.kernel.mail import is_loopback
from praxisd.kernel.mail_address import address, host_name
from praxisd.services.messaging.channel import Abilities, Account
from praxisd.services.messaging.channels import GatewayField, GatewayForm
from praxisd.services.messaging.channels.mail_writing import sender_of

NAME = "smtp"
SECURITY = ("starttls", "tls", "none", "unprotected")
MAILBOX = ("none", "folder", "imap")

FORM = GatewayForm(
    name=NAME,
    channel="email",
    title="E-Mail (SMTP)",
    fields=(
        GatewayField("server"),
        GatewayField("port", default="587"),
        GatewayField("security", default="starttls", choices=SECURITY),
        GatewayField("login", needed=False),
        GatewayField("password", secret=True, needed=False),
        GatewayField("sender_name", needed=False),
        GatewayField("reply_to", needed=False),
        GatewayField("return_to", needed=False),
        GatewayField("certificate", needed=False),
        GatewayField("mailbox", default="none", choices=MAILBOX),
        GatewayField("folder", needed=False),
        GatewayField("imap_server", needed=False),
        GatewayField("imap_port", needed=False, default="993"),
        GatewayField("imap_login", needed=False),
        GatewayField("imap_password", secret=True, needed=False),
        GatewayField("imap_inbox", needed=False, default="INBOX"),
        GatewayField("imap_done", needed=False, default="praxisd"),
    ),
    abilities=Abilities(reports=True, hooks=True, final=True),
    hook="made",
    sender_letters=0,
    sender_digits=0,
)
PROBLEMS = (
    "messaging.address_rejected",
    "messaging.mail_bounced",
    "messaging.mail_busy",
    "messaging.mail_credentials",
    "messaging.mail_expired",
    "messaging.mail_later",
    "messaging.mail_refused",
    "messaging.mail_rejected",
    "messaging.mail_unprotected",
    "messaging.mail_unreachable",
    "messaging.mailbox_full",
    "messaging.mailbox_missing",
    "messaging.mailbox_refused",
    "messaging.mailbox_unreachable",
    "messaging.sender_rejected",
)
"""Codes of e-mail that stand at a message, in a run or in an answer."""
_PORT = re.compile(r"[1-9]\d{0,4}")


def filled(account: Account) -> dict[str, str]:
    """All fields of the form, as the account has them or as they are by themselves."""
    return {one.key: account.values.get(one.key, "").strip() or one.default for one in FORM.fields}


def check(account: Account) -> None:
    """Problem `messaging.gateway_field` (422, params `field`, `gateway`) for the first field that cannot be right."""
    values = filled(account)
    wrong = next((key for key, value in values.items() if not _fits(key, value, values)), "")
    if not wrong and not _is(sender_of, account.sender):
        wrong = "sender"
    if wrong:
        raise Problem("messaging.gateway_field", 422, field=wrong, gateway=FORM.title)


def _fits(key: str, value: str, values: dict[str, str]) -> bool:
    field = next(one for one in FORM.fields if one.key == key)
    if not value:
        return not (field.needed or key in _wanted(values))
    if not value.isprintable() or len(value) > 500 or (field.choices and value not in field.choices):
        return False
    match key:
        case "server" | "imap_server":
            return _is(host_name, value)
        case "port" | "imap_port":
            return _PORT.fullmatch(value) is not None and int(value) < 65_536
        case "security":
            return value != "none" or is_loopback(values["server"])
        case "reply_to" | "return_to":
            return _is(address, value)
        case "certificate" | "folder":
            return Path(value).is_absolute()
    return True


def _wanted(values: dict[str, str]) -> tuple[str, ...]:
    """Fields that the chosen mailbox needs; a password where there is a name to sign in with."""
    wanted = {"folder": ("folder",), "imap": ("imap_server", "imap_login", "imap_password")}
    found = wanted.get(values["mailbox"], ())
    return (*found, "password") if values["login"] else found


def _is(read: object, value: str) -> bool:
    try:
        read(value)  # type: ignore[operator]
    except ValueError:
        return False
    return True
