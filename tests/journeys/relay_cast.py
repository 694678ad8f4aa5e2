"""Networks for the relay: practice, hub and outside as hosts of their own (network namespaces), or all on loopback.

In a network of namespaces the practice and the outside each share a wire with the hub and with nobody else, and nothing is
forwarded between them: who is reached from outside is reached through the hub.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from praxisd.testing import debian
from praxisd.testing.programs import environment

DOMAIN = "relay.test"
READY_S = 60.0
LISTENER = """
import socket, sys, time
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
sock.settimeout(0.2)
print("ready", flush=True)
with open(sys.argv[1], "wb", 0) as kept:
    while True:
        try:
            data, where = sock.recvfrom(65535)
        except TimeoutError:
            continue
        kept.write(len(data).to_bytes(4, "big") + where[0].encode().ljust(16, b"\\0")[:16] + data)
"""
"""Writes every frame that passes any wire of its host: length, name of the wire, frame."""


@dataclass
class Host:
    """One computer. `prefix` is what stands before a command so that it runs there."""

    name: str
    prefix: tuple[str, ...]
    running: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self, *line: str, log: Path | None = None) -> "tuple[subprocess.Popen[str], str]":
        """A program that stays; returns it with its line `ready …` (without the word)."""
        with contextlib.ExitStack() as stack:
            errors: Any = subprocess.DEVNULL if log is None else stack.enter_context(log.open("a"))
            one = subprocess.Popen(
                [*self.prefix, *line], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(),
                start_new_session=True,
            )  # fmt: skip
        self.running.append(one)
        assert one.stdout is not None
        said = one.stdout.readline().strip()
        assert said.startswith("ready"), (line, said, log and log.read_text()[-2000:])
        return one, said.removeprefix("ready").strip()

    def run(self, *line: str, code: int = 0, stdin: str = "") -> str:
        """A program that ends; its standard output."""
        done = subprocess.run(
            [*self.prefix, *line], input=stdin, capture_output=True, text=True, timeout=120, env=environment()
        )
        assert done.returncode == code, (line, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def praxisd(self, *words: str, code: int = 0, stdin: str = "") -> str:
        """A command of praxisd."""
        return self.run(sys.executable, "-m", "praxisd", *words, code=code, stdin=stdin)

    def end(self) -> None:
        """End what was started here."""
        for one in reversed(self.running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGTERM)
        for one in self.running:
            try:
                one.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(one.pid, signal.SIGKILL)
                one.wait(15)
            if one.stdout is not None:
                one.stdout.close()


@dataclass
class Net:
    """Three hosts. `hub_listens` and `hub_seen` (from the practice, from outside) are the hub's addresses."""

    practice: Host
    hub: Host
    outside: Host
    hub_listens: str
    practice_sees: str
    outside_sees: str


@contextlib.contextmanager
def namespaces(mark: str) -> Iterator[Net]:
    """Three hosts of their own; `mark` makes their names unique. Raises `debian.ProgramMissing` or PermissionError."""
    tool = str(debian.program(("ip",), "iproute2"))
    if os.geteuid() != 0:
        raise PermissionError("network namespaces are made by root")
    names = {one: f"px{mark}{one}" for one in ("practice", "hub", "outside")}
    hosts = {one: Host(one, (tool, "netns", "exec", name)) for one, name in names.items()}
    net = Net(hosts["practice"], hosts["hub"], hosts["outside"], "0.0.0.0", "10.231.1.2", "10.231.2.2")
    try:
        for name in names.values():
            _ip(tool, "netns", "add", name)
            _ip(tool, "-n", name, "link", "set", "lo", "up")
        for number, one in ((1, "practice"), (2, "outside")):
            near, far = names[one], names["hub"]
            _ip(
                tool, "link", "add", f"w{number}", "netns", near, "type", "veth", "peer", "name", f"w{number}",
                "netns", far,
            )  # fmt: skip
            _ip(tool, "-n", near, "addr", "add", f"10.231.{number}.1/24", "dev", f"w{number}")
            _ip(tool, "-n", far, "addr", "add", f"10.231.{number}.2/24", "dev", f"w{number}")
            for name in (near, far):
                _ip(tool, "-n", name, "link", "set", f"w{number}", "up")
        yield net
    finally:
        for host in hosts.values():
            host.end()
        for name in names.values():
            subprocess.run([tool, "netns", "del", name], capture_output=True)
            etc = Path("/etc/netns") / name
            for file in etc.glob("*"):
                file.unlink()
            with contextlib.suppress(OSError):
                etc.rmdir()


