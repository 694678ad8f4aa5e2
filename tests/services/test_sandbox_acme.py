"""The simulated authority is no softer than a real one: what is not signed, fresh and proven gets nothing."""

import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from praxisd.sandbox.acme_challenge import check
from praxisd.sandbox.acme_program import Running
from praxisd.sandbox.acme_signed import Refusal
from praxisd.services.relay import acme_answers, certificate_making
from praxisd.services.relay.acme_wire import Key

NAME = "praxis.relay.example"
DIGEST = bytes.fromhex("a591a6d40bf420404a011733cfb7b190d62c65bf0bcda32b57b277d9ad9f146e")
"""SHA-256 of „Hello World“."""


@pytest.fixture
def ca() -> Iterator[Running]:
    one = Running("127.0.0.1", 0, 86_400)
    yield one
    one.close()


class Client:
    """Says what the test wants said."""

    def __init__(self, ca: Running) -> None:
        self.base = ca.certifier.url
        self.key = Key(certificate_making.new_key())
        self.kid = ""

    def nonce(self) -> str:
        return httpx.head(f"{self.base}/nonce").headers["replay-nonce"]

    def post(self, path: str, payload: Any = None, **header: Any) -> httpx.Response:
        url = f"{self.base}{path}"
        made = {"nonce": self.nonce(), "url": url} | (
            {"kid": self.kid} if self.kid else {"jwk": self.key.jwk}
        )
        body = self.key.signed(made | header, payload)
        return httpx.post(url, content=body, headers={"Content-Type": "application/jose+json"})

    def join(self) -> None:
        self.kid = self.post("/account", {"termsOfServiceAgreed": True}).headers["location"]

    def order(self, *names: str) -> httpx.Response:
        return self.post("/orders", {"identifiers": [{"type": "dns", "value": one} for one in names]})


def no(answer: httpx.Response) -> str:
    assert answer.status_code >= 400
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"].removeprefix("urn:ietf:params:acme:error:"))


def test_only_signed_and_fresh_requests_of_a_known_account(ca: Running) -> None:
    one, other = Client(ca), Client(ca)
    assert no(one.post("/account", {})) == "userActionRequired"
    one.join()
    other.join()
    assert one.kid != other.kid
    nonce = one.nonce()
    assert (
        one.post("/orders", {"identifiers": [{"type": "dns", "value": NAME}]}, nonce=nonce).status_code == 201
    )
    assert no(one.post("/orders", {}, nonce=nonce)) == "badNonce", "each once"
    assert no(one.post("/orders", {}, nonce="none-of-ours")) == "badNonce"
    assert no(one.post("/orders", {}, url=f"{one.base}/account")) == "unauthorized"
    assert no(one.post("/orders", {}, kid=other.kid)) == "unauthorized", "signed by another key"
    assert no(one.post("/orders", {}, kid=f"{one.base}/account/nobody")) == "accountDoesNotExist"
    assert no(one.post("/orders", {}, alg="none")) == "badSignatureAlgorithm"
    assert no(one.post("/orders", {}, jwk=one.key.jwk)) == "malformed"
    order = one.order(NAME)
    assert no(other.post(order.headers["location"].removeprefix(one.base))) == "malformed", "not his"
    assert (
        no(one.post(f"{order.headers['location'].removeprefix(one.base)}/finalize", {"csr": ""}))
        == "orderNotReady"
    )
    broken = msgspec.json.decode(
        one.key.signed({"nonce": one.nonce(), "url": f"{one.base}/orders", "kid": one.kid}, {})
    )
    broken["payload"] = "e30x"
    assert no(httpx.post(f"{one.base}/orders", json=broken)) == "malformed"


def shows(context: ssl.SSLContext) -> tuple[str, int]:
    """Somebody who ends TLS once; where."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as plain:
            try:
                context.wrap_socket(plain, server_side=True).close()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[:2]


def test_a_name_is_proven_by_exactly_its_certificate() -> None:
    def context(name: str = NAME, digest: bytes = DIGEST, protocol: str = "acme-tls/1") -> ssl.SSLContext:
        return certificate_making.context(acme_answers.made(name, digest), [protocol])

    check(NAME, "Hello World", shows(context()))
    own = certificate_making.self_made(certificate_making.new_key(), [NAME], 1_795_000_000)
    for wrong in (
        context(name="other.relay.example"),
        context(digest=bytes(32)),
        context(protocol="http/1.1"),
        certificate_making.context(own, ["acme-tls/1"]),
    ):
        with pytest.raises(Refusal):
            check(NAME, "Hello World", shows(wrong))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Refusal) as refused:
            check(NAME, "Hello World", closed.getsockname())
    assert refused.value.type.endswith("connection")
