"""What the kernel's commands do, in the server or under the folder's lock: doctor, migrate, settings, maintenance.

JSON in and out. Who may run a command is whoever may read the data folder.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import clock, issues, issues_help, maintenance
from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.activity_operations import ACTIVITY_OPERATIONS
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_operations import JOB_OPERATIONS
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Operation, Setting
from praxisd.kernel.settings import Known
from praxisd.kernel.texts import FIRST

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
HOLDER = "cli"
"""Holder of a maintenance that a person began by command; any command may end it."""
_YES = ("true", "yes", "on", "1", "ja", "an")
_NO = ("false", "no", "off", "0", "nein", "aus")


def doctor(house: "House", args: Args) -> Args:
    """Run all checks now: `{"issues": […], "checked": […]}` in the language `lang`."""
    return issues.doctor(house, str(args.get("lang") or FIRST))


def explain(house: "House", args: Args) -> Args:
    """The help page of `code` in the language `lang`, with `url` where the console shows it (null while no server is up)."""
    code, lang = args.get("code"), str(args.get("lang") or FIRST)
    one = issues_help.topic(house.registry, code, lang) if isinstance(code, str) else None
    if one is None:
        raise Problem("control.unknown_name", 404, name=str(code))
    url = house.config.public_url or house.shared.get("url")
    page = f"{str(url).rstrip('/')}/#/help/{one.code}" if url else None
    return {**msgspec.to_builtins(one), "url": page}


def fix(house: "House", args: Args) -> Args:
    """Heal the open issue `code` about `subject`: `{"healed", "restart", "note", "title"}` in the language `lang`."""
    code, subject = args.get("code"), args.get("subject", "")
    if not isinstance(code, str) or not isinstance(subject, str):
        raise Problem("control.bad_arguments", 400)
    if code not in house.registry.fixes:
        raise Problem(issues.NO_FIX, 404, issue=code)
    lang = str(args.get("lang") or FIRST)
    one = issues.fix(house, _fixer(house, args, code, subject), code, subject)
    title = issues.explain(house, one.issue, lang)["title"]
    return {"healed": one.healed, "restart": one.restart, "note": one.told(house, lang), "title": title}


def _fixer(house: "House", args: Args, code: str, subject: str) -> Actor:
    """The command line in the practice meant; in the installation where there are several and none of them has the issue."""
    try:
        return actor(house, args)
    except Problem as problem:
        everywhere = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)
        with house.store.read(everywhere) as tx:
            of = {i.organization for i in issues.list_all(tx) if (i.code, i.subject) == (code, subject)}
        # Open for the server, or for nobody: which practice is meant is no question then.
        if problem.code == "control.organization_needed" and (not of or INSTALLATION in of):
            return everywhere
        raise


def status(house: "House", _args: Args) -> Args:
    """The revisions this database is at. A house that opened is current, so nothing is ever pending here."""
    from praxisd.kernel import migrations

    heads = sorted(migrations.heads(house.registry).values())
    return {"revisions": heads, "applied": []}


def settings_list(house: "House", args: Args) -> Args:
    """All settings of the practice and of the installation, with value and provenance."""
    lang = str(args.get("lang") or FIRST)
    with house.store.read(actor(house, args)) as tx:
        known = house.settings.all(tx)
    return {"settings": [_shown(house, house.settings.declared(k.key), k, lang) for k in known]}


def settings_set(house: "House", args: Args) -> Args:
    """Store the value of one setting, given as text; null restores the default."""
    key, text = args.get("key"), args.get("value")
    if not isinstance(key, str) or not (text is None or isinstance(text, str)):
        raise Problem("control.bad_arguments", 400)
    value = None if text is None else _value(house.settings.declared(key), text)
    known = house.store.run(actor(house, args), lambda tx: house.settings.put(tx, key, value))
    lang = str(args.get("lang") or FIRST)
    return _shown(house, house.settings.declared(key), known, lang)


def _value(setting: Setting, text: str) -> bool | int | str:
    """The text of a command line as the setting's kind; what does not fit stays text and is refused by it."""
    if setting.kind is bool and text.lower() in (*_YES, *_NO):
        return text.lower() in _YES
    if setting.kind is int:
        try:
            return int(text)
        except ValueError:
            return text
    return text


def _shown(house: "House", declared: Setting, known: Known, lang: str) -> Args:
    return {
        "key": known.key,
        "value": known.value,
        "source": known.source,
        "default": declared.default,
        "low": declared.low,
        "high": declared.high,
        "unit": declared.unit,
        "scope": declared.scope.value,
        "label": house.texts.get(f"{known.key}.label", lang),
    }


def maintenance_begin(house: "House", args: Args) -> Args:
    """Close all doors for at most `minutes` (1 to 1440)."""
    minutes, reason = args.get("minutes"), args.get("reason") or "planned"
    if not isinstance(minutes, int) or not 1 <= minutes <= 1440 or not isinstance(reason, str):
        raise Problem("control.bad_arguments", 400)
    try:
        found = house.store.run(system("cli"), lambda tx: maintenance.begin(tx, HOLDER, minutes * 60, reason))
    except ValueError:
        raise Problem("control.bad_arguments", 400) from None
    return _maintenance(house, found)


def maintenance_end(house: "House", _args: Args) -> Args:
    """Open the doors again; `ended` is false if no command had closed them."""
    return {"ended": house.store.run(system("cli"), lambda tx: maintenance.end(tx, HOLDER))}


def maintenance_state(house: "House", _args: Args) -> Args:
    """The maintenance in force, or `active: false`."""
    with house.store.read(system("cli")) as tx:
        found = maintenance.state(tx)
    return {"active": False} if found is None else _maintenance(house, found)


def _maintenance(house: "House", found: maintenance.Maintenance) -> Args:
    with house.store.read(system("cli")) as tx:
        zone = zone_of(zone_name(house, tx))
    return {
        "active": True,
        "holder": found.holder,
        "reason": found.reason,
        "since": clock.format_rfc3339(found.since, zone),
        "until": clock.format_rfc3339(found.until, zone),
    }


OPERATIONS = (
    Operation("kernel.doctor", doctor, offline=True),
    Operation("kernel.explain", explain, offline=True),
    Operation("kernel.fix", fix, offline=True),
    Operation("kernel.migrate", status, offline=True),
    Operation("kernel.settings_list", settings_list, offline=True),
    Operation("kernel.settings_set", settings_set, offline=True),
    Operation("kernel.maintenance_begin", maintenance_begin),
    Operation("kernel.maintenance_end", maintenance_end),
    Operation("kernel.maintenance_state", maintenance_state),
    *JOB_OPERATIONS,
    *ACTIVITY_OPERATIONS,
)