def say_hosts(net: Net, *names: str) -> None:
    """Let practice and outside know under which addresses the hub's names are found (their own /etc/hosts)."""
    for host, address in ((net.practice, net.practice_sees), (net.outside, net.outside_sees)):
        etc = Path("/etc/netns") / host.prefix[-1]
        etc.mkdir(parents=True, exist_ok=True)
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n{address} {' '.join(names)}\n")


def _ip(tool: str, *words: str) -> None:
    done = subprocess.run([tool, *words], capture_output=True, text=True)
    if done.returncode:
        raise PermissionError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def frames(file: Path) -> Iterator[tuple[str, bytes]]:
    """(name of the wire, frame) as LISTENER kept them."""
    data = file.read_bytes()
    at = 0
    while at + 20 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 20].rstrip(b"\0").decode(), data[at + 20 : at + 20 + length]
        at += 20 + length


def tcp_streams(found: Iterator[tuple[str, bytes]]) -> dict[tuple[str, str, int, str, int], bytes]:
    """The payload of each TCP direction, put together by sequence number: (wire, from, port, to, port) → bytes."""
    parts: dict[tuple[str, str, int, str, int], dict[int, bytes]] = {}
    for wire, frame in found:
        if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        ip = frame[14:]
        head = (ip[0] & 15) * 4
        total = int.from_bytes(ip[2:4], "big")
        tcp = ip[head:total]
        payload = tcp[(tcp[12] >> 4) * 4 :]
        if not payload:
            continue
        source, target = (".".join(str(one) for one in ip[at : at + 4]) for at in (12, 16))
        ports = int.from_bytes(tcp[0:2], "big"), int.from_bytes(tcp[2:4], "big")
        key = (wire, source, ports[0], target, ports[1])
        parts.setdefault(key, {})[int.from_bytes(tcp[4:8], "big")] = payload
    return {key: _joined(found_) for key, found_ in parts.items()}


def _joined(parts: dict[int, bytes]) -> bytes:
    """Segments in order, sent twice or overlapping ones once."""
    whole, following = bytearray(), None
    for sequence in sorted(parts):
        data = parts[sequence]
        if following is not None and sequence < following:
            data = data[following - sequence :]
        whole += data
        following = max(following or 0, sequence + len(parts[sequence]))
    return bytes(whole)


def only_tls(data: bytes) -> bool:
    """True if the bytes are TLS records and nothing else (the last one may be cut off)."""
    at = 0
    while at + 5 <= len(data):
        if data[at] not in (20, 21, 22, 23) or data[at + 1] != 3:
            return False
        at += 5 + int.from_bytes(data[at + 3 : at + 5], "big")
    return True


def memory_holds(pid: int, words: Sequence[bytes]) -> list[bytes]:
    """Which of the words lie anywhere in the memory of a process (Linux, as root)."""
    found: set[bytes] = set()
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(one, 16) for one in span.split("-"))
            with contextlib.suppress(OSError, ValueError):
                memory.seek(start)
                data = memory.read(end - start)
                found |= {one for one in words if one in data}
    return sorted(found)


def wait(condition: Any, seconds: float = READY_S, what: str = "") -> Any:
    """Ask until the answer is true; AssertionError with `what` when it never becomes so."""
    until = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < until, what or condition
        time.sleep(0.1)
