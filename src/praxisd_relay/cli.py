"""`praxisd relay-hub …`: run a hub, invite practices, look after them.

Answers go to standard output, all else to standard error; exit codes: 0 good, 1 a problem was found, 2 wrong use, 3 the
hub is not reachable. The commands work on the hub's folder, whether it runs or not; a running one sees it within a second.
"""

import json
import sqlite3
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from praxisd_relay import config as configuration
from praxisd_relay import hub_listing, hub_running, words
from praxisd_relay.config import Config, ConfigError, address
from praxisd_relay.identity import Invitation
from praxisd_relay.registry import CODE_SECONDS, Refusal, Registry
from praxisd_relay.registry_file import NewerFile

C = TypeVar("C", bound=Callable[..., Any])
_LANG = "praxisd_relay.lang"


class _Group(click.Group):
    """Turns what goes wrong into words and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            say = [_say(f"problem.config.{error.code}"), error.what]
            _problem("config", 2, [_say("problem.config.title"), *say, _say("problem.config.solution")])
        except Refusal as refusal:
            _problem(refusal.code, 1, _three(refusal.code))
        except (sqlite3.Error, NewerFile) as error:
            title, *rest = _three("registry")
            _problem("registry", 1, [title, str(error), *rest])


def _where(command: C) -> C:
    """`--config FILE`, `--data DIR` and `--lang`, of which every command takes one of the first two."""
    for option in (
        click.option(
            "--lang", type=click.Choice(words.LANGUAGES), expose_value=False, callback=_keep, help="de or en."
        ),
        click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The hub's folder."),
        click.option(
            "--config",
            "file",
            type=click.Path(dir_okay=False, path_type=Path),
            help=f"Its configuration; {configuration.FILE} in its folder if left out.",
        ),
    ):
        command = option(command)
    return command


def _keep(ctx: click.Context, _: click.Parameter, value: Any) -> Any:
    if value:
        ctx.meta[_LANG] = value
    return value


_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=_Group)
def relay_hub() -> None:
    """The hub through which practices are reachable from outside, and which cannot read what it carries."""


@relay_hub.command()
@_where
@click.option("--listen", help="Instead of what the configuration says; port 0: a free one.")
@click.option("--domain", help="Practices are reachable as <id>.DOMAIN.")
@click.option("--metrics", "metrics_listen", help="Loopback address of /metrics and /health.")
def serve(file: Path | None, data: Path | None, **given: str | None) -> None:
    """Run a hub until SIGTERM."""
    from praxisd_relay import hub_run  # the other commands need no hub, and should be quick

    chosen = configuration.load(file, data, **given)
    try:
        sys.exit(hub_run.serve(chosen))
    except OSError as error:
        if error.filename:
            raise ConfigError("unreadable", f"{error.filename}: {error.strerror}") from None
        title, *rest = _three("address")
        _problem("address", 1, [title, f"{', '.join(chosen.listen)}: {error.strerror or error}", *rest])


@relay_hub.command()
@_where
@_JSON
@click.argument("practice", required=False)
@click.option("--label", help="The same: what you call the practice.")
@click.option("--hours", type=click.FloatRange(0.01, 24 * 90), default=CODE_SECONDS / 3600, show_default=True)
def code(
    file: Path | None, data: Path | None, as_json: bool, practice: str | None, label: str | None, hours: float
) -> None:
    """Make an invitation for a practice; PRACTICE is what you call it."""
    label = label or practice
    if not label:
        raise click.UsageError(_say("say.no_label"))
    from praxisd_relay.hub_certificate import LinkCertificate

    chosen = configuration.load(file, data)
    chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    pin = LinkCertificate(chosen).pin
    with _Registry(chosen) as registry:
        seconds = int(hours * 3600)
        made = registry.invite(label, seconds)
        until = next(one.until for one in reversed(registry.codes()) if one.label == label[:200])
    line = Invitation(*_door(chosen), made, pin).text()
    if as_json:
        _print({"invitation": line, "label": label, "until": _time(until)})
        return
    click.echo(_say("say.made", label=label, until=_time(until)), err=True)
    click.echo(line)
    click.echo(_say("say.hand_on"), err=True)


@relay_hub.command("list")
@_where
@_JSON
@click.option("--codes", is_flag=True, help="The one-time codes instead of the practices.")
def list_(file: Path | None, data: Path | None, as_json: bool, codes: bool) -> None:
    """Practices, and what went through in the last 24 hours."""
    with _Registry(configuration.load(file, data)) as registry:
        rows = hub_listing.codes(registry) if codes else hub_listing.practices(registry)
    if as_json:
        _print({"codes" if codes else "practices": rows})
    elif not rows and not codes:
        click.echo(_say("say.none"), err=True)
    else:
        click.echo(hub_listing.table(rows, lambda key: _say(key)))


@relay_hub.command()
@_where
@_JSON
@click.argument("practice")
def revoke(file: Path | None, data: Path | None, as_json: bool, practice: str) -> None:
    """Shut a practice out, at once; PRACTICE is its id, the beginning of it, or a name."""
    _turn(file, data, as_json, practice, "revoked", Registry.revoke)


@relay_hub.command()
@_where
@_JSON
@click.argument("practice")
def restore(file: Path | None, data: Path | None, as_json: bool, practice: str) -> None:
    """Take a revocation back."""
    _turn(file, data, as_json, practice, "restored", Registry.restore)


def _turn(file: Path | None, data: Path | None, as_json: bool, practice: str, word: str, turn: Any) -> None:
    with _Registry(chosen := configuration.load(file, data)) as registry:
        id_ = hub_listing.meant(registry, chosen.domain, practice)
        turned = [one.id for one in turn(registry, id_)]
    if as_json:
        _print({word: turned})
        return
    for one in turned or [id_]:
        click.echo(_say(f"say.{word}" if turned else "say.nothing_changed", id=one))


@relay_hub.command()
@_where
@_JSON
@click.argument("practice")
@click.option("--add", multiple=True, metavar="NAME", help="An own host name that leads here too.")
@click.option("--remove", multiple=True, metavar="NAME", help="One that does so no more.")
@click.option("--label", help="What you call the practice.")
def names(
    file: Path | None,
    data: Path | None,
    as_json: bool,
    practice: str,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    label: str | None,
) -> None:
    """Show or change the names of a practice."""
    with _Registry(chosen := configuration.load(file, data)) as registry:
        found = registry.present(hub_listing.meant(registry, chosen.domain, practice))
        if found is None:
            raise Refusal("unknown")
        if add or remove or label is not None:
            if chosen.link_name in {one.lower().rstrip(".") for one in add}:
                raise Refusal("name_taken")
            gone = {one.lower().rstrip(".") for one in remove}
            found = registry.rename(found.id, label, [one for one in (*found.names, *add) if one not in gone])
        hosts = [
            f"{one}.{chosen.domain}" for one in (found.id, *(each.id for each in registry.aliases(found.id)))
        ]
    if as_json:
        _print({"id": found.id, "label": found.label, "names": [*hosts, *found.names]})
    else:
        click.echo(_say("say.names", id=found.id, names=", ".join([*hosts, *found.names])))


@relay_hub.command()
@_where
@_JSON
def status(file: Path | None, data: Path | None, as_json: bool) -> None:
    """Does it run, and how many are linked?"""
    chosen = configuration.load(file, data)
    found = hub_running.read(chosen.data)
    try:
        if found is None or not found.get("metrics"):
            raise OSError("not running")
        with urllib.request.urlopen(f"http://{found['metrics']}/health", timeout=5) as answer:
            state = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        if as_json:
            _print({"status": "away"})
        _problem("away", 3, _three("away"))
    if as_json:
        _print({**state, "address": found["address"], "pid": found["pid"]})
    else:
        numbers = {name: state[name] for name in ("links", "practices", "streams")}
        since, until = _time(state["since"]), state["certificateUntil"]
        click.echo(
            _say("say.status", status=_say(f"say.{state['status']}"), since=since, until=until, **numbers)
        )


class _Registry:
    """The registry of a folder that exists, closed at the end."""

    def __init__(self, chosen: Config) -> None:
        if not chosen.data.is_dir():
            raise ConfigError("unreadable", str(chosen.data))
        self._opened = Registry(chosen.registry)

    def __enter__(self) -> Registry:
        return self._opened

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def _door(chosen: Config) -> tuple[str, int]:
    """Name and port that practices dial: those of the hub that runs in this folder, else what the configuration says."""
    found = hub_running.read(chosen.data)
    if found is not None:
        return str(found["link"]), int(found["port"])
    port = chosen.public_port or address(chosen.listen[0])[1]
    if not port:
        raise ConfigError("no_address", f"listen = {chosen.listen[0]!r}")
    return chosen.link_name, port


def _say(key: str, **params: object) -> str:
    context = click.get_current_context(silent=True)
    chosen = None if context is None else context.meta.get(_LANG)
    return words.say(key, words.language(chosen), **params)


def _three(code: str) -> list[str]:
    known = code if words.has(f"problem.{code}.title") else "unknown"
    return [_say(f"problem.{known}.{part}") for part in ("title", "cause", "solution")]


def _problem(code: str, exit_code: int, lines: list[str]) -> NoReturn:
    click.echo("\n".join([*lines, f"(relay-hub.{code})"]), err=True)
    sys.exit(exit_code)


def _print(answer: object) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


commands = (relay_hub,)
relay_hub.name = "relay-hub"
