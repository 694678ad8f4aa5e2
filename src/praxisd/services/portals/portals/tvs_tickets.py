"""Permission to speak to 116117: an access token, kept in memory only.

`Tickets` is all that the adapter knows of it. `CardTickets` plays the login of the service (an authorisation code flow
with PKCE, its challenge signed by the practice's card, as for electronic prescriptions). The card itself is one more
interface, `Card`: the sandbox has one that signs with a shared key. A live one needs a connector and an SMC-B card.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

from praxisd.kernel.clock import Clock
from praxisd.kernel.http import HttpAnswer
from praxisd.services.portals.portal import ADDRESS_WRONG, ANSWER_UNREADABLE, KEY_REFUSED
from praxisd.services.portals.portals.talking import wrong

DISCOVERY = "/.well-known/openid-configuration.unsigned"
CLIENT = "116117TerminserviceApp"
SCOPE = "terminsynchronisation"
REDIRECT = "https://localhost/"
_EARLY_S = 30
_LONGEST_S = 3_600

Ask = Callable[..., HttpAnswer]
"""`ask(method, url, form=…)`: one request; Problems of `portal.CODES` if it does not come through."""


class Tickets(Protocol):
    """Where tokens come from."""

    def token(self) -> str:
        """A token; logs in if there is none. Problems: `portals.key_refused`, and those of the way there."""
        ...

    def discard(self, token: str) -> None:
        """This one is not good any more; the next `token` is another."""
        ...


class Card(Protocol):
    """The practice's card."""

    def sign(self, challenge: str) -> str:
        """The challenge (a JWT), signed, in compact form."""
        ...


class FixedTickets:
    """A token that somebody else keeps good: a gateway of the practice's network that holds the card."""

    def __init__(self, key: str) -> None:
        self._key = key

    def token(self) -> str:
        """The key itself."""
        if not self._key:
            raise wrong(KEY_REFUSED)
        return self._key

    def discard(self, token: str) -> None:
        """There is no other."""


class SandboxCard:
    """The card of the sandbox: signs with a key that both sides know (JWS, HS256)."""

    def __init__(self, key: str) -> None:
        self._key = key

    def sign(self, challenge: str) -> str:
        """Header, payload and signature, as RFC 7515 § 7.1 puts them together."""
        head = _plain(json.dumps({"alg": "HS256", "cty": "NJWT"}).encode())
        body = _plain(json.dumps({"njwt": challenge}).encode())
        mark = hmac.new(self._key.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
        return f"{head}.{body}.{_plain(mark)}"


class CardTickets:
    """Logs in with a card. One login at a time; all threads share its token."""

    def __init__(self, address: str, card: Card, ask: Ask, clock: Clock) -> None:
        self._address = address.rstrip("/")
        self._card = card
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0

    def token(self) -> str:
        """See `Tickets`."""
        with self._lock:
            if not self._token or self._clock.now() >= self._good_until:
                self._token, self._good_until = self._login()
            return self._token

    def discard(self, token: str) -> None:
        """See `Tickets`."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def _login(self) -> tuple[str, int]:
        """A new token, and until when it may be used (epoch seconds)."""
        told = self._json(self._ask("GET", self._address + DISCOVERY))
        where, issue = self._ours(told, "authorization_endpoint"), self._ours(told, "token_endpoint")
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        asked = {
            "client_id": CLIENT,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "state": state,
            "code_challenge": _plain(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "scope": SCOPE,
        }
        challenge = _word(self._json(self._ask("GET", f"{where}?{urlencode(asked)}")), "challenge")
        answer = self._ask("POST", where, form={"signed_challenge": self._card.sign(challenge)})
        _refused(answer)
        back = parse_qs(urlsplit(answer.headers.get("location", "")).query)
        if answer.status not in (302, 303) or back.get("state") != [state] or len(back.get("code", ())) != 1:
            raise wrong(ANSWER_UNREADABLE)
        now = self._clock.now()
        wanted = {
            "grant_type": "authorization_code",
            "client_id": CLIENT,
            "redirect_uri": REDIRECT,
            "code": back["code"][0],
            "code_verifier": verifier,
        }
        given = self._json(self._ask("POST", issue, form=wanted))
        lasts = given.get("expires_in")
        seconds = min(lasts, _LONGEST_S) if isinstance(lasts, int) else 300
        return _word(given, "access_token"), now + max(1, seconds - _EARLY_S)

    def _ours(self, told: dict[str, Any], name: str) -> str:
        """An address of the discovery document. It is not signed, so it may name no other server than the one we asked."""
        address = _word(told, name)
        mine, its = urlsplit(self._address), urlsplit(address)
        if (mine.scheme, mine.netloc) != (its.scheme, its.netloc):
            raise wrong(ADDRESS_WRONG)
        return address

    @staticmethod
    def _json(answer: HttpAnswer) -> dict[str, Any]:
        _refused(answer)
        if answer.status == 404:
            raise wrong(ADDRESS_WRONG)
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if answer.status != 200 or not isinstance(found, dict):
            raise wrong(ANSWER_UNREADABLE)
        return found


def _refused(answer: HttpAnswer) -> None:
    if answer.status in (400, 401, 403):
        raise wrong(KEY_REFUSED)


def _word(told: dict[str, Any], name: str) -> str:
    found = told.get(name)
    if not isinstance(found, str) or not found:
        raise wrong(ANSWER_UNREADABLE)
    return found


def _plain(data: bytes) -> str:
    """Base64 for addresses, without padding (RFC 7515 § 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
