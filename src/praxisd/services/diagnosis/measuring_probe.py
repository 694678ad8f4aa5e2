"""How a fact is tried: each attempt apart, and a failed one is a reason, never a value."""

import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from praxisd.services.diagnosis.machine_shapes import Fact, known, unknown

T = TypeVar("T")
_QUIET: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)


class Undetermined(Exception):
    """A probe could not tell; `why` is the code of the reason."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to the computer. `call()` answers some fields of MachineFacts by name; `fields` are all it may answer.

    `keep_s`: how long an answer may be given again. `wait_s`: how long to wait for one.
    """

    name: str
    fields: tuple[str, ...]
    call: Callable[[], dict[str, Any]]
    keep_s: float = 60.0
    wait_s: float = 8.0


def attempt(call: Callable[..., T | None], *args: object) -> Fact[T]:
    """What `call` returns as a fact. None and exceptions are "could not be determined"."""
    try:
        value = call(*args)
    except Exception as error:
        return unknown(reason(error))
    return unknown("failed") if value is None else known(value)


def reason(error: BaseException) -> str:
    """The code that says why a probe failed."""
    if isinstance(error, Undetermined):
        return error.why
    if isinstance(error, PermissionError):
        return "denied"
    if isinstance(error, subprocess.TimeoutExpired | TimeoutError):
        return "timeout"
    return "failed"


def blank(kind: type[T], why: str, **given: Any) -> T:
    """A struct of facts, each undetermined for the same reason, but those given."""
    names = [one.name for one in msgspec.structs.fields(kind) if one.name not in given]  # type: ignore[arg-type]
    return kind(**{**{name: Fact(None, why) for name in names}, **given})


def output(command: Sequence[str], seconds: float = 5.0, *, good: Sequence[int] = (0,)) -> str:
    """What a program prints. Undetermined `no_program` where there is none, `failed` where it ends otherwise than good."""
    try:
        done = subprocess.run(  # noqa: S603
            list(command),
            capture_output=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            check=False,
            creationflags=_QUIET,
        )
    except FileNotFoundError:
        raise Undetermined("no_program") from None
    if done.returncode not in good:
        raise Undetermined("failed")
    return done.stdout.decode("utf-8", "replace")


_HANGING: dict[str, threading.Thread] = {}


def bounded(name: str, call: Callable[[], T], seconds: float) -> T:
    """What `call` returns within this time, else TimeoutError; one that hangs is not begun again under the same name."""
    before = _HANGING.get(name)
    if before is not None and before.is_alive():
        raise TimeoutError
    results: list[T] = []
    faults: list[Exception] = []

    def work() -> None:
        try:
            results.append(call())
        except Exception as error:
            faults.append(error)

    thread = threading.Thread(target=work, name=f"praxisd-probe-{name}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        _HANGING[name] = thread
        raise TimeoutError
    _HANGING.pop(name, None)
    if faults:
        raise faults[0]
    return results[0]
