"""House: the running program. Opens what it needs in order, and closes it in reverse.

States: starting → running → stopping; `safe` is a start that serves only console, diagnosis, logs,
backups and updates.
"""

import enum
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from praxisd.kernel import database_away, engines, events, migrations, vault_known
from praxisd.kernel.clock import Clock, SystemClock
from praxisd.kernel.config import Config
from praxisd.kernel.guarded import Guarded
from praxisd.kernel.lent import Lent, quieted, seal
from praxisd.kernel.lent import lent as loan_of
from praxisd.kernel.log import Log
from praxisd.kernel.registry import Registry
from praxisd.kernel.service import Service
from praxisd.kernel.sessions import Guests
from praxisd.kernel.settings import Settings
from praxisd.kernel.store import Store
from praxisd.kernel.texts import Texts
from praxisd.kernel.vault import Vault
from praxisd.kernel.visitors import Visitors
from praxisd.kernel.wake import Wake


class State(enum.StrEnum):
    """What the program is doing."""

    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"
    SAFE = "safe"
    STOPPING = "stopping"


@dataclass
class House:
    """All parts of one running praxisd. `node` names this process among several on one database.

    `closers` end what was opened on demand; they are called when the house stops, the newest first. `visitors` are guests
    that came in through the relay, known to the doors by it. `guard` is None where nobody guards this server; `work` are the
    names of the threads that must be alive. `guests` lets people in for a time who are no users.
    `safe`: only checks run, no job, no handler, no room
    (SPEC 7.2); it stays true while the house drains. `lent`: the folder is a loan on a laptop (`kernel/lent`).
    """

    folder: Path
    config: Config
    registry: Registry
    store: Store
    settings: Settings
    vault: Vault
    clock: Clock
    log: Log
    wake: Wake
    node: str
    state: State = State.STARTING
    shared: dict[str, Any] = field(default_factory=dict)
    closers: list[Callable[[], None]] = field(default_factory=list)
    safe: bool = False
    guard: Guarded | None = None
    work: set[str] = field(default_factory=set)
    visitors: Visitors = field(default_factory=Visitors)
    guests: Guests | None = None
    lent: Lent | None = None
    _threads: list[threading.Thread] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def texts(self) -> Texts:
        """Texts of all services."""
        return self.registry.texts

    def start_work(self) -> None:
        """Start the background threads: events to handlers, jobs, checks. In safe mode only the checks."""
        from praxisd.kernel.guarded_restart import LOOK_S, Turns
        from praxisd.kernel.issues import Checker
        from praxisd.kernel.jobs import Worker

        self._note_keys()
        dispatcher = events.Dispatcher(self, self.registry.handlers)
        self.shared["dispatcher"] = dispatcher
        worker = self.shared["worker"] = Worker(self)
        checker = self.shared["checker"] = Checker(self)
        self.wake.start()
        self._spawn("checks", lambda: self._loop(checker.step, lambda: 5.0))
        if self.guard is not None:
            turns = Turns(self)
            self._spawn("guard", lambda: self._every(LOOK_S, turns.look))
        if self.safe:
            return
        self._spawn("events", lambda: self._loop(dispatcher.step, lambda: 1.0, on_trial=False))
        self._spawn("jobs", lambda: self._loop(worker.step, worker.pause, on_trial=False))
        for one in self.registry.services:
            if one.start is not None:
                self._start(one)

    def _note_keys(self) -> None:
        """The keys in the vault's file are missed from now on. That they cannot be noted keeps nobody from starting."""
        try:
            vault_known.note(self)
        except Exception as error:
            self.log.warning("keys_not_noted", error=error)

    def _start(self, service: Service) -> None:
        """Start one; a plug-in that cannot is switched off, and the others work on."""
        from praxisd.kernel.plugin_loading import start_failed

        if service.start is None:
            return
        try:
            service.start(self)
        except Exception as error:
            if not start_failed(self, service, error):
                raise

    def _loop(self, step: Callable[[], int], pause: Callable[[], float], *, on_trial: bool = True) -> None:
        """Run `step` until stop; sleep `pause()` seconds when it had nothing to do, wake early on a commit.

        Without `on_trial` it begins once the guard keeps this version.
        """
        if not on_trial:
            self._wait_until_kept()
        while not self._stop.is_set():
            seen = self.wake.mark()
            try:
                busy = step()
            except Exception as error:
                busy = 0
                self.log.error("loop_failed", where=threading.current_thread().name, error=error)
            if not busy and not self._stop.is_set():
                self.wake.wait(seen, pause())

    def _wait_until_kept(self) -> None:
        """Until the guard keeps this version, or the stop: one that is taken back must have sent nothing."""
        while self.guard is not None and self.guard.tried and not self._stop.wait(0.25):
            pass

    def _every(self, seconds: float, step: Callable[[], object]) -> None:
        """Run `step` again and again until stop, so many seconds apart."""
        while not self._stop.wait(seconds):
            try:
                step()
            except Exception as error:
                self.log.error("loop_failed", where=threading.current_thread().name, error=error)

    def _spawn(self, name: str, run: Any) -> None:
        thread = threading.Thread(target=run, name=f"praxisd-{name}", daemon=True)
        self.work.add(thread.name)
        thread.start()
        self._threads.append(thread)

    @property
    def stopping(self) -> bool:
        """True once the program is asked to end."""
        return self._stop.is_set()

    def stop(self, patience_s: float = 5.0) -> None:
        """End background work at its next checkpoint, then close the store."""
        self.state = State.STOPPING
        end = time.monotonic() + patience_s
        self._stop.set()
        self.wake.stop()
        worker = self.shared.get("worker")
        if worker is not None:
            worker.stop(patience_s / 2)
        for thread in self._threads:
            thread.join(max(0.1, end - time.monotonic()))
        while self.closers:
            try:
                self.closers.pop()()
            except Exception as error:
                self.log.error("closing_failed", error=error)
        self.store.close()


