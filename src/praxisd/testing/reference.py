"""Write docs/reference from the declarations: `python -m praxisd.testing.reference docs/reference` (make docs).

A house test compares: documentation cannot lie (tests/house/test_reference.py).
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from praxisd import main
from praxisd.kernel import issues_help, registry
from praxisd.kernel.registry import ROLES, Registry
from praxisd.kernel.schedule import to_json
from praxisd.kernel.service import Scope
from praxisd.testing import reference_codes, reference_files

NOTE = "<!-- made by `make docs`; do not edit -->"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _page(title: str, intro: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", NOTE, intro, *parts]) + "\n"


def codes(found: Registry) -> str:
    """Every stable code with its texts in both languages."""
    statuses: dict[str, set[int]] = {}
    for route in found.routes:
        for status, code in route.problems:
            statuses.setdefault(code, set()).add(status)
    checks = set(issues_help.issue_codes(found))
    parts = []
    for code in sorted(found.problems):
        where = [f"HTTP {', '.join(map(str, sorted(statuses[code])))}"] if code in statuses else []
        page = f"[Meldung](../de/codes/{code}.md) / [issue](../en/codes/{code}.md)"
        where += [page] if code in checks else []
        text = found.texts
        rows = [
            (part, text.get(f"{code}.{key}", "de"), text.get(f"{code}.{key}", "en"))
            for part, key in (
                ("Titel / title", "title"),
                ("Ursache / cause", "cause"),
                ("Lösung / solution", "solution"),
            )
        ]
        parts.append(f"## `{code}`\n\n{'; '.join(where)}\n\n{_table(('', 'Deutsch', 'English'), rows)}")
    intro = (
        "Codes are never renamed. REST answers them as `code` of a problem (RFC 9457), FHIR in "
        "`OperationOutcome.issue.details.coding.code`, `praxisd doctor` as the code of an issue. "
        "On FHIR `calendar.slot_taken` is 422."
    )
    return _page("Codes / Problem and issue codes", intro, *parts)


def settings(found: Registry) -> str:
    """Every setting with bounds, default and scope."""
    rows = []
    for key, one in sorted(found.settings.items()):
        kind = " / ".join(one.kind) if isinstance(one.kind, tuple) else one.kind.__name__
        bounds = f"{'' if one.low is None else one.low} – {'' if one.high is None else one.high}"
        text = f"**{found.texts.get(key + '.label', 'de')}**: {found.texts.get(key + '.help', 'de')}"
        english = f"**{found.texts.get(key + '.label', 'en')}**: {found.texts.get(key + '.help', 'en')}"
        bounds = "" if bounds == " – " else bounds
        rows.append(
            (f"`{key}`", kind, f"`{one.default}`", bounds, one.unit or "", one.scope.value, text, english)
        )
    head = ("key", "kind", "default", "bounds", "unit", "scope", "Deutsch", "English")
    intro = (
        "Set in the console (*Settings*, or the page of its subject), with `praxisd settings set KEY VALUE`, with "
        "`PUT /api/v1/settings/{key}`, or in `[settings]` of `praxisd.toml`; none from the environment. What a person stored "
        "goes before the file, the file before the default; `praxisd settings list` says which of the three is in force. Scope "
        "*installation*: one value for all practices on this server; *organization*: one for each practice; *seat*, *user*: "
        "chosen there by each for itself. What must be known before the database is open stands in "
        "[configuration.md](configuration.md)."
    )
    return _page("Einstellungen / Settings", intro, _table(head, rows))


def events(found: Registry) -> str:
    """Every event type with its sentence and retention class."""
    rows = [
        (
            f"`{n}`",
            e.retention.value,
            found.texts.get(f"event.{n}", "de"),
            found.texts.get(f"event.{n}", "en"),
        )
        for n, e in sorted(found.events.items())
    ]
    intro = "An event carries type, record, version, actor, names of changed fields and codes: never patient data."
    return _page("Ereignisse / Events", intro, _table(("type", "retention", "Deutsch", "English"), rows))


def jobs(found: Registry) -> str:
    """Every job with the plan it starts with."""
    rows = []
    for name, one in sorted(found.jobs.items()):
        per = "installation" if one.per is Scope.INSTALLATION else "practice"
        german, english = (found.texts.get(f"job.{name}.help", lang) for lang in ("de", "en"))
        plan = f"`{to_json(one.plan)}`"
        rows.append((f"`{name}`", "on" if one.enabled else "off", plan, one.missed, per, german, english))
    head = ("job", "at first", "plan at first", "missed", "per", "Deutsch", "English")
    return _page("Aufträge / Jobs", "`praxisd jobs list|show|run|schedule`.", _table(head, rows))


def permissions(found: Registry) -> str:
    """Every permission and the roles that carry it."""
    rows = [
        (
            f"`{n}`",
            *("x" if role in p.roles else "" for role in ROLES),
            found.texts.get(f"permission.{n}", "de"),
        )
        for n, p in sorted(found.permissions.items())
    ]
    intro = "owner, desk, partner: people; portal, pvs: access data of programs."
    return _page("Rechte / Permissions", intro, _table(("permission", *ROLES, "Deutsch"), rows))


def ports(_found: Registry) -> str:
    """What praxisd listens on."""
    rows = [
        (
            "8080",
            "TCP",
            "`--host`, `--port`; loopback unless told otherwise",
            "REST, FHIR, health, metrics, documentation",
        ),
        ("free", "TCP", "always loopback; address in `run/control.json`", "commands of this computer"),
        ("5432", "TCP, outgoing", "`database_url`", "PostgreSQL, only if configured"),
    ]
    return _page(
        "Ports",
        "Nothing else is opened, nothing phones home.",
        _table(("port", "kind", "set by", "for"), rows),
    )


def configuration(_found: Registry) -> str:
    """What stands in files, on the command line and in the environment."""
    intro = "Words of the configuration files of server and relay hub. Give paths in full."
    return _page("Konfiguration / Configuration", intro, *reference_files.parts(_table))


PAGES = {
    "configuration.md": configuration,
    "../../deploy/praxisd.service": lambda _found: reference_files.unit_file(),
    "codes.md": codes,
    "settings.md": settings,
    "events.md": events,
    "jobs.md": jobs,
    "permissions.md": permissions,
    "ports.md": ports,
}


def pages() -> dict[str, str]:
    """File name and text of every page."""
    found = registry.freeze(main.services())
    return {name: make(found) for name, make in PAGES.items()}


def write(folder: Path) -> None:
    """Write all pages into the folder, and those of the issues' codes beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    reference_codes.write(folder.parent, registry.freeze(main.services()))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
