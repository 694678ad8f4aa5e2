"""What restic says, in its old and its new way: exit codes, messages and lines. No I/O.

restic before 0.17 ends with 1 whatever went wrong, and only the words tell; later ones have exit codes (restic's
manual, "Scripting"): 10 no repository, 11 locked, 12 wrong password, 130 interrupted; 3 is a backup that could not read all.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from praxisd.services.backups import engine
from praxisd.services.backups.engine import EngineFault, Snapshot

OLDEST = (0, 14)
"""What Debian 12 brings; the first with compression and packs of 16 MiB."""
PARTLY = 3
"""Exit code of a backup in which some source could not be read."""
_EXITS = {10: engine.NO_REPOSITORY, 11: engine.LOCKED, 12: engine.PASSWORD_WRONG, 130: engine.INTERRUPTED}
RETRY = (engine.LOCKED, engine.UNPLUGGED, engine.UNREACHABLE, engine.INTERRUPTED)
"""What may pass by itself: the other run ends, the drive or the line is there again."""
_FULL = (
    "no space left on device", "disk quota exceeded", "not enough space on the disk", "file too large",
    "insufficient storage", "disk is full",
)  # fmt: skip
_GONE = (
    "input/output error", "no such device", "transport endpoint is not connected", "stale file handle",
    "stale nfs file handle", "host is down", "device not configured", "device is not ready",
    "network name is no longer available", "device is not connected", "network path was not found",
)  # fmt: skip
_CLOSED = (
    "read-only file system", "permission denied", "access is denied", "write protected", "operation not permitted",
    "403 forbidden",
)  # fmt: skip
_FAR = (
    "connection refused", "no such host", "no route to host", "i/o timeout", "connection reset", "timed out",
    "network is unreachable", "x509", "tls: ", "unable to start the sftp session", "401 unauthorized",
    "subprocess ssh exited", "502 bad gateway", "503 service unavailable", "unexpected http response",
)  # fmt: skip
_BROKEN = (
    "ciphertext verification failed", "invalid data returned", "hash does not match", "repository contains errors",
    "is damaged", "unmarshal", "loadindex returned errors", "unexpected eof", "not found in index", "not found in repository",
    "blob not found", "does not exist in the index", "wrong data returned", "pack file cannot be listed",
    "size does not match", "unexpected pack id", "unexpected blob", "decrypting blob", "invalid id", "contains errors",
)  # fmt: skip
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (engine.LOCKED, ("already locked",)),
    (engine.PASSWORD_WRONG, ("wrong password or no key found", "empty password", "no key found")),
    (engine.FULL, _FULL),
    (engine.READ_ONLY, _CLOSED),
    (engine.UNPLUGGED, _GONE),
    (engine.UNREACHABLE, _FAR),
    (engine.DAMAGED, _BROKEN),
    (engine.NO_REPOSITORY, ("is there a repository at the following location", "repository does not exist")),
)
"""Looked for in this order: an old restic asks "Is there a repository …?" too when the line is down."""
_HOPELESS = (engine.FULL, engine.READ_ONLY, engine.UNPLUGGED)
_VERSION = re.compile(r"restic (\d+)\.(\d+)(?:\.(\d+))?")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_PIECES = re.compile(rb"(\d+) / (\d+) (?:packs|snapshots)")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.DOTALL)
_SHORT = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def version(said: str) -> tuple[int, ...] | None:
    """`restic 0.14.0 compiled with …` as (0, 14, 0); None if it is something else."""
    found = _VERSION.match(said)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def phrase(said: str) -> tuple[str, str] | None:
    """(code, the words that told) of a message, or None."""
    small = said.lower()
    for code, words in _WORDS:
        for word in words:
            if word in small:
                return code, word
    return None


def fault(task: str, exit_code: int, said: str, otherwise: str = engine.FAILED) -> EngineFault:
    """What a failed run means. `said` is the end of what it wrote; none of it but our own words goes into the detail."""
    told = phrase(said)
    code = _EXITS.get(exit_code) or (told[0] if told else "")
    if not code:
        code = engine.INTERRUPTED if exit_code < 0 else otherwise
    words = f": {told[1]}" if told else ""
    return EngineFault(code, f"restic {task}, exit {exit_code}{words}", retry=code in RETRY)


def hopeless(line: str) -> EngineFault | None:
    """What restic would try again for a quarter of an hour although waiting cannot help."""
    told = phrase(line) if "retrying after" in line else None
    if told is None or told[0] not in _HOPELESS:
        return None
    return EngineFault(told[0], f"restic: {told[1]}", retry=told[0] in RETRY)


def message(line: bytes | str) -> dict[str, Any]:
    """A line of JSON as restic writes them; empty if it is none."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def error_text(told: dict[str, Any]) -> str:
    """The words of an error message; old ones give the parts of Go's error instead (`Op`, `Path`, `Err`)."""
    error = told.get("error")
    if not isinstance(error, dict):
        return str(error)
    return (
        str(error["message"]) if "message" in error else f"{error.get('Op', '')} errno {error.get('Err', '')}"
    )


