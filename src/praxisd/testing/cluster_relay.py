"""Two relay hubs with a NATS between them, as programs, for a cluster whose practice is reached from outside through them."""

import contextlib
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

from praxisd.testing import debian
from praxisd.testing.programs import command
from praxisd.testing.relay_hub import Hub, free_port
from praxisd.testing.torture_http import Http, Reply
from praxisd_relay.identity import Invitation
from praxisd_relay.registry import Registry

DOMAIN = "relay.localhost"
START_S = 30.0
DAY_S = 86_400


class Nats:
    """One nats-server; it keeps its port over stops. debian.ProgramMissing where it cannot be had."""

    def __init__(self, folder: Path) -> None:
        self._program = str(debian.program(("nats-server",), "nats-server"))
        folder.mkdir(parents=True, exist_ok=True)
        self._log, self.port = folder / "nats.log", free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and wait until it takes connections. RuntimeError if it does not."""
        line = [self._program, "-a", "127.0.0.1", "-p", str(self.port), "-l", str(self._log)]
        self._process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1) as probe,
            ):
                if probe.recv(4) == b"INFO":
                    return
            time.sleep(0.02)
        raise RuntimeError(f"nats-server does not answer; see {self._log}")

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Relay:
    """Hubs, bus, and the practice's name once it is enrolled. A context: all ends with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.nats = Nats(folder)
        self.hubs: list[Hub] = []
        self.host = ""

    def __enter__(self) -> "Relay":
        import trustme

        try:
            self.nats.start()
            authority = trustme.CA()
            ca = self._folder / "ca.pem"
            authority.cert_pem.write_to_path(str(ca))
            for name in ("hub1", "hub2"):
                hub = Hub(
                    self._folder / name,
                    [],
                    domain=DOMAIN,
                    link_name=f"link.{DOMAIN}",
                    drain_s=2.0,
                    ping_s=4.0,
                    spread_s=1.0,
                )
                made = authority.issue_cert(name)
                chain, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
                chain.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
                made.private_key_pem.write_to_path(str(key))
                with hub.config.open("a") as config:
                    config.write(f'[peers]\nnode = "{name}"\nlisten = "127.0.0.1:0"\nannounce_s = 1\n')
                    config.write(f'public = "127.0.0.1:{hub.port}/{hub.pin}"\n')
                    config.write(f'certificate = "{chain}"\nkey = "{key}"\nca = "{ca}"\n')
                    config.write(f'[nats]\nservers = ["nats://127.0.0.1:{self.nats.port}"]\ndigest_s = 1\n')
                self.hubs.append(hub)
                hub.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for hub in self.hubs:
            hub.__exit__()
        self.nats.stop()

    def enrol(self, data: Path, ask: Any) -> None:
        """Have the running server of `data` enrolled at the first hub; `ask()` gives what its page shows."""
        first = self.hubs[0]
        registry = Registry(first.folder / "data" / "hub.sqlite")
        code = registry.invite("Praxis am Pranger")
        registry.close()
        invited = Invitation(f"link.{DOMAIN}", first.port, code, first.pin).text()
        done = command("relay", "enrol", invited, folder=data)
        if done.code:
            raise RuntimeError(f"not enrolled: {done}")
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            state = ask()
            if state.get("connected") and state.get("host"):
                self.host = state["host"]
                return
            time.sleep(0.2)
        raise RuntimeError(f"no link came up: {ask()}")


def context() -> ssl.SSLContext:
    """TLS to whoever answers; here it is about who is there, not about who it is."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


class Outside(Http):
    """A client that comes in through the hubs, through another one after a failure, as DNS with two addresses would have it."""

    def __init__(self, ports: list[int], host: str, secret: str) -> None:
        super().__init__(ports[0], secret)
        self._ports, self._host, self._turn = ports, host, 0
        self._tls = context()

    async def _send(self, data: bytes) -> Reply:
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await outside(self._ports, self._turn, self._host, self._tls)
        try:
            return await super()._send(data)
        except BaseException:
            self._turn += 1
            raise


async def outside(ports: list[int], turn: int, host: str, tls: ssl.SSLContext) -> Any:
    """A connection through one of the hubs: whichever is the next that takes it. OSError if none does."""
    import asyncio

    for number in range(len(ports)):
        port = ports[(turn + number) % len(ports)]
        try:
            async with asyncio.timeout(10):
                return await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=host)
        except (OSError, TimeoutError) as error:
            last: Exception = error
    raise OSError(str(last))
