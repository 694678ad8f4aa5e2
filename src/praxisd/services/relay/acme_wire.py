"""What is said to a certificate authority (RFC 8555 § 6): signed requests, their nonces, their answers. One try each.

Why not certbot's library `acme`: it brings requests, urllib3, pyOpenSSL, josepy and pytz along (1.2 s and four more parts
to keep up to date) and its network layer is requests itself, to be played by objects of the same shape; its waiting is
`time.sleep`, which a house that stops cannot end; and an order cannot be taken up again after a restart without its
private parts. What is left is this file and `acme_order`: ES256 by `cryptography`, the way out by `kernel.http`.
"""

import base64
import hashlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from praxisd.kernel.http import AnswerLost, Http, HttpAnswer, NotSent
from praxisd.kernel.structs import make_ready

TIMEOUT_S = 30.0
MOST_BYTES = 256 * 1024
NONCES = 4
"""So often a request is signed anew because its nonce was not good."""
_ERROR = "urn:ietf:params:acme:error:"
_HALF = 32
_SAID_MOST = 300
_RETRY_MOST_S = 7 * 86_400


class Said(Exception):
    """The authority said no. `type` is the last word of RFC 8555 § 6.7, `detail` what it wrote, in its own words."""

    def __init__(self, type_: str, detail: str, status: int, retry_s: int | None = None) -> None:
        super().__init__(type_)
        self.type = type_
        self.detail = detail
        self.status = status
        self.retry_s = retry_s


