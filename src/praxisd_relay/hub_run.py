"""A hub as a program: from its configuration to the last GOAWAY. SIGTERM and SIGINT drain it, SIGHUP reads the certificate."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from praxisd_relay import hub_running, log
from praxisd_relay.config import Config, ConfigError
from praxisd_relay.hub import Hub
from praxisd_relay.log import LOG

READY = "ready {where}"


def serve(config: Config, ready: str = READY) -> int:
    """Run until a signal comes; the exit code. `ready` is the line it prints once it answers.

    Raises ConfigError, OSError, sqlite3.Error before that.
    """
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
    try:
        host, port = await hub.start()
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        door = {"link": config.link_name, "port": hub.public_port, "domain": config.domain}
        hub_running.write(config.data, {"address": where, "metrics": hub.metrics_at, **door})
        for number in (signal.SIGTERM, signal.SIGINT):
            _on(loop, number, ending.set)
        if hasattr(signal, "SIGHUP"):
            _on(loop, signal.SIGHUP, lambda: _reload(hub))
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
        hub_running.forget(config.data)
    LOG.info("stopped")
    return 0


def _on(loop: asyncio.AbstractEventLoop, number: signal.Signals, call: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(number, call)
    except RuntimeError:  # the loops of Windows know no signals
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(call))


def _reload(hub: Hub) -> None:
    try:
        hub.reload()
    except ConfigError as error:
        LOG.error("the certificate stays as it was: %s", error.what)