def open_house(
    folder: Path,
    services: Registry,
    config: Config | None = None,
    clock: Clock | None = None,
    *,
    migrate: bool = True,
    expand: bool = False,
    safe: bool = False,
) -> House:
    """Open the data folder's store and assemble the house; no thread runs yet and nothing is served.

    `expand`: this program is on trial (SPEC 6.3), so steps that take something away wait for its next start. `safe`: for a
    start in safe mode, which changes no schema.
    """
    config = config or Config()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    clock = clock or SystemClock()
    log = Log(config.log_level)
    engine = engines.connect(config.database_url, folder, min(config.job_lease_s, engines.FROZEN_S))
    if isinstance(engine, engines.Postgres):
        database_away.wait_for(engine, config.database_patience)
    store = Store(engine, clock)
    expand = expand or safe
    on_loan = loan_of(folder)
    if (migrate and not safe) or not migrations.applied(
        store
    ):  # a new database has nothing that could be lost
        migrations.upgrade(store, services, expand=expand)
    migrations.require_current(store, services, expand=expand)
    store.append = events.appender(services.retention)
    vault = vault_known.opened(Path(config.vault_key) if config.vault_key else folder / "vault.key", store)
    node = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
    house = House(
        folder=folder,
        config=config,
        registry=services if on_loan is None else quieted(services, on_loan),
        store=store,
        settings=Settings(services, config.settings),
        vault=vault,
        clock=clock,
        log=log,
        wake=Wake(engine),
        node=node,
        safe=safe,
        lent=on_loan,
    )
    if on_loan is not None:
        store.sealed = seal(house)
    store.on_commit.append(house.wake.signal)
    return house


def encode(value: object) -> bytes:
    """JSON bytes of a struct or plain value, as all doors send them."""
    return msgspec.json.encode(value)


__all__: Sequence[str] = ("House", "State", "encode", "open_house")
