"""A certificate authority that speaks ACME (RFC 8555), for trying out and for tests. All it knows is in memory.

Faults on demand, each for the next request that it fits:
- `nonce`: the nonce is refused once        - `error`: 500
- `drop`: closes the connection             - `slow`: answers after `delay_s` seconds
- `rate`: 429 with Retry-After, at an order - `reject`: will not certify the names of an order
- `challenge`: says that the name does not lead there
- `stuck`: an order stays „processing“ until `release` is asked for
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from praxisd.sandbox import acme_challenge, acme_signed
from praxisd.sandbox.acme_authority import Authority
from praxisd.sandbox.acme_signed import Refusal, Signed
from praxisd.sandbox.door import DROP, Answer, Bad, Call, Route

ANYWHERE, AT_ORDER = ("nonce", "error", "drop", "slow"), ("rate", "reject")
KINDS = (*ANYWHERE, *AT_ORDER, "challenge", "stuck")
RETRY_S = 3_600
_NONCES_MOST = 10_000


@dataclass
class Account:
    """Who orders."""

    id: str
    key: ec.EllipticCurvePublicKey
    contact: list[str]
    orders: int = 0


@dataclass
class Name:
    """One name of an order: authorization and its one challenge."""

    id: str
    name: str
    account: Account
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    status: str = "pending"
    error: dict[str, Any] | None = None


@dataclass
class Order:
    """What was asked for, and how far it is."""

    id: str
    account: Account
    names: list[Name]
    chain: str = ""
    stuck: bool = False
    error: dict[str, Any] | None = None

    @property
    def status(self) -> str:
        """As RFC 8555 § 7.1.6 has it."""
        if any(one.status == "invalid" for one in self.names):
            return "invalid"
        if self.chain:
            return "processing" if self.stuck else "valid"
        return "ready" if all(one.status == "valid" for one in self.names) else "pending"


class Certifier:
    """The authority. `url` is where it is reached; `place` is where names lead (see `acme_challenge.check`)."""

    def __init__(self, authority: Authority, place: acme_challenge.Place | None = None) -> None:
        self.authority = authority
        self.place = place
        self.url = ""
        self.delay_s, self.retry_s = 2.0, RETRY_S
        self.accounts: dict[str, Account] = {}
        self.orders: dict[str, Order] = {}
        self._names: dict[str, Name] = {}
        self._nonces: dict[str, None] = {}
        self._faults: list[str] = []
        self._lock = threading.RLock()

    # --- faults ----------------------------------------------------------------------------------------------------

    def plan(self, kinds: Iterable[str]) -> None:
        """What goes wrong next, in place of what was planned. ValueError for what does not exist."""
        coming = list(kinds)
        if set(coming) - set(KINDS):
            raise ValueError("kinds")
        with self._lock:
            self._faults = coming

    @property
    def planned(self) -> list[str]:
        """What has not happened yet."""
        return list(self._faults)

    def release(self) -> None:
        """Let orders that are stuck come to their end."""
        for one in self.orders.values():
            one.stuck = False

    def _fault(self, kinds: Iterable[str]) -> str:
        with self._lock:
            found = next((one for one in self._faults if one in kinds), "")
            if found:
                self._faults.remove(found)
            return found

    # --- doors -----------------------------------------------------------------------------------------------------

    def routes(self) -> tuple[Route, ...]:
        """What it answers."""
        return (
            ("GET", "/directory", self._directory),
            (
                "GET",
                "/root.pem",
                lambda _: Answer(200, self.authority.root.encode(), "application/x-pem-file"),
            ),
            ("GET", "/faults", lambda _: _json({"coming": self.planned})),
            ("POST", "/faults", self._plan),
            ("GET", "/nonce", lambda _: self._with_nonce(Answer(204))),
            ("HEAD", "/nonce", lambda _: self._with_nonce(Answer(200))),
            ("POST", "/account", self._signed(self._account)),
            ("POST", "/orders", self._signed(self._new_order)),
            ("POST", "/orders/{id}", self._signed(lambda call, one, who: self._shown(self._mine(call, who)))),
            ("POST", "/orders/{id}/finalize", self._signed(self._finalize)),
            ("POST", "/names/{id}", self._signed(self._authorization)),
            ("POST", "/challenges/{id}", self._signed(self._challenge)),
            ("POST", "/certificates/{id}", self._signed(self._certificate)),
        )

    def _plan(self, call: Call) -> Answer:
        table = call.table()
        try:
            self.plan(table.get("coming", ()))
        except (ValueError, TypeError):
            raise Bad("unknown_fault", 422) from None
        self.delay_s = float(table.get("delayS", self.delay_s))
        self.retry_s = int(table.get("retryS", self.retry_s))
        if table.get("release"):
            self.release()
        return _json({"coming": self.planned})

    def _directory(self, _: Call) -> Answer:
        paths = {"newNonce": "nonce", "newAccount": "account", "newOrder": "orders"}
        table: dict[str, Any] = {name: f"{self.url}/{path}" for name, path in paths.items()}
        return _json({**table, "meta": {"termsOfService": f"{self.url}/root.pem"}})

    def _with_nonce(self, answer: Answer) -> Answer:
        nonce = secrets.token_urlsafe(16)
        with self._lock:
            self._nonces[nonce] = None
            while len(self._nonces) > _NONCES_MOST:
                del self._nonces[next(iter(self._nonces))]
        headers = {**answer.headers, "Replay-Nonce": nonce, "Cache-Control": "no-store"}
        return Answer(answer.status, answer.body, answer.media, headers, answer.drop, answer.cut)

    def _signed(self, work: Callable[[Call, Signed, Account | None], Answer]) -> Callable[[Call], Answer]:
        """A door for signed requests only; `work` gets the account that signed, None for one that is not known."""

        def answer(call: Call) -> Answer:
            fault = self._fault(ANYWHERE)
            if fault == "drop":
                return DROP
            if fault == "slow":
                time.sleep(self.delay_s)
            try:
                if fault == "error":
                    raise Refusal("serverInternal", "simulated", 500)
                one = acme_signed.read(call.body, self.url + call.target)
                with self._lock:
                    known = self._nonces.pop(one.nonce, self) is None
                if not known or fault == "nonce":
                    raise Refusal("badNonce", "not one of ours, or used already")
                return self._with_nonce(work(call, one, self._who(one)))
            except Refusal as refusal:
                return self._with_nonce(_refused(refusal))

        return answer

    def _who(self, one: Signed) -> Account | None:
        if "jwk" in one.header:
            acme_signed.verify(one, acme_signed.public_key(one.header["jwk"]))
            return None
        account = self.accounts.get(str(one.header["kid"]).removeprefix(f"{self.url}/account/"))
        if account is None:
            raise Refusal("accountDoesNotExist", "kid")
        acme_signed.verify(one, account.key)
        return account

    def _account(self, _: Call, one: Signed, who: Account | None) -> Answer:
        if who is not None or not isinstance(one.payload, dict):
            raise Refusal("malformed", "with jwk")
        key = acme_signed.public_key(one.header["jwk"])
        id_ = acme_signed.thumbprint(key)
        known = self.accounts.get(id_)
        if known is None:
            if one.payload.get("onlyReturnExisting"):
                raise Refusal("accountDoesNotExist", "no account with this key")
            if one.payload.get("termsOfServiceAgreed") is not True:
                raise Refusal("userActionRequired", "the terms were not agreed to", 403)
            known = Account(id_, key, list(one.payload.get("contact", ())))
            self.accounts[id_] = known
            status = 201
        else:
            status = 200
        place = {"Location": f"{self.url}/account/{id_}"}
        return _json({"status": "valid", "contact": known.contact}, status, **place)

    def _new_order(self, _: Call, one: Signed, who: Account | None) -> Answer:
        account = _known(who)
        fault = self._fault(AT_ORDER)
        if fault == "rate":
            raise Refusal("rateLimited", "too many certificates already", 429, self.retry_s)
        try:
            names = [str(each["value"]) for each in one.payload["identifiers"] if each["type"] == "dns"]
        except (KeyError, TypeError):
            raise Refusal("malformed", "identifiers") from None
        if fault == "reject" or not names or any("*" in name or name != name.lower() for name in names):
            raise Refusal("rejectedIdentifier", ", ".join(names))
        order = Order(
            secrets.token_hex(8), account, [Name(secrets.token_hex(8), each, account) for each in names]
        )
        account.orders += 1
        self.orders[order.id] = order
        self._names |= {each.id: each for each in order.names}
        return self._shown(order, 201)

    def _mine(self, call: Call, who: Account | None) -> Order:
        order = self.orders.get(call.path["id"])
        if order is None or order.account is not _known(who):
            raise Refusal("malformed", "no such order", 404)
        return order

    def _shown(self, order: Order, status: int = 200) -> Answer:
        here = f"{self.url}/orders/{order.id}"
        table: dict[str, Any] = {
            "status": order.status,
            "identifiers": [{"type": "dns", "value": one.name} for one in order.names],
            "authorizations": [f"{self.url}/names/{one.id}" for one in order.names],
            "finalize": f"{here}/finalize",
        }
        if order.status == "valid":
            table["certificate"] = f"{self.url}/certificates/{order.id}"
        later = {"Retry-After": "1"} if order.status == "processing" else {}
        return _json(table, status, Location=here, **later)

    def _name(self, call: Call, who: Account | None) -> Name:
        found = self._names.get(call.path["id"])
        if found is None or found.account is not _known(who):
            raise Refusal("malformed", "no such name", 404)
        return found

    def _authorization(self, call: Call, _: Signed, who: Account | None) -> Answer:
        one = self._name(call, who)
        status = "pending" if one.status == "processing" else one.status  # that word is the challenge's alone
        found = {"identifier": {"type": "dns", "value": one.name}, "status": status}
        return _json({**found, "challenges": [self._challenge_of(one)]})

    def _challenge_of(self, one: Name) -> dict[str, Any]:
        found = {
            "type": "tls-alpn-01", "url": f"{self.url}/challenges/{one.id}", "token": one.token, "status": one.status,
        }  # fmt: skip
        return found if one.error is None else {**found, "error": one.error}

    def _challenge(self, call: Call, _: Signed, who: Account | None) -> Answer:
        one = self._name(call, who)
        with self._lock:
            begins, one.status = (
                one.status == "pending",
                "processing" if one.status == "pending" else one.status,
            )
        if begins:
            threading.Thread(target=self._look, args=(one,), name="sandbox-acme", daemon=True).start()
        return _json(self._challenge_of(one))

    def _look(self, one: Name) -> None:
        try:
            if self._fault(("challenge",)):
                raise Refusal("connection", f"{one.name}: simulated")
            answer = f"{one.token}.{acme_signed.thumbprint(one.account.key)}"
            acme_challenge.check(one.name, answer, self.place)
            one.status = "valid"
        except Refusal as refusal:
            one.error = {"type": refusal.type, "detail": refusal.detail, "status": refusal.status}
            one.status = "invalid"
        except Exception as error:  # what is no certificate at all
            one.error = {"type": f"{acme_signed.ERROR}tls", "detail": type(error).__name__, "status": 400}
            one.status = "invalid"

    def _finalize(self, call: Call, one: Signed, who: Account | None) -> Answer:
        order = self._mine(call, who)
        if order.status != "ready":
            raise Refusal("orderNotReady", order.status, 403)
        try:
            request = x509.load_der_x509_csr(acme_signed.decoded(one.payload["csr"]))
            asked = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            good = request.is_signature_valid
        except (KeyError, TypeError, ValueError, x509.ExtensionNotFound):
            raise Refusal("badCSR", "not readable") from None
        names = [each.name for each in order.names]
        if not good or sorted(asked.get_values_for_type(x509.DNSName)) != sorted(names):
            raise Refusal("badCSR", "signature or names")
        try:
            chain = self.authority.issue(request, names)
        except ValueError as error:
            raise Refusal("badCSR", str(error)) from None
        order.stuck = bool(self._fault(("stuck",)))
        order.chain = chain
        return self._shown(order)

    def _certificate(self, call: Call, _: Signed, who: Account | None) -> Answer:
        order = self._mine(call, who)
        if order.status != "valid":
            raise Refusal("malformed", "not yet", 404)
        return Answer(200, order.chain.encode(), "application/pem-certificate-chain")


def _known(who: Account | None) -> Account:
    if who is None:
        raise Refusal("malformed", "with kid")
    return who


def _json(table: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, json.dumps(table).encode(), "application/json", headers)


def _refused(one: Refusal) -> Answer:
    headers = {} if one.retry_after is None else {"Retry-After": str(one.retry_after)}
    body = {"type": one.type, "detail": one.detail, "status": one.status}
    return Answer(one.status, json.dumps(body).encode(), "application/problem+json", headers)
