"""Headers of the PROXY protocol: those of balancers, and everything else."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay.front_proxy import SIGNATURE, Header, ProxyError, believed, read

TAIL = b"\x16\x03\x01 and what follows"


def v2(address: str, port: int, *, more: bytes = b"", command: int = 0x21) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    body = socket.inet_pton(family, address) * 2 + port.to_bytes(2, "big") * 2 + more
    kind = 0x21 if ":" in address else 0x11
    return SIGNATURE + bytes((command, kind)) + len(body).to_bytes(2, "big") + body


def v1(address: str, port: int) -> bytes:
    return f"PROXY TCP{6 if ':' in address else 4} {address} {address} {port} 443\r\n".encode()


@given(st.ip_addresses().map(str), st.integers(0, 65_535), st.sampled_from((v1, v2)))
def test_the_address_of_the_guest(address: str, port: int, make: object) -> None:
    header = make(address, port)  # type: ignore[operator]
    found = read(header + TAIL)
    assert found is not None and found.length == len(header) and found.port == port
    assert ipaddress.ip_address(found.address) == ipaddress.ip_address(address)
    for end in range(1, len(header)):
        assert read(header[:end]) is None


def test_what_a_balancer_says_of_itself() -> None:
    assert read(b"PROXY UNKNOWN\r\n" + TAIL) == Header("", 0, 15)
    assert read(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n") == Header("", 0, 35)
    local = v2("192.0.2.1", 1, command=0x20)
    assert read(local) == Header("", 0, len(local))
    extra = v2("192.0.2.1", 7, more=b"\x04\x00\x10" + bytes(16))
    assert read(extra) == Header("192.0.2.1", 7, len(extra))


@pytest.mark.parametrize(
    "said",
    [
        TAIL,
        b"GET / HTTP/1.1\r\n",
        b"PROXY \r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        b"PROXY TCP4 192.0.2.x 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 70000 2\r\n",
        b"PROXY TCP9 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 " + b"1" * 200,
        SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x22\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x21\x11\x00\x04" + bytes(4),
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_no_header(said: bytes) -> None:
    with pytest.raises(ProxyError):
        read(said)


@given(
    st.one_of(
        st.binary(max_size=80),
        st.binary(max_size=80).map(SIGNATURE.__add__),
        st.binary(max_size=200).map(b"PROXY ".__add__),
    )
)
def test_anything_is_a_header_or_none_or_not_yet_whole(said: bytes) -> None:
    try:
        found = read(said)
    except ProxyError:
        return
    assert found is None or 0 < found.length <= len(said)


def test_who_is_believed() -> None:
    balancers = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32"))
    for address, answer in (
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", True),
        ("11.0.0.1", False),
        ("fe80::1%eth0", False),
        ("", False),
    ):
        assert believed(address, balancers) is answer
    assert not believed("10.1.2.3", ())
