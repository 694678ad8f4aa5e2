"""A hub as a program: from its configuration to the last GOAWAY. SIGTERM and SIGINT drain it, SIGHUP reads the certificate.

While it runs, `run.json` (0600) in its folder says where; the commands look there.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from praxisd_relay import log
from praxisd_relay.config import Config, ConfigError
from praxisd_relay.hub import Hub
from praxisd_relay.log import LOG

RUN_FILE = "run.json"


READY = "ready {where}"


def serve(config: Config, ready: str = READY) -> int:
    """Run until a signal comes; the exit code. `ready` is the line it prints once it answers. Raises ConfigError, OSError, sqlite3.Error before it is ready."""
    log.to_stderr(config.log)
    return runner()(_serve(config, ready))


def runner() -> Callable[[Coroutine[Any, Any, int]], int]:
    """How a program's coroutine is run: on uvloop where there is one, unless PRAXIS_RELAY_LOOP is "asyncio"."""
    if os.environ.get("PRAXIS_RELAY_LOOP") != "asyncio":
        try:
            import uvloop
        except ImportError:
            return asyncio.run
        return lambda program: uvloop.run(program)
    return asyncio.run


async def _serve(config: Config, ready: str) -> int:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log.quietly)
    hub = Hub(config)
    ending = asyncio.Event()
    file = config.data / RUN_FILE
    try:
        host, port = await hub.start()
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        _write(
            file, {"pid": os.getpid(), "address": where, "port": hub.public_port, "metrics": hub.metrics_at}
        )
        for name in ("SIGTERM", "SIGINT"):
            loop.add_signal_handler(getattr(signal, name), ending.set)
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, _reload, hub)
        LOG.info("hub %s for *.%s, links to %s", config.node, config.domain, config.link_name)
        sys.stdout.write(ready.format(where=where, port=port) + "\n")
        sys.stdout.flush()
        await ending.wait()
        LOG.info("draining")
        ending.clear()
        draining = asyncio.ensure_future(hub.drain())
        again = asyncio.ensure_future(ending.wait())  # a second signal does not wait for the drain
        await asyncio.wait((draining, again), return_when=asyncio.FIRST_COMPLETED)
        for task in (draining, again):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    finally:
        await hub.stop()
        file.unlink(missing_ok=True)
    LOG.info("stopped")
    return 0


def _reload(hub: Hub) -> None:
    try:
        hub.reload()
    except ConfigError as error:
        LOG.error("the certificate stays as it was: %s", error.what)


def running(data: Path) -> dict[str, Any] | None:
    """What `run.json` says of the hub of this folder; None where none runs (or was killed)."""
    try:
        found = json.loads((data / RUN_FILE).read_text(encoding="utf-8"))
        os.kill(int(found["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(found)


def _write(file: Path, content: dict[str, Any]) -> None:
    part = file.with_name(file.name + ".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump(content, out)
    part.replace(file)
