"""The ways from a client to the origin, each on one port: direct, haproxy and nginx by SNI (the floor), `ssh -R`, snitun.

snitun lives in an environment of its own (`.venv-relay-bench`, made at the first use from PyPI); ssh is a private sshd on
the loopback with keys of its own.
"""

import contextlib
import getpass
import os
import pwd
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.fernet import Fernet

from bench.relay_origin import NAME
from bench.relay_programs import debian, free_port, running, wait_for

HOME = Path(__file__).resolve().parents[1] / ".venv-relay-bench"
SNITUN = "0.40.0"
"""The newest for Python 3.11."""
_PACKAGES = (f"snitun=={SNITUN}", "uvloop==0.23.0")
_HAPROXY = """\
global
  maxconn 8000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:{port}
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  use_backend b if {{ req.ssl_sni -i {name} }}
backend b
  server s 127.0.0.1:{origin}
"""
_NGINX = """\
daemon off; worker_processes 1; pid {work}/stream.pid; error_log {work}/stream.log; {load}
events {{ worker_connections 4096; }}
stream {{
  map $ssl_preread_server_name $to {{ {name} 127.0.0.1:{origin}; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; ssl_preread on; tcp_nodelay on; proxy_pass $to; }}
}}
"""
_SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {work}/host
PidFile none
AuthorizedKeysFile {work}/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
AllowTcpForwarding remote
PermitRootLogin prohibit-password
LogLevel ERROR
"""

Via = Callable[[int, str], int]
"""A port in between for a port: the slow line. The word says which side of the connection sends through the bottleneck."""


def straight(port: int, _slow: str) -> int:
    """Nothing in between."""
    return port


class Measured(Protocol):
    """A program whose processor time is counted."""

    def cpu_s(self) -> float:
        """So far, seconds."""


@dataclass(frozen=True)
class Way:
    """Where clients connect, which name they ask for, and the program whose processor time is counted."""

    name: str
    port: int
    host: str = NAME
    relay: "Measured | None" = None
    path: "tuple[tuple[str, Measured], ...]" = ()
    """All programs between client and origin, by name, where each is counted for itself."""


@contextlib.contextmanager
def direct(_work: Path, origin: int, via: Via = straight) -> Iterator[Way]:
    """No relay."""
    yield Way("direct", via(origin, "target"))


@contextlib.contextmanager
def haproxy(work: Path, origin: int, via: Via = straight) -> Iterator[Way]:
    """haproxy, tcp mode, by SNI."""
    program = _need("haproxy", "haproxy")
    port, conf = free_port(), work / "haproxy.conf"
    conf.write_text(_HAPROXY.format(port=port, origin=via(origin, "target"), name=NAME))
    with running([program, "-f", conf, "-db", "-q"], work / "haproxy.out") as one:
        wait_for(port, one)
        yield Way("haproxy", port, relay=one)


@contextlib.contextmanager
def nginx(work: Path, origin: int, via: Via = straight) -> Iterator[Way]:
    """nginx stream with ssl_preread."""
    program = _need("nginx", "nginx")
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
    if not module.exists() and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "-qq", "-y", "libnginx-mod-stream"], capture_output=True)
    load = f"load_module {module};" if module.exists() else ""
    port, conf = free_port(), work / "stream.conf"
    target = via(origin, "target")
    conf.write_text(_NGINX.format(work=work, port=port, origin=target, name=NAME, load=load))
    with running([program, "-c", conf, "-e", work / "stream.log"], work / "stream.out") as one:
        wait_for(port, one)
        yield Way("nginx stream", port, relay=one)


@contextlib.contextmanager
def ssh(work: Path, origin: int, via: Via = straight) -> Iterator[Way]:
    """`ssh -R` to a private sshd; its own encryption as Debian sets it."""
    server, client = _need("sshd", "openssh-server"), _need("ssh", "openssh-client")
    home = work / "ssh"
    home.mkdir()
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)]
        subprocess.run(command, check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    port, public = free_port(), free_port()
    (home / "conf").write_text(_SSHD.format(port=port, work=home))
    with running([server, "-D", "-e", "-f", home / "conf"], home / "sshd.out") as hub:
        wait_for(port, hub)
        command = [client, "-F", "none", "-N", "-i", home / "user", "-p", str(via(port, "caller"))]
        for option in (
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "ExitOnForwardFailure=yes",
        ):
            command += ["-o", option]
        command += ["-R", f"127.0.0.1:{public}:127.0.0.1:{origin}", f"{_user()}@127.0.0.1"]
        with running(command, home / "ssh.out") as agent:
            wait_for(public, agent)
            yield Way("ssh -R", public, relay=hub)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return getpass.getuser()


def need_snitun() -> None:
    """Make the environment; SystemExit with what went wrong."""
    if next(HOME.glob("lib/*/site-packages/snitun"), None):
        return
    for command in (
        [sys.executable, "-m", "venv", HOME],
        [HOME / "bin" / "pip", "install", "-q", *_PACKAGES],
    ):
        done = subprocess.run([str(one) for one in command], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"snitun is needed in {HOME}:\n{done.stderr[-2000:]}")


@contextlib.contextmanager
def snitun(work: Path, origin: int, via: Via = straight) -> Iterator[Way]:
    """snitun in one process on uvloop, links and guests on one port; its link is not encrypted."""
    need_snitun()
    python, script = HOME / "bin" / "python", Path(__file__).with_name("relay_snitun.py")
    key, port = Fernet.generate_key().decode(), free_port()
    with running([python, script, "server", str(port), key], work / "snitun.out", ready=True) as hub:
        command = [python, script, "agent", str(via(port, "caller")), str(origin), key, NAME]
        with running(command, work / "snitun-agent.out", ready=True):
            yield Way("snitun", port, relay=hub)


def _need(program: str, package: str) -> str:
    found = debian(program, package)
    if found is None:
        raise Missing(f"{program} is not here: apt-get install {package}")
    return found


class Missing(RuntimeError):
    """A peer that cannot be had here; its rows are left out, and the report says so."""
