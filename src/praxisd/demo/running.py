"""`praxisd demo`: fill an empty folder, serve it, and say in DIR/access.json how to get in.

A folder that was filled before is served again as it is; any other folder with content is refused.
"""

import gc
import json
import shutil
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from praxisd import main, serving
from praxisd.demo import filling, guarding, medicating, practice, relaying
from praxisd.demo.sandboxes import Sandboxes
from praxisd.kernel import heaps
from praxisd.kernel.app import House
from praxisd.kernel.config import load
from praxisd.kernel.control import owning, write_private
from praxisd.kernel.errors import Problem

ACCESS = "access.json"
UNSERVED = Path("run", "access.json")
"""Where the secrets wait between filling and the first answer: access.json itself says that the server is up."""
_HARMLESS = frozenset({"run", "praxisd.toml"})
"""May lie in a folder that counts as empty: what our own lock leaves, and the configuration."""


def run(
    folder: Path,
    config: Path | None,
    host: str,
    port: int,
    today: date | None,
    language: str,
    plain: bool = False,
) -> int:
    """Fill the folder if it is empty, and serve it until a signal; returns the exit code.

    `today` None: the present day in the practice's zone. `plain`: in this process, without a guard that keeps and updates
    it. Problems: `control.folder_not_empty` (409) and those of `serving.serve`.
    """
    known = _read(folder)
    if known is None and _content(folder):
        raise Problem("control.folder_not_empty", 409, folder=str(folder))
    serving.leave_on_signal()
    heaps.few()  # before the sandboxes: their threads would have heaps of their own
    with owning(folder, serving.RESTART_PATIENCE_S):
        if known is None:
            known = prepare(folder, config, today or datetime.now(ZoneInfo(practice.ZONE)).date(), language)
            write_private(folder / UNSERVED, json.dumps(known))
        sandboxes = Sandboxes(folder, language, known["sandbox"], updates=not plain)
        try:
            known["sandbox"] = sandboxes.start()
            if plain:
                return _served_here(folder, config, host, port, known, sandboxes)
            doors = guarding.introduce(folder, config, host, port, known, sandboxes)
        except BaseException:
            sandboxes.stop()
            raise
    try:
        return guarding.keep(folder, doors, lambda url: _tell(folder, url, known))
    finally:
        sandboxes.stop()


def _served_here(
    folder: Path, config: Path | None, host: str, port: int, access: dict[str, Any], sandboxes: Sandboxes
) -> int:
    def tell(house: House, url: str) -> None:
        sandboxes.introduce(house, url, access["sandbox"])
        access["relay"] = relaying.introduce(house, folder, access["sandbox"]["relay"])
        access["sandbox"]["relay"] = access["relay"]["url"]
        _tell(folder, url, access)

    gc.disable()  # until all is ready, as `praxisd serve` does
    try:
        return serving.serve_owned(folder, config, host, port, tell)
    finally:
        sandboxes.stop()


def _tell(folder: Path, url: str, access: dict[str, Any]) -> None:
    """Write access.json: the server answers; and say how to get in to who sits here."""
    write_private(folder / ACCESS, json.dumps(at(url, access), indent=2) + "\n")
    (folder / UNSERVED).unlink(missing_ok=True)
    print(_welcome(url, access), file=sys.stderr, flush=True)  # noqa: T201  (for who sits here)


def _welcome(url: str, access: dict[str, Any]) -> str:
    """How to get into the console; the people of this practice are invented, so its password may be read here."""
    who = f"{access['console']['user']} / {access['console']['password']}"
    sandbox = access["sandbox"]
    return (
        f"\n  Konsole / console:  {url}\n  Benutzer / user:    {who}\n"
        f"  SMS:                {sandbox['sms']}\n  E-Mail:             {sandbox['mail']}\n"
        f"  Portal:             {sandbox['portal']}\n"
        f"  Relay:              {sandbox['relay']}\n"
        f"{_line('Updates:', sandbox.get('updates'))}"
        "  (docs/de/konsole.md, docs/en/console.md)\n"
    )


def _line(label: str, value: str | None) -> str:
    return f"  {label:<20}{value}\n" if value else ""


def prepare(folder: Path, config: Path | None, today: date, language: str) -> dict[str, Any]:
    """Fill the folder, whose lock the caller holds; what goes into access.json, without addresses.

    If that fails, what was written is taken away, so that the folder is empty again.
    """
    clock = filling.clock_for(today)
    try:
        house = main.open_practice(folder, load(config, folder), clock)
        try:
            medicating.furnish(house, today)
            found = filling.fill(house, clock, today, language)
        finally:
            house.store.close()
    except BaseException:
        for path in _content(folder):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
    owner, *others = (login for login, _ in practice.USERS)
    return {
        "api_key": found.api_key,
        "desk_key": found.desk_key,
        "console": {"user": owner, "password": found.passwords[owner]},
        "users": [{"user": login, "password": found.passwords[login]} for login in others],
        "ical_url": f"/ical/{found.feed}.ics",
        "sandbox": {},
        "today": today.isoformat(),
    }


def at(url: str, known: dict[str, Any]) -> dict[str, Any]:
    """access.json for a server that answers under `url`: the secrets stay, the addresses follow."""
    path = "/ical/" + known["ical_url"].rpartition("/ical/")[2]
    addresses = {"url": url, "fhir_url": f"{url}/fhir/R4"}
    return {
        **addresses,
        **known,
        **addresses,
        "ical_url": url + path,
    }  # twice: once for the order, once to win


def _read(folder: Path) -> dict[str, Any] | None:
    """access.json of an earlier start, or the secrets of a filling that was not served yet, or None."""
    for name in (ACCESS, UNSERVED):
        try:
            found = json.loads((folder / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            continue
        if isinstance(found, dict) and "ical_url" in found:
            return found
    return None


def _content(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if p.name not in _HARMLESS] if folder.is_dir() else []
