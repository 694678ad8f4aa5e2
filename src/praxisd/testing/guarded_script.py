"""A stand-in for praxisd in tests of the guard: one short file that starts in 30 ms. It is copied into a version as
`program/praxisd/__main__.py` (`testing/guarded.py`) and speaks what the guard asks of a server. It imports nothing of ours.

What it does is in `script.json` beside it ({"version", "behaviour"}); DIR/behave.json {"<version>": behaviour} says
otherwise, so that a cause can be "fixed". It writes DIR/starts.jsonl and DIR/migrated.jsonl, and says the names in
DIR/busy.json when it is asked what must not be cut. While DIR/mute lies there its doors take nobody in, while DIR/deaf
does its control port; DIR/live.json is the status of /health/live,
DIR/said.json the last word of one that exits.

Behaviours: good; exits (status 3 before it is ready); hangs (never ready); sick (`guard.health` is not ok); wrong_version;
no_console (GET / is 404); migrate_fails; migrate_slow (0.3 s); dies (status 3 soon after it was ready); worst (exits in
safe mode too). With --safe all but worst are good.
"""

import fcntl
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path

PAGE = b'<!doctype html><html><head><script src="/assets/app.js"></script></head><body>script</body></html>'


def option(args: list[str], name: str) -> str | None:
    return args[args.index(name) + 1] if name in args else None


def noted(file: Path, **facts: object) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"at": time.time(), "pid": os.getpid(), **facts}) + "\n")


def read(file: Path, otherwise: object) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return otherwise


def owned(data: Path) -> object:
    """The lock of the data folder, as the real one takes it: a start waits 2 s for the one before."""
    (data / "run").mkdir(parents=True, exist_ok=True)
    file = (data / "run" / "lock").open("a+b")
    until = time.monotonic() + 2
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except OSError:
            if time.monotonic() > until:
                sys.exit("folder in use")
            time.sleep(0.01)


def main(args: list[str], here: Path) -> None:
    """`args` as on the command line; `here`: the folder with script.json."""
    data = Path(option(args, "--data") or ".")
    told = json.loads((here / "script.json").read_text(encoding="utf-8"))
    version = told["version"]
    others = read(data / "behave.json", {})
    behaviour = others.get(version, told["behaviour"]) if isinstance(others, dict) else told["behaviour"]
    lock = owned(data)
    if args[0] == "migrate":
        assert "--expand" in args
        if behaviour == "migrate_slow":
            time.sleep(0.3)
        noted(data / "migrated.jsonl", version=version, status=int(behaviour == "migrate_fails"))
        sys.exit("no such column: patients" if behaviour == "migrate_fails" else 0)
    safe = "--safe" in args
    noted(data / "starts.jsonl", version=version, safe=safe)
    if behaviour == "worst" or (behaviour == "exits" and not safe):
        print("ModuleNotFoundError: no module named 'teeth'", read(data / "said.json", ""), file=sys.stderr)
        sys.exit(3)
    serve(int(option(args, "--fd") or 3), data, version, "good" if safe else behaviour, safe)
    del lock


def serve(fd: int, data: Path, version: str, behaviour: str, safe: bool) -> None:
    doors = socket.socket(fileno=fd)
    doors.setblocking(False)
    ear = socket.create_server(("127.0.0.1", 0))
    ear.setblocking(False)
    asked, ask = os.pipe()  # to end: whoever is being answered is answered first
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0) if behaviour == "hangs" else os.write(ask, b"."))
    threading.Thread(target=lifeline, daemon=True).start()
    if behaviour == "hangs":
        signal.pause()
    control = data / "run" / "control.json"
    fresh = control.with_name(f"control.{os.getpid()}")
    fresh.write_text(json.dumps({"port": ear.getsockname()[1], "token": "t", "url": "", "pid": os.getpid()}))
    fresh.replace(control)
    print(f"ready http://127.0.0.1:{doors.getsockname()[1]}", flush=True)
    if behaviour == "dies":
        threading.Timer(0.3, lambda: os._exit(3)).start()
    while True:
        watched = [doors] * (not (data / "mute").exists()) + [ear] * (not (data / "deaf").exists())
        heard = select.select([*(one.fileno() for one in watched), asked], [], [], 0.1)[0]
        if asked in heard:
            os._exit(0)
        for ready in [one for one in (doors, ear) if one.fileno() in heard]:
            try:
                connection, _ = ready.accept()
            except OSError:
                continue
            with connection:
                answer(connection, data, version, behaviour, safe)


def answer(connection: socket.socket, data: Path, version: str, behaviour: str, safe: bool) -> None:
    connection.settimeout(5)
    try:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(4096)
            if not piece:
                return
            head += piece
        path = head.split(b" ", 2)[1].decode()
        status, kind, body = content(path, data, version, behaviour, safe)
        first = f"HTTP/1.1 {status} Script\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(first.encode() + b"Connection: close\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(4096)  # what is left of a body; a close before would reset the answer
    except OSError:
        pass


def content(path: str, data: Path, version: str, behaviour: str, safe: bool) -> tuple[int, str, bytes]:
    if path == "/guard.health":
        ok = behaviour != "sick"
        told = {
            "version": "0.0.0" if behaviour == "wrong_version" else version,
            "state": "safe" if safe else "running",
            "ok": ok,
            "why": [] if ok else ["store.damaged"],
            "schema": "head",
            "plugins": [],
            "busy": read(data / "busy.json", []),
        }
        return 200, "application/json", json.dumps(told).encode()
    if path == "/" and behaviour != "no_console":
        return 200, "text/html; charset=utf-8", PAGE
    if path == "/assets/app.js":
        return 200, "text/javascript", b"1"
    if path == "/version":
        return 200, "text/plain", version.encode()
    if path == "/health/live":
        return int(str(read(data / "live.json", 200))), "application/json", b"{}"
    if path == "/health/ready":
        return (
            (503 if safe else 200),
            "application/json",
            json.dumps({"reason": "safe" if safe else ""}).encode(),
        )
    return 404, "text/plain", b""


def lifeline() -> None:
    while os.read(0, 64):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:], Path(__file__).parent)
