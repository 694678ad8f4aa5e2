"""REST with nothing but the standard library: the answers of praxisd as values, its problems as exceptions."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from praxisd_client.errors import SeatError, Unreachable, problem

if TYPE_CHECKING:
    from praxisd_client.lock import Lock

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `etag` is what `patch` wants back; empty where there is none."""

    status: int
    body: Any
    etag: str = ""


class Api:
    """One server's REST door. Every call is a connection of its own; any thread may call."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        language: str = "de",
        context: ssl.SSLContext | None = None,
        timeout: float = 30.0,
    ) -> None:
        self.url = url.rstrip("/")
        self._parts = urlsplit(self.url)
        if self._parts.scheme not in ("http", "https") or not self._parts.hostname:
            raise SeatError(f"not the address of a server: {url}")
        self._key = key
        self._language = language
        self._context = context
        self._timeout = timeout

    def get(self, path: str) -> Reply:
        """`GET /api/v1<path>`."""
        return self.call("GET", path)

    def post(self, path: str, body: Any) -> Reply:
        """`POST /api/v1<path>`."""
        return self.call("POST", path, body)

    def patch(self, path: str, body: Any, etag: str, lock: "Lock | None" = None) -> Reply:
        """Save the given fields, only over the version that was read and only while the lock is valid.

        Raises Stale (somebody saved meanwhile), LockLost, Locked (another holds it), Problem, Unreachable.
        """
        headers = {"If-Match": etag}
        if lock is not None:
            lock.check()
            headers["X-Praxisd-Fence"] = str(lock.fence)
        return self.call("PATCH", path, body, headers)

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Any call. Raises the Problem the server answers, or Unreachable."""
        sent = {"Accept": "application/json", "Accept-Language": self._language, **(headers or {})}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        if self._key is not None:
            sent["Authorization"] = f"Bearer {self._key}"
        connection = self._connection()
        try:
            connection.request(method, f"{self._parts.path}{API}{path}", data, sent)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self.url} does not answer ({type(error).__name__})") from error
        finally:
            connection.close()
        told = _json(text)
        if answer.status >= 400:
            raise _refusal(answer.status, told)
        return Reply(answer.status, told, answer.headers.get("ETag") or "")

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        context = self._context or ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=context)


def _json(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text.decode("utf-8", "replace")


def _refusal(status: int, told: Any) -> SeatError:
    if not isinstance(told, dict):
        return problem(f"http.{status}", status=status, retry=status >= 500)
    parameters = told.get("params")
    code, title = str(told.get("code", f"http.{status}")), str(told.get("title", ""))
    return problem(code, title, retry=bool(told.get("retry")), parameters=parameters, status=status)
