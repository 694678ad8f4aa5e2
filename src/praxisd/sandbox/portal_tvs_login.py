"""The login of the simulated 116117, and the part of the practice's card in it.

The course is that of the real one (authorisation code, PKCE, a challenge that lives 180 s and comes back signed), but the
card signs with a key that both sides know, and nothing is encrypted a second time. Nobody should trust it with anything.
"""

import base64
import hashlib
import hmac
import json
import secrets
from urllib.parse import urlencode

from praxisd.sandbox.door import Answer, Bad, Call, Route, as_json
from praxisd.sandbox.portal_tvs import Tvs

CHALLENGE_S = 180
TOKEN_S = 300
CLIENT = "116117TerminserviceApp"
SCOPES = ("terminsynchronisation", "abrechnungsinformation")
_KEPT = 200


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Bad("invalid_request") from None


class Login:
    """Challenges and codes that were given out, each good for one use."""

    def __init__(self, tvs: Tvs) -> None:
        self._tvs = tvs
        self._asked: dict[str, dict[str, str]] = {}
        self._codes: dict[str, dict[str, str]] = {}

    @property
    def routes(self) -> tuple[Route, ...]:
        """The doors of the login."""
        return (
            ("GET", "/tvs/login/.well-known/openid-configuration.unsigned", self.discovery),
            ("GET", "/tvs/login/authorize", self.challenge),
            ("POST", "/tvs/login/authorize", self.signed),
            ("POST", "/tvs/login/token", self.token),
        )

    def discovery(self, call: Call) -> Answer:
        """Where the rest is."""
        base = f"http://{call.headers.get('host', '')}/tvs/login"
        return as_json(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "scopes_supported": list(SCOPES),
                "code_challenge_methods_supported": ["S256"],
            }
        )

    def challenge(self, call: Call) -> Answer:
        """What the card has to sign."""
        asked = dict(call.query)
        wanted = ("redirect_uri", "state", "code_challenge")
        if asked.get("client_id") != CLIENT or any(not asked.get(name) for name in wanted):
            raise Bad("invalid_request")
        if asked.get("scope") not in SCOPES or asked.get("code_challenge_method") != "S256":
            raise Bad("invalid_scope")
        now = int(self._tvs.now())
        body = {"jti": secrets.token_hex(16), "iat": now, "exp": now + CHALLENGE_S}
        text = f"{_plain(b'{}')}.{_plain(json.dumps(body).encode())}.{secrets.token_hex(8)}"
        with self._tvs.lock:
            self._asked[text] = asked | {"until": str(body["exp"])}
            while len(self._asked) > _KEPT:
                self._asked.pop(next(iter(self._asked)))
        return as_json({"challenge": text})

    def signed(self, call: Call) -> Answer:
        """A signed challenge becomes a code."""
        pieces = call.form().get("signed_challenge", "").split(".")
        if len(pieces) != 3:
            raise Bad("invalid_request")
        mark = hmac.new(self._tvs.card.encode(), f"{pieces[0]}.{pieces[1]}".encode(), hashlib.sha256).digest()
        try:
            text = json.loads(_bytes(pieces[1]))["njwt"]
        except (ValueError, LookupError, TypeError):
            raise Bad("invalid_request") from None
        with self._tvs.lock:
            asked = self._asked.pop(text, None) if isinstance(text, str) else None
            if not hmac.compare_digest(mark, _bytes(pieces[2])):
                raise Bad("access_denied", 401)
            if asked is None or self._tvs.now() > int(asked["until"]):
                raise Bad("invalid_request")
            code = secrets.token_urlsafe(24)
            self._codes[code] = asked
        back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
        return Answer(302, headers={"Location": back})

    def token(self, call: Call) -> Answer:
        """A code becomes a token."""
        form = call.form()
        with self._tvs.lock:
            asked = self._codes.pop(form.get("code", ""), None)
            proof = _plain(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
            if asked is None or proof != asked["code_challenge"] or form.get("client_id") != CLIENT:
                raise Bad("invalid_grant")
            token = secrets.token_urlsafe(32)
            self._tvs.tokens[token] = self._tvs.now() + TOKEN_S
        return as_json({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_S})
