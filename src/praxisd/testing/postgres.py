"""A private PostgreSQL server for tests, bench and torture: started from nothing, gone with its owner.

    server = PostgresServer()            # PostgresServer(durable=True) keeps fsync on, for measurements
    server.start()                       # -> postgresql+psycopg://praxisd@127.0.0.1:<port>/postgres
    url = server.new_database()          # a fresh, empty database
    server.stop()

`python -m praxisd.testing.postgres [--durable]` prints the url of a fresh database and lives until its
standard input closes or SIGTERM/SIGINT arrives.

The server listens on 127.0.0.1 and on a socket in its own folder, and trusts every local caller: it is for
throw-away data only.
"""

import argparse
import atexit
import itertools
import os
import pwd
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql

USER = "praxisd"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
DEBIAN_PACKAGE = "postgresql"
CREATECLUSTER = Path("/etc/postgresql-common/createcluster.conf")

# Speed instead of safety: the data of a test is worth nothing after a crash of the machine.
# Nor does a database that lives for a second need a cleaner, who would look into each one that is there.
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10min",
}
SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "autovacuum_naptime": "10s",
    "log_min_messages": "warning",
    # The server must not answer in the language or the zone of the machine.
    "lc_messages": "C",
    "timezone": "UTC",
}

MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 << 30
"""A careless server lives in memory where so much of it is free (a fraction of that is used)."""

# Waits for one line on standard input. "done" means the owner has stopped the server itself; end of file
# means the owner is dead (kill -9 included): then the server is stopped here and the folder removed.
_WATCHER = """
read -r word || true
[ "$word" = done ] && exit 0
kill -QUIT "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf "$2"
"""


class PostgresMissing(RuntimeError):
    """No PostgreSQL programs on this machine; the message names the package to install."""


def find_programs() -> Path | None:
    """The folder holding `initdb` and `postgres`: newest under Debian's layout, else beside PATH's."""
    debian = [p.parent for p in Path("/usr/lib/postgresql").glob("[1-9][0-9]/bin/postgres")]
    debian.sort(key=lambda folder: int(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        debian.append(Path(on_path).resolve().parent)
    return next((f for f in debian if (f / "initdb").exists() and (f / "postgres").exists()), None)


def install_programs() -> None:
    """Install Debian's package as root, without letting it create and start a cluster of its own.

    Raises PostgresMissing if this is no Debian, we are not root, or apt-get fails.
    """
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        raise PostgresMissing(f"PostgreSQL programs not found; install the package '{DEBIAN_PACKAGE}'")
    if not CREATECLUSTER.exists():
        CREATECLUSTER.parent.mkdir(parents=True, exist_ok=True)
        CREATECLUSTER.write_text("create_main_cluster = false\n")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "UCF_FORCE_CONFFOLD": "1"}
    keep = ["-o", "Dpkg::Options::=--force-confold"]
    for args in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *keep, DEBIAN_PACKAGE]):
        done = subprocess.run(["apt-get", *args], env=env, capture_output=True, text=True)
        if done.returncode:
            tail = (done.stderr or done.stdout).strip()[-500:]
            raise PostgresMissing(f"apt-get {args[0]} failed; install the package '{DEBIAN_PACKAGE}': {tail}")


def programs() -> Path:
    """The folder with the programs, after installing them where that is possible; raises PostgresMissing."""
    found = find_programs()
    if found is None:
        install_programs()
        found = find_programs()
    if found is None:
        raise PostgresMissing(f"PostgreSQL programs not found; install the package '{DEBIAN_PACKAGE}'")
    return found


def _place(durable: bool) -> str:
    """Where a server's folder is made. A database is some eight hundred files, and to copy them on a disk costs six times
    the work of copying them in memory: with one for each test, that is minutes of a run of the suite.

    Not TMPDIR: the path of a unix socket is limited to about 100 bytes, and the account must reach it.
    """
    try:
        room = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
        if not durable and room >= ROOM_BYTES and os.access(MEMORY, os.W_OK):
            return str(MEMORY)
    except OSError:  # a machine without it
        pass
    return "/tmp"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _drop(url: str) -> sql.Composed:
    name = url.rsplit("/", 1)[1]
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))


