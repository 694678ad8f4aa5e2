"""A real haproxy before the nodes, with the configuration of docs/en/several-nodes.md but for TLS and addresses."""

import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from praxisd.testing import debian
from praxisd.testing.relay_hub import free_port

START_S = 30.0
CONFIG = """\
global
    maxconn 4000

defaults
    mode http
    option redispatch
    retries 2
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h

frontend praxis
    bind 127.0.0.1:{port}
    default_backend nodes

backend nodes
    balance leastconn
    option forwardfor
    option httpchk
    http-check send meth GET uri /health/ready
    http-check expect status 200
    default-server inter 1s fall 2 rise 1
{servers}
"""


class Haproxy:
    """Use as a context: it runs inside, at `port`. debian.ProgramMissing where it cannot be had."""

    def __init__(self, folder: Path, nodes: Sequence[int]) -> None:
        self._program = str(debian.program(("haproxy",), "haproxy"))
        self._folder, self.port = folder, free_port()
        servers = (f"    server node{n} 127.0.0.1:{port} check" for n, port in enumerate(nodes))
        self._config = folder / "haproxy.cfg"
        self._config.write_text(CONFIG.format(port=self.port, servers="\n".join(servers)))

    def __enter__(self) -> "Haproxy":
        with (self._folder / "haproxy.log").open("ab") as log:
            self._process = subprocess.Popen([self._program, "-f", str(self._config)], stdout=log, stderr=log)
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return self
            except OSError:
                time.sleep(0.05)
        self._process.kill()
        raise RuntimeError(f"haproxy did not start; see {self._folder / 'haproxy.log'}")

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
