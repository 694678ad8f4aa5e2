"""What a seat asks of the server by command: one request with its key, to the address a person gave. No other way out."""

import http.client
import ssl
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit


class NotAnswered(Exception):
    """No answer came. `reason`: the address is none, its certificate is not trusted, or nobody was reached."""

    def __init__(self, reason: Literal["address", "untrusted", "unreachable"]) -> None:
        super().__init__(reason)
        self.reason = reason


def host_of(url: str) -> str:
    """The computer an address names. NotAnswered `address` where it names none, or is neither http nor https."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise NotAnswered("address")
    return host


def call(
    method: str,
    url: str,
    path: str,
    key: str,
    body: bytes | None,
    *,
    patience_s: float,
    most: int,
    trust: Path | None = None,
) -> tuple[int, bytes]:
    """Status and at most `most` bytes of the answer. `trust`: the certificate (PEM) by which the server is known, where the
    system knows none; `patience_s`: seconds for each step of the connection. Raises NotAnswered.
    """
    line, before = _line(url, patience_s, trust)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        line.request(method, before + path, body, headers)
        answer = line.getresponse()
        return answer.status, answer.read(most)
    except ssl.SSLCertVerificationError:
        raise NotAnswered("untrusted") from None
    except (OSError, ValueError, http.client.HTTPException):
        raise NotAnswered("unreachable") from None
    finally:
        line.close()


def _line(url: str, patience_s: float, trust: Path | None) -> tuple[http.client.HTTPConnection, str]:
    """A connection that is not opened yet, and what stands in front of our paths."""
    host = host_of(url)
    parts = urlsplit(url)
    before = parts.path.rstrip("/")
    try:
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port, timeout=patience_s), before
        context = ssl.create_default_context(cafile=None if trust is None else str(trust))
        return http.client.HTTPSConnection(host, parts.port, timeout=patience_s, context=context), before
    except http.client.InvalidURL:
        raise NotAnswered("address") from None
    except (OSError, ValueError):
        raise NotAnswered("untrusted") from None
