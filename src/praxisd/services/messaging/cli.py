"""Command `praxisd messages`: thin, it names an operation and prints what it answers."""

from pathlib import Path
from typing import Any, get_args

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared
from praxisd.model.communication import Kind

_PACKAGE = "praxisd.services.messaging"
_STATES = ("prepared", "sending", "accepted", "delivered", "failed", "expired", "unsure", "withdrawn")
_COLUMNS = ("id", "preparedAt", "state", "kind", "channel", "patientName", "start", "reason")
_OUTCOMES = {"sent": "sent", "not-sent": "not_sent", "send-again": "send_again"}


@click.group()
def messages() -> None:
    """Messages to patients: what went out, what did not, and why."""


@messages.command("list")
@shared
@click.option("--state", type=click.Choice(_STATES), help="Only messages in this state.")
@click.option("--kind", type=click.Choice(get_args(Kind)), help="Only this kind.")
@click.option("--channel", type=click.Choice(["sms", "email"]), help="Only this way.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
def list_(folder: Path, organization: str | None, as_json: bool, **filters: Any) -> None:
    """List messages, the newest first."""
    answer = perform(folder, "messaging.list", organization, lang=language(), **filters)
    _table(answer, as_json, _COLUMNS)


@messages.command("show")
@shared
@click.argument("id_", metavar="ID")
def show(folder: Path, organization: str | None, as_json: bool, id_: str) -> None:
    """Show one message with its text."""
    _single(perform(folder, "messaging.show", organization, id=id_, lang=language()), as_json)


@messages.command("resolve")
@shared
@click.argument("id_", metavar="ID")
@click.argument("outcome", type=click.Choice(list(_OUTCOMES)))
def resolve(folder: Path, organization: str | None, as_json: bool, id_: str, outcome: str) -> None:
    """Say what became of an unsure message: it was sent, it was not, or it is to be sent again."""
    given = {"id": id_, "outcome": _OUTCOMES[outcome], "lang": language()}
    _single(perform(folder, "messaging.resolve", organization, **given), as_json)


@messages.command("letters")
@shared
@click.option("--done", is_flag=True, help="Those that were written, in place of those still to be.")
def letters(folder: Path, organization: str | None, as_json: bool, done: bool) -> None:
    """List the patients to write a letter to, as their message could not be sent."""
    wanted = {"letter": "done" if done else "open", "limit": 200, "lang": language()}
    answer = perform(folder, "messaging.list", organization, **wanted)
    _table(answer, as_json, ("id", "letter", "patientName", "start", "reason"))


def _table(answer: dict[str, Any], as_json: bool, columns: tuple[str, ...]) -> None:
    if as_json:
        print_json(answer)
        return
    print_table([_plain(one) for one in answer["messages"]], columns)
    if not answer["messages"]:
        click.echo(say(_PACKAGE, "messaging.cli.none"), err=True)


def _single(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    print_table([_plain(answer)], _COLUMNS)
    reason = answer["reason"]
    for text in (answer["text"], *(() if reason is None else (reason["cause"], reason["solution"]))):
        if text:
            click.echo(f"\n{text}")


def _plain(one: dict[str, Any]) -> dict[str, Any]:
    """The message with words in place of codes, for a table."""
    reason = one["reason"]
    named = {
        "state": "outbox_state",
        "kind": "message_kind",
        "channel": "message_channel",
        "letter": "letter_state",
    }
    words = {
        key: say(_PACKAGE, f"console.word.{words}.{one[key]}") for key, words in named.items() if one[key]
    }
    return {**one, **words, "reason": None if reason is None else reason["title"]}


commands = (messages,)