def vanished(words: str) -> bool:
    """True if an error says that a file is not there any more."""
    return words.endswith("errno 2") or "no such file" in words or "cannot find the file" in words


def seconds(text: str) -> int:
    """A time of `key list` (UTC, as restic runs with us) in epoch seconds; 0 if it cannot be read."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 0


def pieces(line: bytes) -> tuple[int, int] | None:
    """(done, all) of a progress line of `check`."""
    found = _PIECES.search(line)
    return (int(found[1]), int(found[2])) if found else None


def nanoseconds(text: str) -> int:
    """A time of restic in nanoseconds since 1970; 0 if it cannot be read."""
    found = _TIME.fullmatch(text)
    if found is None:
        return 0
    try:
        whole = datetime.fromisoformat(found[1] + ("+00:00" if found[3] == "Z" else found[3]))
    except ValueError:
        return 0
    seconds = int((whole - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return seconds * 1_000_000_000 + int((found[2] or "0").ljust(9, "0"))


def pattern(path: str) -> str:
    r"""A path as a pattern that means only itself (Go's filepath.Match; no `\` before a letter on Windows)."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", path)


def lossy(text: str) -> str:
    """A name as JSON shows it: each byte that is no UTF-8 becomes U+FFFD."""
    out: list[str] = []
    for char in text:
        out.append("\ufffd" if "\udc80" <= char <= "\udcff" else char)
    return "".join(out)


def unquoted(name: str) -> str:
    r"""A name as it stands in a stored folder (Go's strconv.Quote: `\xff`, `\n`), exact, with surrogate escapes."""

    def one(found: re.Match[bytes]) -> bytes:
        byte, short, long, single = found.groups()
        if byte is not None:
            return bytes([int(byte, 16)])
        if single is not None:
            return _SHORT.get(single, single)
        return chr(int(short or long, 16)).encode("utf-8", "surrogatepass")

    return _ESCAPE.sub(one, name.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def blamed(lines: list[str]) -> Iterator[str]:
    """What may be the paths in `ignoring error for PATH: WORDS`: a path may hold colons and line ends itself."""
    for line in lines:
        rest = line.removeprefix("ignoring error for ")
        if rest != line:
            at = rest.find(": ")
            if at < 0:
                yield rest.rstrip("\n")
            while at >= 0:
                yield rest[:at]
                at = rest.find(": ", at + 1)


def snapshot(told: dict[str, Any]) -> Snapshot:
    """A line of `restic snapshots --json`."""
    summary = told.get("summary") or {}  # since 0.17
    return Snapshot(
        id=str(told["id"]),
        at=nanoseconds(str(told["time"])) // 1_000_000_000,
        tags=tuple(map(str, told.get("tags") or ())),
        paths=tuple(map(str, told.get("paths") or ())),
        files=int(summary.get("total_files_processed", 0)),
        bytes=int(summary.get("total_bytes_processed", 0)),
        added=int(summary.get("data_added_packed", 0)),
    )


def of_the_target(fault: EngineFault) -> EngineFault:
    """A restore only reads the medium: what is full or closed is its target."""
    code = {engine.FULL: engine.TARGET_FULL, engine.READ_ONLY: engine.TARGET_REFUSED}.get(fault.code)
    return EngineFault(code, fault.detail) if code else fault
