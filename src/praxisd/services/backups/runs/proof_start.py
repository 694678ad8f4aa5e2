"""A praxisd is started on restored data, closed to everybody, and asked how it is: the last step of the restore proof.

It runs as a program of its own (`serving.prove`): in safe mode and in maintenance, without jobs, checks and ways out, on a free
port of this computer only, and it ends with us. Nothing of the restored configuration is used but the vault's key.
"""

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from praxisd.kernel.engines import Postgres as PostgresEngine
from praxisd.kernel.maintenance import KEY as MAINTENANCE
from praxisd.services.backups.engine import Stop
from praxisd.services.backups.plans.sources import OWN_NAMES
from praxisd.services.backups.runs.running import Failed
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import pieces, places
from praxisd.services.backups.sources.own import VAULT

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DATABASE, OWN = OWN_NAMES
NOT_STARTED, NO_DATABASE = "backups.proof_not_started", "backups.proof_no_database"
CODES = (NOT_STARTED, NO_DATABASE)
URL = "PRAXISD_PROOF_DATABASE"
"""In the environment of the program: the database it opens, where that is no file."""
START_S, ASK_S, END_S = 120.0, 10.0, 20.0
_PROGRAM = (
    "import pathlib, sys; from praxisd.serving import prove; sys.exit(prove(pathlib.Path(sys.argv[1])))"
)
_EXPECTED = {"safe", MAINTENANCE}


def started(house: "House", into: Path, manifest: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """Facts for the log: `{"started": seconds it took}`, or `{"notStarted": code}` where the server allows no database for it.

    Failed `backups.proof_not_started`, `backups.proof_no_database`.
    """
    told = {one["name"]: one for one in manifest["sources"]}
    if DATABASE not in told or OWN not in told:
        raise Failed(NO_DATABASE)
    folder = into.parent / "start"
    folder.mkdir(mode=0o700)
    _vault(into, told[OWN], folder)
    try:
        files = [places.inside(into, one) for one in told[DATABASE]["hashes"]]
        dump = next((one for one in files if pieces.whole(one, stop).is_file()), None)
    except OSError as error:
        raise Failed(NO_DATABASE, type(error).__name__) from None
    if dump is None:
        raise Failed(NO_DATABASE)
    if told[DATABASE]["kind"] == "sqlite":
        os.replace(dump, folder / "praxisd.db")  # all was compared: nobody needs it there any more
        return _asked(folder, {}, stop)
    engine = house.store.engine
    if not isinstance(engine, PostgresEngine):
        return {"notStarted": "postgresql"}
    from praxisd.services.backups.sources import postgres_scratch

    url = engine.url.render_as_string(hide_password=False)
    if not postgres_scratch.allowed(url):
        return {"notStarted": "postgresql"}
    try:
        with postgres_scratch.database(url, dump, told[DATABASE]["facts"]) as made:
            return _asked(folder, {URL: made}, stop)
    except SourceFault as fault:
        raise Failed(NOT_STARTED, f"{fault.code} {fault.detail}".strip()) from None


def _vault(into: Path, own: Mapping[str, Any], folder: Path) -> None:
    """The key of the vault, from where it was kept."""
    for path in own["hashes"]:
        try:
            back = places.inside(into, path)
        except places.Outside:
            continue
        if back.name == VAULT and back.is_file():
            shutil.copyfile(back, folder / VAULT)
            os.chmod(folder / VAULT, 0o600)
            return
    raise Failed(NO_DATABASE, VAULT)


def _asked(folder: Path, env: Mapping[str, str], stop: Stop) -> dict[str, Any]:
    """Start it, ask it, end it."""
    began = time.monotonic()
    with _program(folder, env) as program:
        url = _ready(program, stop)
        if url is None:
            raise Failed(NOT_STARTED, "no answer")
        live, ready = _ask(url, "/health/live"), _ask(url, "/health/ready")
        reasons = set(ready[1].get("reasons", ()))
        if live[0] != 200 or not reasons <= _EXPECTED:
            raise Failed(NOT_STARTED, " ".join(sorted(reasons - _EXPECTED)) or f"HTTP {live[0]}")
        return {"started": round(time.monotonic() - began, 1)}


@contextmanager
def _program(folder: Path, env: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PRAXISD_")}
    program = subprocess.Popen(  # noqa: S603  (ourselves)
        [sys.executable, "-c", _PROGRAM, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**clean, **env},
        cwd=folder,
        text=True,
    )
    try:
        yield program
    finally:
        if program.stdin is not None:
            program.stdin.close()  # it ends when nobody holds its input any more
        try:
            program.wait(END_S)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        if program.stdout is not None:
            program.stdout.close()


def _ready(program: "subprocess.Popen[str]", stop: Stop) -> str | None:
    """Its address, once it says so; None if it ended or never did. SourceFault STOPPED."""
    said: list[str] = []

    def read() -> None:
        if program.stdout is not None:
            said.extend(line for line in iter(program.stdout.readline, "") if line.startswith("ready "))

    reader = threading.Thread(target=read, name="praxisd-proof", daemon=True)
    reader.start()
    waited = 0.0
    while waited < START_S and not said and program.poll() is None:
        places.stopped(stop)
        reader.join(0.1)
        waited += 0.1
    return said[0].split(maxsplit=1)[1].strip() if said else None


def _ask(url: str, path: str) -> tuple[int, dict[str, Any]]:
    address = urlsplit(url)
    door = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=ASK_S)
    try:
        door.request("GET", path)
        answer = door.getresponse()
        return answer.status, json.loads(answer.read(65_536))
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Failed(NOT_STARTED, type(error).__name__) from None
    finally:
        door.close()
