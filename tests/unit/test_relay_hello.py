"""ClientHello: real ones cut anywhere and spread over records, sizes of tomorrow, and everything that is none."""

import contextlib
import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay import hello
from praxisd_relay.hello import HelloError, Reader

NAME = "abcdefghijklmnopqrstuvwxyz.relay.example"


def real(name: str | None = NAME, alpn: list[str] | None = None, old: bool = False) -> bytes:
    """What OpenSSL says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if old:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if alpn:
        context.set_alpn_protocols(alpn)
    said = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), said, server_hostname=name).do_handshake()
    return said.read()


def vector(width: int, content: bytes) -> bytes:
    """Content behind its length."""
    return len(content).to_bytes(width, "big") + content


def extension(kind: int, content: bytes) -> bytes:
    """One extension."""
    return struct.pack("!H", kind) + vector(2, content)


def server_name(name: bytes) -> bytes:
    """RFC 6066 § 3."""
    return extension(0, vector(2, b"\0" + vector(2, name)))


def built(*extensions: bytes, suites: bytes = b"\x13\x01", session: bytes = b"s" * 32) -> bytes:
    """A handshake message."""
    body = b"\x03\x03" + b"r" * 32 + vector(1, session) + vector(2, suites) + b"\x01\x00"
    body += vector(2, b"".join(extensions))
    return b"\x01" + vector(3, body)


def records(message: bytes, size: int = 16384) -> bytes:
    """The message in TLS records."""
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + vector(2, part) for part in parts)


BAD_NAMES = (b"", b"a b", b"\xff", b"a..b", b".a", b"a\0", b"a" * 254)
GREASE = extension(0x0A0A, b"")
ML_KEM = extension(51, vector(2, b"\x11\xec" + vector(2, b"k" * 1216) + b"\x00\x1d" + vector(2, b"x" * 32)))


@pytest.mark.parametrize("old", [False, True], ids=["tls13", "tls12"])
def test_real_hellos_are_read_whole(old: bool) -> None:
    data = real(alpn=["praxis-relay/1", "h2"], old=old)
    assert hello.read(data) == (NAME, ("praxis-relay/1", "h2"), len(data))
    assert hello.read(data + b"early data") == (NAME, ("praxis-relay/1", "h2"), len(data))
    unnamed = real(None)
    assert hello.read(unnamed) == ("", (), len(unnamed))


@pytest.mark.parametrize(
    "data", [real(alpn=["h2"]), records(built(GREASE, ML_KEM, server_name(NAME.encode())), 300)]
)
def test_a_hello_cut_at_every_byte(data: bytes) -> None:
    whole = hello.read(data)
    assert whole is not None and whole.name == NAME
    for cut in range(len(data)):
        assert hello.read(data[:cut]) is None
        reader = Reader()
        assert reader.feed(data[:cut]) is None
        assert reader.feed(data[cut:]) == whole
        assert bytes(reader.buffer) == data


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 64, 500])
def test_a_hello_over_several_records_and_byte_by_byte(size: int) -> None:
    data = records(real()[5:], size)
    reader = Reader()
    found = [reader.feed(data[at : at + 1]) for at in range(len(data))]
    assert found[:-1] == [None] * (len(data) - 1)
    assert found[-1] == hello.read(data) == (NAME, (), len(data))


def test_a_hello_with_ml_kem_and_grease() -> None:
    data = records(built(GREASE, ML_KEM, server_name(NAME.upper().encode() + b"."), extension(0x1A1A, b"\0")))
    assert len(data) > 1300
    assert hello.read(data) == (NAME, (), len(data))


def test_the_name_may_come_last_and_large_things_before_it() -> None:
    message = built(extension(21, bytes(15_000)), server_name(NAME.encode()))
    assert hello.read(records(message)) == (NAME, (), len(message) + 5)


@pytest.mark.parametrize(
    ("data", "alert"),
    [
        (b"GET / HTTP/1.1\r\n", hello.NOT_TLS),
        (b"\x80\x2e\x01\x00\x02", hello.NOT_TLS),  # SSL 2
        (b"\x16\x01", hello.NOT_TLS),
        (b"\x15\x03\x01\x00\x02\x02\x28", hello.UNEXPECTED_MESSAGE),
        (b"\x16\x03\x01\x00\x00", hello.UNEXPECTED_MESSAGE),  # an empty record
        (b"\x16\x03\x01\x00\x05\x02", hello.UNEXPECTED_MESSAGE),  # a ServerHello
        (b"\x16\x03\x01\x40\x01", hello.RECORD_OVERFLOW),
        (b"\x16\x03\x01\x00\x04\x01\xff\xff\xff", hello.RECORD_OVERFLOW),
        (records(built())[:60] + b"\x17\x03\x03\x00\x10", None),
        (records(built(), 20)[:25] + b"\x17\x03\x03\x00\x10", hello.UNEXPECTED_MESSAGE),
        (records(built(server_name(b"a"), server_name(b"b"))), hello.ILLEGAL_PARAMETER),
        (records(built(extension(0, vector(2, (b"\0" + vector(2, b"a")) * 2)))), hello.ILLEGAL_PARAMETER),
        (records(built(extension(0, b""))), hello.DECODE_ERROR),
        (records(built(extension(0, b"\0\0"))), hello.DECODE_ERROR),
        (records(built(extension(16, b"\0\1\0"))), hello.DECODE_ERROR),
        (records(built(suites=b"")), hello.DECODE_ERROR),
        (records(built(session=b"s" * 33)), hello.DECODE_ERROR),
        (records(built(b"\0\0\0\xff")), hello.DECODE_ERROR),
        *((records(built(server_name(bad))), hello.UNRECOGNIZED_NAME) for bad in BAD_NAMES),
    ],
)  # fmt: skip
def test_what_is_no_hello(data: bytes, alert: int | None) -> None:
    if alert is None:  # cut within: more could still come
        assert hello.read(data[:60]) is None
        return
    with pytest.raises(HelloError) as raised:
        hello.read(data)
    assert raised.value.alert == alert
    reader, found = Reader(), None
    with pytest.raises(HelloError) as dripped:
        for at in range(len(data)):
            found = reader.feed(data[at : at + 1])
    assert (dripped.value.alert, found) == (alert, None)


def test_nobody_makes_it_hold_more_than_a_hello() -> None:
    reader = Reader()
    with pytest.raises(HelloError):
        for _ in range(100):
            assert reader.feed(records(b"\x01\x00\x3f\xf0" + bytes(1000), 200)[:1000]) is None
    assert len(reader.buffer) <= hello.MOST + 1005


@given(st.binary(max_size=600) | st.binary(max_size=300).map(lambda tail: real()[:60] + tail))
def test_noise_raises_nothing_but_hello_error(data: bytes) -> None:
    try:
        found = hello.read(data)
    except HelloError as error:
        assert 0 <= error.alert < 256
    else:
        assert found is None or found.length <= len(data)


@given(st.integers(0, 516), st.integers(0, 255), st.integers(0, 516))
def test_a_real_hello_with_a_wrong_byte(at: int, value: int, cut: int) -> None:
    data = bytearray(real())
    data[at % len(data)] = value
    try:
        whole: object = hello.read(data)
    except HelloError as error:
        whole = error.alert
    reader = Reader()
    try:
        pieces: object = reader.feed(data[:cut]) or reader.feed(data[cut:])
    except HelloError as error:
        pieces = error.alert
    assert whole == pieces


def test_alerts_are_seven_bytes_a_tls_client_understands() -> None:
    assert hello.alert(hello.UNRECOGNIZED_NAME) == b"\x15\x03\x03\x00\x02\x02\x70"
    context = ssl.create_default_context()
    said, heard = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(heard, said, server_hostname=NAME)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    heard.write(hello.alert(hello.UNRECOGNIZED_NAME))
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        client.do_handshake()
