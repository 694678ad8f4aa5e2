"""`praxisd sandbox …`: programs that play the outside world, for trying out and for tests."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import data, language

_HOST = click.option("--host", default="127.0.0.1", show_default=True)


@click.group()
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input ends.")
def sandbox(with_parent: bool) -> None:
    """Play the outside world: SMS gateway, mail server, portal, relay hub, certificate authority, updates, ServiceProvider."""
    if with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Whoever started us holds the other end of the pipe; it closes even when that process is killed."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


@sandbox.command()
@data
@_HOST
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0: a free one.")
@click.option("--key", default="sandbox", show_default=True, help="The key that programs must show.")
@click.option("--secret", default="sandbox-secret", show_default=True, help="What its calls are signed with.")
@click.option("--credits", "credits_", type=click.IntRange(0, 10**9), default=1000, show_default=True)
@click.option(
    "--deliver",
    type=click.FloatRange(0, 86_400),
    default=3.0,
    show_default=True,
    help="Seconds until a message is delivered.",
)
@click.option("--by-hand", is_flag=True, help="A person says what became of each message.")
@click.option(
    "--faults", type=click.FloatRange(0, 1), default=0.0, help="How often something goes wrong: 0 to 1."
)
@click.option("--seed", type=int, default=0, help="The same seed, the same faults.")
def sms(
    folder: Path,
    host: str,
    port: int,
    key: str,
    secret: str,
    credits_: int,
    deliver: float,
    by_hand: bool,
    faults: float,
    seed: int,
) -> None:
    """An SMS gateway that sends nothing and shows everything."""
    from praxisd.sandbox.sms_program import Wishes, run

    wishes = Wishes(key, secret, faults, seed, None if by_hand else deliver, credits_, language())
    try:
        code = run(folder, host, port, wishes)
    except OSError:
        raise Problem("control.address_unusable", 400, host=host, port=port) from None
    sys.exit(code)


@sandbox.command()
@data
@_HOST
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8091,
    show_default=True,
    help="Of its page; 0: a free one.",
)
@click.option(
    "--smtp-port", type=click.IntRange(0, 65535), default=2525, show_default=True, help="0: a free one."
)
@click.option(
    "--mailbox",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where answers are laid: a Maildir or a folder; DIR/sandbox/mailbox if left out.",
)
@click.option("--user", default="", help="Who may send; anybody if left out.")
@click.option("--password", default="", help="The password of that user.")
@click.option("--tls", is_flag=True, help="Encrypted from the start, instead of STARTTLS.")
@click.option(
    "--faults", type=click.FloatRange(0, 1), default=0.0, help="How often something goes wrong: 0 to 1."
)
@click.option("--seed", type=int, default=0, help="The same seed, the same faults.")
def mail(
    folder: Path,
    host: str,
    port: int,
    smtp_port: int,
    mailbox: Path | None,
    user: str,
    password: str,
    tls: bool,
    faults: float,
    seed: int,
) -> None:
    """A mail server that delivers nothing and shows everything."""
    from praxisd.sandbox.mail_program import Wishes, run

    wishes = Wishes(mailbox, faults, seed, 5.0, user, password, tls, language())
    try:
        code = run(folder, host, port, smtp_port, wishes)
    except OSError:
        raise Problem("control.address_unusable", 400, host=host, port=f"{port}/{smtp_port}") from None
    sys.exit(code)


@sandbox.command()
@data
@_HOST
@click.option("--port", type=click.IntRange(0, 65535), default=8092, show_default=True, help="0: a free one.")
@click.option("--key", default="sandbox", show_default=True, help="The key that practices must show.")
@click.option("--secret", default="", help="What calls to /api must be signed with; unsigned if left out.")
@click.option(
    "--calendar",
    "calendars",
    multiple=True,
    default=("Dr. Beispiel – Sprechstunde",),
    show_default=True,
    help="Made at the first start; may be given more than once.",
)
@click.option("--zone", default="Europe/Berlin", show_default=True, help="Its time zone.")
@click.option(
    "--faults", type=click.FloatRange(0, 1), default=0.0, help="How often something goes wrong: 0 to 1."
)
@click.option("--seed", type=int, default=0, help="The same seed, the same faults.")
def portal(
    folder: Path,
    host: str,
    port: int,
    key: str,
    secret: str,
    calendars: tuple[str, ...],
    zone: str,
    faults: float,
    seed: int,
) -> None:
    """A booking portal: patients book on its page, practices keep it in step."""
    from zoneinfo import ZoneInfoNotFoundError

    from praxisd.sandbox.portal_program import Wishes, run

    wishes = Wishes(key, secret, zone, calendars, faults, seed, language())
    try:
        code = run(folder, host, port, wishes)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.BadParameter(zone, param_hint="--zone") from None
    except OSError:
        raise Problem("control.address_unusable", 400, host=host, port=port) from None
    sys.exit(code)


@sandbox.command()
@data
@_HOST
@click.option("--port", type=click.IntRange(0, 65535), default=8443, show_default=True, help="0: a free one.")
def relay(folder: Path, host: str, port: int) -> None:
    """A relay hub, through which a practice on this computer is reached as from outside."""
    from praxisd.sandbox.relay import run

    try:
        code = run(folder, host, port)
    except OSError:
        raise Problem("control.address_unusable", 400, host=host, port=port) from None
    sys.exit(code)


@sandbox.command("relay-code")
@data
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8443, show_default=True, help="That of the hub."
)
@click.argument("label", default="Praxis")
def relay_code(folder: Path, port: int, label: str) -> None:
    """An invitation to the relay hub of this folder."""
    from praxisd.sandbox.relay import invitation

    click.echo(invitation(folder, port, label))


@sandbox.command()
@data
@_HOST
@click.option("--port", type=click.IntRange(0, 65535), default=8094, show_default=True, help="0: a free one.")
@click.option(
    "--connect",
    default="",
    metavar="HOST:PORT",
    help="Where names are looked for, whatever they are; the name itself, port 443, if left out.",
)
@click.option(
    "--life", type=click.IntRange(60, 400 * 86_400), default=90 * 86_400, show_default=True, help="Seconds."
)
@click.option("--fault", "faults", multiple=True, help="What goes wrong next; may be given more than once.")
def acme(folder: Path, host: str, port: int, connect: str, life: int, faults: tuple[str, ...]) -> None:
    """A certificate authority (ACME) whose root nobody trusts."""
    from praxisd.sandbox.acme import KINDS
    from praxisd.sandbox.acme_program import run

    where, _, at = connect.rpartition(":")
    if connect and not (where and at.isdigit() and 0 < int(at) < 65_536):
        raise click.BadParameter(connect, param_hint="--connect")
    if set(faults) - set(KINDS):
        raise click.BadParameter(", ".join(KINDS), param_hint="--fault")
    try:
        code = run(folder, host, port, life, (where.strip("[]"), int(at)) if connect else None, faults)
    except OSError:
        raise Problem("control.address_unusable", 400, host=host, port=port) from None
    sys.exit(code)


@sandbox.command()
@data
@_HOST
@click.option("--port", type=click.IntRange(0, 65535), default=8095, show_default=True, help="0: a free one.")
def updates(folder: Path, host: str, port: int) -> None:
    """A publisher of updates: versions of praxisd that work and one that does not, and a data set."""
    from praxisd import __version__
    from praxisd.sandbox.updates_program import run

    try:
        code = run(folder, host, port, __version__, language())
    except OSError:
        raise Problem("control.address_unusable", 400, host=host, port=port) from None
    sys.exit(code)


@sandbox.command()
@data
@_HOST
@click.option(
    "--folder",
    "where",
    type=click.Path(file_okay=False, path_type=Path),
    help="Its program folder, with a ServiceProvider.ini; DIR/sandbox/serviceprovider if left out.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), help="0: a free one; the TCPPort of its INI if left out."
)
@click.option(
    "--manner",
    type=click.Choice(("good", "hang", "garbage", "error", "close")),
    default="good",
    show_default=True,
    help="How it answers.",
)
def serviceprovider(folder: Path, host: str, where: Path | None, port: int | None, manner: Any) -> None:
    """A ServiceProvider that answers, or listens and does not work."""
    from praxisd.sandbox.serviceprovider_program import run

    try:
        code = run(where or folder / "sandbox" / "serviceprovider", host, port, manner)
    except FileNotFoundError as missing:
        raise click.BadParameter(str(missing.filename), param_hint="--folder") from None
    except OSError:
        raise Problem("control.address_unusable", 400, host=host, port=port or "–") from None
    sys.exit(code)


commands: tuple[click.Command, ...] = (sandbox,)
