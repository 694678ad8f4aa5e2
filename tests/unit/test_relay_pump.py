"""The TLS pump: both ends by hand, any cut, ends in order and out of it."""

import os
import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd_relay.pump import Pump, TlsError, link_server

NAME = "link.relay.test"
CA = trustme.CA()


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Server and client."""
    folder: Path = tmp_path_factory.mktemp("pump")
    made = CA.issue_cert(NAME)
    made.cert_chain_pems[0].write_to_path(folder / "chain.pem")
    made.private_key_pem.write_to_path(folder / "key.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    CA.configure_trust(client)
    client.set_alpn_protocols(["praxis-relay/1"])
    return link_server(str(folder / "chain.pem"), str(folder / "key.pem"), ["praxis-relay/1"]), client


def joined(contexts: tuple[ssl.SSLContext, ssl.SSLContext], step: int = 100_000) -> tuple[Pump, Pump]:
    """Server and client after the handshake, fed `step` bytes at once."""
    server = Pump(contexts[0], server=True)
    client = Pump(contexts[1], server=False, server_name=NAME)
    for _ in range(4):
        carry(client, server, step)
        carry(server, client, step)
    assert server.up and client.up
    return server, client


def carry(one: Pump, other: Pump, step: int = 50_000) -> bytes:
    """What `one` has to send reaches `other`; what that makes of it."""
    data, found = one.outgoing(), b""
    for at in range(0, len(data), step):
        other.feed(data[at : at + step])
        found += b"".join(other.plain())
    return found


def test_a_link_is_tls_13_without_tickets(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = joined(contexts)
    assert client.tls.version() == "TLSv1.3"
    assert client.tls.selected_alpn_protocol() == "praxis-relay/1" == server.tls.selected_alpn_protocol()
    assert contexts[0].num_tickets == 0
    assert client.plain() == [] and server.outgoing() == b"" == client.outgoing()
    assert client.tls.getpeercert(binary_form=True)


def test_byte_by_byte(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = joined(contexts, 1)
    client.write(b"hello")
    assert carry(client, server, 1) == b"hello"


@settings(max_examples=30)
@given(st.lists(st.integers(1, 70_000), min_size=1, max_size=5), st.integers(1, 40_000))
def test_what_is_written_comes_out_whatever_the_pieces(sizes: list[int], step: int) -> None:
    server, client = joined(_made())
    for size in sizes:
        data = os.urandom(size)
        server.write(data)
        assert carry(server, client, step) == data
        client.write(memoryview(data))
        assert carry(client, server, step) == data


_CONTEXTS: list[tuple[ssl.SSLContext, ssl.SSLContext]] = []


def _made() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts for a property test, which may not take a fixture: made once."""
    if not _CONTEXTS:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        CA.issue_cert(NAME).configure_cert(server)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        CA.configure_trust(client)
        _CONTEXTS.append((server, client))
    return _CONTEXTS[0]


def test_the_end_is_told_and_data_before_it_arrives(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = joined(contexts)
    server.write(b"last words")
    server.close_notify()
    assert carry(server, client) == b"last words"
    assert client.ended and client.plain() == []
    assert not server.ended
    client.close_notify()
    carry(client, server)
    assert server.ended


@pytest.mark.parametrize("when", ["before", "after"])
def test_nonsense_is_a_tls_error(contexts: tuple[ssl.SSLContext, ssl.SSLContext], when: str) -> None:
    server = Pump(contexts[0], server=True) if when == "before" else joined(contexts)[0]
    with pytest.raises(TlsError):
        server.feed(b"\x17\x03\x03\x00\x20" + bytes(32))
        server.plain()
    assert server.outgoing()  # the alert


def test_a_certificate_nobody_knows_is_said_so(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server = Pump(contexts[0], server=True)
    client = Pump(ssl.create_default_context(), server=False, server_name=NAME)
    carry(client, server)
    with pytest.raises(TlsError, match="certificate: "):
        carry(server, client)
    with pytest.raises(TlsError):
        carry(client, server)