class PostgresServer:
    """One private server. `durable` keeps fsync on. Thread-safe after `start()`."""

    def __init__(self, *, durable: bool = False) -> None:
        self.durable = durable
        self.port = 0
        self.folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._owner: pwd.struct_passwd | None = None
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._admin: psycopg.Connection[tuple[object, ...]] | None = None
        self._unwanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._dropper: threading.Thread | None = None

    def start(self) -> str:
        """Create the cluster, start the server, wait until it answers; returns the url of its admin database.

        Raises PostgresMissing without the programs, RuntimeError with the server's log if it does not start.
        """
        if self._process is not None:
            return self.url("postgres")
        bin_folder = programs()
        # PostgreSQL refuses to run as root; an unprivileged account of the system takes over.
        self._owner = self._pick_account() if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="praxisd-pg-", dir=_place(self.durable)))
        atexit.register(self.stop)
        if self._owner:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        init = [str(bin_folder / "initdb"), "-D", str(self.folder / "data"), "-U", USER, "-A", "trust"]
        init += ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        done = subprocess.run(init, cwd=self.folder, capture_output=True, text=True, **self._as_account())
        if done.returncode:
            self.stop()
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}")
        for attempt in range(5):
            self.port = _free_port()
            if self._launch(bin_folder):
                return self.url("postgres")
            log = (self.folder / "log").read_text(errors="replace")
            # Another process may have taken the port between looking and binding; all else is final.
            if attempt == 4 or "Address already in use" not in log:
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{log[-2000:]}")
        raise AssertionError("unreachable")

    def url(self, database: str) -> str:
        """SQLAlchemy url of a database of this server."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str | None = None) -> str:
        """Create an empty database, or a copy of the database named `template`, and return its url.

        A template must have no open connection (PostgreSQL refuses to copy a database in use).
        """
        name = f"t{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        with self._as_admin() as connection:
            # Copying files takes half the time of copying through the log, where no disk is waited for.
            if not self.durable and connection.info.server_version >= 150000:
                statement += sql.SQL(" STRATEGY FILE_COPY")
            connection.execute(statement)
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database made by `new_database`, ending the connections it still has."""
        with self._as_admin() as connection:
            connection.execute(_drop(url))

    def drop_database_soon(self, url: str) -> None:
        """`drop_database` in a thread of its own: to drop one takes longer than many a test. What is still to be dropped when
        the server stops goes with its folder.
        """
        with self._lock:
            if self._dropper is None:
                self._dropper = threading.Thread(target=self._drop_all, name="test-databases", daemon=True)
                self._dropper.start()
        self._unwanted.put(url)

    def _drop_all(self) -> None:
        connection = None
        while url := self._unwanted.get():
            with suppress(psycopg.Error):  # the server has been stopped
                if connection is None or connection.closed:
                    connection = self._connect()
                connection.execute(_drop(url))
        if connection is not None:
            connection.close()

    def stop(self) -> None:
        """Stop the server and remove its folder. Harmless when called twice."""
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()
        dropper, self._dropper = self._dropper, None
        if dropper is not None:
            self._unwanted.put("")
        process, self._process = self._process, None
        if process is not None:
            # SIGINT ends sessions and shuts down in order; data that nobody keeps needs no last checkpoint.
            process.send_signal(signal.SIGINT if self.durable else signal.SIGQUIT)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.communicate(b"done\n")
        folder, self.folder = self.folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        atexit.unregister(self.stop)

    def __enter__(self) -> "PostgresServer":
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @staticmethod
    def _pick_account() -> pwd.struct_passwd:
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise PostgresMissing("running as root, and neither account 'postgres' nor 'nobody' exists")

    def _as_account(self) -> dict[str, Any]:
        if self._owner is None:
            return {}
        return {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}

    def _launch(self, bin_folder: Path) -> bool:
        """Start the server process; True once it answers, False if it ended or did not answer in time."""
        folder = self.folder
        if folder is None:
            raise RuntimeError("the server has no folder: call start()")
        command = [str(bin_folder / "postgres"), "-D", str(folder / "data"), "-p", str(self.port)]
        command += ["-h", "127.0.0.1", "-k", str(folder)]
        for name, value in (SETTINGS if self.durable else SETTINGS | CARELESS).items():
            command += ["-c", f"{name}={value}"]
        with (folder / "log").open("wb") as log:
            # Own session: Ctrl-C reaches the tests first, which may still need the server to end cleanly.
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_account(),
            )
        watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHER, "sh", str(process.pid), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._process, self._watcher = process, watcher
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with self._connect():
                    return True
            except psycopg.OperationalError:
                time.sleep(0.02)
        process.kill()
        process.wait()
        watcher.communicate(b"done\n")
        self._process = self._watcher = None
        return False

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, dbname="postgres", autocommit=True, connect_timeout=5
        )

    @contextmanager
    def _as_admin(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """One connection for all that is done to databases, by one thread at a time: each costs a process."""
        with self._lock:
            if self._admin is None or self._admin.closed:
                self._admin = self._connect()
            try:
                yield self._admin
            except psycopg.OperationalError:
                self._admin.close()
                raise


def main() -> int:
    """Command line: print a url, live until standard input closes or a signal asks to end."""
    parser = argparse.ArgumentParser(prog="python -m praxisd.testing.postgres", description=__doc__)
    parser.add_argument("--durable", action="store_true", help="keep fsync on, for measurements")
    options = parser.parse_args()

    def leave(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    try:
        with PostgresServer(durable=options.durable) as server:
            print(server.new_database(), flush=True)
            sys.stdin.read()
    except PostgresMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
