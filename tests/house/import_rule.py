"""The import rule of the house as one pure function: which imports of a module are not allowed."""

import sys

PURE_LIBRARIES = {"cronsim", "dateutil", "holidays", "phonenumbers"}
# Standard library that reaches outside the process or waits: no rule needs it.
IMPURE = {"asyncio", "ftplib", "http", "logging", "multiprocessing", "os", "pathlib", "shutil", "smtplib"}
IMPURE |= {"socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request"}
OUTSIDE = {"aiohttp", "aiosmtplib", "httpx", "niquests", "requests", "smtplib", "urllib.request"}
DATABASE = {"alembic", "psycopg", "sqlalchemy"}
DOORS = {"litestar", "starlette"}
_TOP = ("cli", "demo", "serving", "main")
LONERS = ("praxisd_guard", "praxisd_relay", "praxisd_client")


def _within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def _room(module: str) -> str:
    """`kernel`, `model`, `web`, `main`, `cli`, `testing`, or `services.<name>`; empty for praxisd itself."""
    parts = module.split(".")
    if parts[1:2] == ["services"]:
        return ".".join(parts[1:3])
    return ".".join(parts[1:2])


def _may_know(room: str, other: str) -> bool:
    """May a module of `room` import something of `other`, both rooms of praxisd?"""
    if other in ("", "__version__", room) or room in ("", "testing", "__main__", *_TOP):
        # At the top each knows what stands behind it in the list, and nothing before it.
        return not (room in _TOP and other in _TOP[: _TOP.index(room)])
    # The sandbox plays a publisher: it makes its repositories with what publishers use.
    publisher = {"kernel", "model", "services.updates", "services.medication"}
    special = {"kernel": set(), "model": {"kernel"}, "sandbox": publisher}
    below = special.get(room, {"kernel", "model"})
    return other in below


def may_touch_database(module: str) -> bool:
    """SQLAlchemy and drivers: kernel, stores, migrations, backup sources, and the testing package."""
    parts = module.split(".")
    return (
        _room(module) in ("kernel", "testing")
        or parts[-1] == "store"
        or parts[-1].endswith("_store")
        or "migrations" in parts
        or module.startswith("praxisd.services.backups.sources")
    )


def may_reach_outside(module: str) -> bool:
    """The ways out: kernel/http and kernel/mail, adapters (plural folders), TUF fetcher, command lines."""
    parts = module.split(".")
    adapters = {"portals", "channels", "engines", "formats", "sources"}
    return (
        module in ("praxisd.kernel.http", "praxisd.kernel.http_stream", "praxisd.kernel.mail")
        or _room(module) in ("testing", "services.updates")
        or parts[-1] in ("cli", "control")
        or (len(parts) > 4 and parts[3] in adapters)
    )


def is_rules(module: str) -> bool:
    """`rules.py` of a service, or one of its parts `<something>_rules.py`."""
    parts = module.split(".")
    return _room(module).startswith("services.") and (parts[-1] == "rules" or parts[-1].endswith("_rules"))


def _rules_may_know(name: str, service: str) -> bool:
    allowed = {"praxisd.model", "praxisd.kernel.errors", "praxisd.kernel.schedule"}
    if name.startswith(f"praxisd.services.{service}."):
        return True  # a part of the same service: it is held to this rule in turn (see pure_parts)
    if name.startswith("praxisd"):
        return _within(name, allowed)
    top = name.split(".")[0]
    return top in PURE_LIBRARIES or (top in sys.stdlib_module_names and not _within(name, IMPURE))


def faults(module: str, imports: set[str], *, pure: bool = False) -> list[str]:
    """The imports of `module` that the rule forbids, as sentences; `pure` adds what rules.py must keep."""
    package = module.split(".")[0]
    found: list[str] = []
    for name in sorted(imports):
        if package in LONERS and _within(name, {"praxisd"}):
            found.append(f"{module} imports {name}: {package} knows nothing of praxisd")
        if package != "praxisd":
            continue
        room, other = _room(module), _room(name)
        if name.startswith("praxisd."):
            mine, services = room.startswith("services."), other.startswith("services.")
            if mine and services and room != other:
                if name.split(".")[3:4] != ["api"]:
                    found.append(f"{module} imports {name}: another service is entered through its api")
            elif other != "services" and not _may_know(room, other):
                found.append(f"{module} imports {name}: {room} does not know {other}")
        if _within(name, DOORS) and room not in ("web", "testing"):
            found.append(f"{module} imports {name}: Litestar appears only in web")
        if _within(name, DATABASE) and not may_touch_database(module):
            found.append(f"{module} imports {name}: SQLAlchemy only in kernel, store.py and migrations")
        if _within(name, OUTSIDE) and not may_reach_outside(module):
            found.append(
                f"{module} imports {name}: the outside world only through kernel.http and kernel.mail"
            )
        if pure and not _rules_may_know(name, module.split(".")[2]):
            found.append(f"{module} imports {name}: rules are pure")
    return found


def pure_parts(imports: dict[str, set[str]]) -> set[str]:
    """All rules modules, and every part of the same service they lean on: purity is inherited."""
    pure = {module for module in imports if is_rules(module)}
    waiting = list(pure)
    while waiting:
        module = waiting.pop()
        own = ".".join(module.split(".")[:3]) + "."
        for name in imports[module]:
            # `from .days import Span` is `....days.Span`: the part is the first name below the service.
            part = own + name.removeprefix(own).split(".")[0]
            if name.startswith(own) and part in imports and part not in pure:
                pure.add(part)
                waiting.append(part)
    return pure


def service_cycles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Circles of services that need each other through their apis."""
    needs: dict[str, set[str]] = {}
    for module, names in imports.items():
        if _room(module).startswith("services."):
            others = {_room(name) for name in names if _room(name).startswith("services.")}
            needs.setdefault(_room(module), set()).update(others - {_room(module)})
    circles: list[list[str]] = []

    def walk(room: str, path: list[str]) -> None:
        for other in sorted(needs.get(room, ())):
            if other == path[0]:
                circles.append([*path, other])
            elif other not in path and other > path[0]:
                walk(other, [*path, other])

    for room in sorted(needs):
        walk(room, [room])
    return circles