class Unheard(Exception):
    """No answer of an authority: nobody there (`why` as in `NotSent`), the answer lost, or not one of an authority."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Directory(msgspec.Struct, rename="camel"):
    """Where what is asked for."""

    new_nonce: str
    new_account: str
    new_order: str


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    """The key of an account: EC on P-256, PEM."""

    def __init__(self, pem: bytes) -> None:
        found = serialization.load_pem_private_key(pem, None)
        if not isinstance(found, ec.EllipticCurvePrivateKey):
            raise ValueError("not an EC key")
        self._key = found
        numbers = found.public_key().public_numbers()
        x, y = (encoded(one.to_bytes(_HALF, "big")) for one in (numbers.x, numbers.y))
        self.jwk = {"crv": "P-256", "kty": "EC", "x": x, "y": y}

    @property
    def thumbprint(self) -> str:
        """That of RFC 7638: members in order, no space."""
        return encoded(hashlib.sha256(msgspec.json.encode(self.jwk)).digest())

    def signed(self, header: Mapping[str, Any], payload: Any | None) -> bytes:
        """A flattened JWS; `payload` None: a mere question."""
        protected = encoded(msgspec.json.encode({"alg": "ES256", **header}))
        text = "" if payload is None else encoded(msgspec.json.encode(payload))
        r, s = decode_dss_signature(self._key.sign(f"{protected}.{text}".encode(), ec.ECDSA(hashes.SHA256())))
        signature = encoded(r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big"))
        return msgspec.json.encode({"protected": protected, "payload": text, "signature": signature})


class Wire:
    """One authority and one account. `kid` is the account's address, "" before there is one. `now`: epoch seconds."""

    def __init__(self, http: Http, directory: str, key: Key, now: int, kid: str = "") -> None:
        self._http = http
        self._address = directory
        self._now = now
        self._nonce = ""
        self._known: _Directory | None = None
        self.key = key
        self.kid = kid

    @property
    def directory(self) -> _Directory:
        """What the authority offers. `Unheard`("directory") if the address is not that of one."""
        if self._known is None:
            answer = self._ask("GET", self._address)
            if answer.status >= 500:
                raise Said("serverInternal", "", answer.status, self._retry(answer))
            try:
                known = msgspec.json.decode(answer.body, type=_Directory)
                for one in (known.new_nonce, known.new_account, known.new_order):
                    self._allow(one)
            except msgspec.DecodeError:
                raise Unheard("directory") from None
            if answer.status != 200:
                raise Unheard("directory")
            self._known = known
        return self._known

    def post(self, url: str, payload: Any | None = None, *, alone: bool = False) -> HttpAnswer:
        """The answer to a signed request. `alone`: with the key itself, where there is no account yet.

        Raises `Said`, `Unheard`.
        """
        self._allow(url)
        for last in (False,) * (NONCES - 1) + (True,):
            header = {"nonce": self._take_nonce(), "url": url}
            header |= {"jwk": self.key.jwk} if alone else {"kid": self.kid}  # type: ignore[dict-item]
            body = self.key.signed(header, payload)
            answer = self._ask("POST", url, body, {"Content-Type": "application/jose+json"})
            self._nonce = answer.headers.get("replay-nonce", "")
            if answer.status < 400:
                return answer
            said = self._no(answer)
            if said.type != "badNonce" or last:
                raise said
        raise AssertionError

    def table(self, url: str, payload: Any | None = None) -> tuple[dict[str, Any], HttpAnswer]:
        """The same for an answer that is a JSON object."""
        answer = self.post(url, payload)
        return _table(answer), answer

    def join(self, email: str) -> None:
        """Have an account for the key; the same one where there is one already. `kid` is set."""
        wish: dict[str, Any] = {"termsOfServiceAgreed": True}
        if email:
            wish["contact"] = [f"mailto:{email}"]
        answer = self.post(self.directory.new_account, wish, alone=True)
        kid = answer.headers.get("location", "")
        if not kid:
            raise Unheard("answer")
        self.kid = kid

    def retry_s(self, answer: HttpAnswer) -> int | None:
        """What it says when to come again, in seconds."""
        return self._retry(answer)

    def _take_nonce(self) -> str:
        nonce, self._nonce = self._nonce, ""
        if not nonce:
            nonce = self._ask("HEAD", self.directory.new_nonce).headers.get("replay-nonce", "")
        if not nonce:
            raise Unheard("answer")
        return nonce

    def _allow(self, url: str) -> None:
        """Addresses that it names are as well protected as its own."""
        if urlsplit(url).scheme not in ("https", urlsplit(self._address).scheme):
            raise Unheard("answer")

    def _ask(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        try:
            return self._http.request(
                method, url, headers=headers, body=body, timeout_s=TIMEOUT_S, limit_bytes=MOST_BYTES
            )
        except NotSent as error:
            raise Unheard(error.why) from None
        except AnswerLost:
            raise Unheard("lost") from None

    def _no(self, answer: HttpAnswer) -> Said:
        try:
            told = _table(answer)
        except Unheard:
            told = {}
        usual = {429: "rateLimited"}.get(answer.status, "serverInternal" if answer.status >= 500 else "")
        type_ = str(told.get("type", "")).removeprefix(_ERROR) or usual
        return Said(word(type_), plain(told.get("detail")), answer.status, self._retry(answer))

    def _retry(self, answer: HttpAnswer) -> int | None:
        told = answer.headers.get("retry-after", "").strip()
        if told.isascii() and told.isdigit():
            return min(int(told[:9]), _RETRY_MOST_S)
        try:
            at = parsedate_to_datetime(told).timestamp() if told else self._now
        except (ValueError, TypeError, OverflowError):
            return None
        return min(max(0, round(at - self._now)), _RETRY_MOST_S) if told else None


def _table(answer: HttpAnswer) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.DecodeError:
        raise Unheard("answer") from None


def word(text: object) -> str:
    """A problem type as one word that may stand anywhere; "unknown" for what is none."""
    found = str(text)
    return found if found.isascii() and found.isalnum() and len(found) <= 40 else "unknown"


def plain(text: object) -> str:
    """What somebody else wrote, as one short line."""
    line = " ".join(str(text or "").split())
    return "".join(one for one in line if one.isprintable())[:_SAID_MOST]


make_ready()  # a thread imports this when the first certificate is asked for
