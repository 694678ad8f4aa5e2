"""`praxisd-guard run|status|order`: keep the server, say how it is, leave an order.

Answers go to standard output, all else to standard error; exit codes: 0 good, 1 a problem was found, 2 wrong use, 3 no
guard runs (SPEC 14.3).
"""

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from praxisd_guard import journal, orders, told, words
from praxisd_guard.keeper_state import State, read_state

GOOD, PROBLEM, WRONG, UNREACHABLE = 0, 1, 2, 3
_LOOK_S = 0.1
_ORDER_FIELDS = ("version", "package", "target", "seen")


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code."""
    sys.exit(command(args))


def command(args: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. argparse leaves with 2 by itself."""
    given = _parser().parse_args(args)
    lang = words.language(given.lang)
    if os.name == "nt":
        return _fault("windows", lang, WRONG)
    given.home = given.home.absolute()
    if told.read(given.home) is None:
        return _fault("no_home", lang, WRONG, home=given.home)
    if given.command == "run":
        return _run(given.home, lang, given.with_parent)
    return _status(given, lang) if given.command == "status" else _order(given, lang)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="praxisd-guard", description=__doc__.splitlines()[0])
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--home", type=Path, required=True, help="the program's folder")
    shared.add_argument("--lang", choices=words.LANGUAGES)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", parents=[shared], help="keep the server until SIGTERM")
    run.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    status = commands.add_parser("status", parents=[shared], help="what the guard does")
    order = commands.add_parser("order", parents=[shared], help="leave an order for the guard")
    for one in (status, order):
        one.add_argument("--json", action="store_true", dest="as_json")
    order.add_argument("kind", choices=orders.KINDS)
    order.add_argument("--reason", default="person")
    order.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait for its outcome")
    for name in _ORDER_FIELDS:
        order.add_argument(f"--{name}")
    return parser


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _fault(key: str, lang: str, code: int, **params: object) -> int:
    sys.stderr.write(words.say(f"say.{key}", lang, **params) + "\n")
    return code


def _run(home: Path, lang: str, with_parent: bool) -> int:
    from praxisd_guard import keeper_run  # the other commands need none of it
    from praxisd_guard.keeper_lock import Taken

    try:
        return keeper_run.run(home, with_parent=with_parent)
    except keeper_run.NotUsable as fault:
        return _fault(fault.key, lang, PROBLEM, **fault.params)
    except Taken:
        return _fault("second", lang, PROBLEM, home=home)


def _status(given: argparse.Namespace, lang: str) -> int:
    from praxisd_guard.keeper_lock import guard_runs

    found = read_state(given.home)
    runs = guard_runs(given.home)
    state = found.state if found is not None and runs else "stopped"
    if given.as_json:
        says = told.read(given.home)
        where = {} if says is None else {"host": says.host, "port": says.port, "data": str(says.data)}
        shown = {"running": runs, "state": state} | where
        known = (
            {}
            if found is None
            else {k: v for k, v in vars(found).items() if k not in ("state", "by", "with_parent")}
        )
        _print(json.dumps(known | shown, ensure_ascii=False))
    else:
        _print_status(found, state, lang)
    if not runs:
        return UNREACHABLE
    return PROBLEM if state in ("safe", "floor") else GOOD


def _print_status(found: State | None, state: str, lang: str) -> None:
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(found.since if found else time.time()))
    version = (found.version if found else None) or "?"
    _print(
        words.say("say.status", lang, version=version, state=words.say(f"state.{state}", lang), since=since)
    )
    if found is not None and found.failures:
        _print(words.say("say.failures", lang, count=found.failures))
    if found is not None and found.order:
        _print(words.say("say.order", lang, order=found.order, step=found.step or ""))


def _order(given: argparse.Namespace, lang: str) -> int:
    from praxisd_guard.keeper_lock import guard_runs

    more = {name: getattr(given, name) for name in _ORDER_FIELDS if getattr(given, name) is not None}
    for name in ("package", "seen"):
        if name in more:
            more[name] = str(Path(more[name]).absolute())
    try:
        made = orders.order(given.kind, f"cli:{getpass.getuser()}", given.reason, **more)
    except ValueError as error:
        return _fault("no_order", lang, WRONG, detail=error)
    orders.give(given.home, made)
    outcome = journal.outcome(given.home, made.id)
    until = time.monotonic() + given.wait
    while not outcome.final and time.monotonic() < until:
        time.sleep(_LOOK_S)
        outcome = journal.outcome(given.home, made.id)
    if given.as_json:
        _print(json.dumps({"order": made.id, "state": outcome.state, "code": outcome.code}))
    elif outcome.state == "waiting":
        _print(words.say("say.given", lang, order=made.id))
    else:
        _print(
            words.say("say.order", lang, order=made.id, step=words.why(outcome.code or outcome.state, lang))
        )
    if outcome.final and outcome.state != "kept":
        return PROBLEM
    return GOOD if outcome.final or guard_runs(given.home) else UNREACHABLE
