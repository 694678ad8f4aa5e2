"""Where TLS of guests ends: handshakes, half close, slow guests, cut ends; nothing stays, nobody waits for ever."""

import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from praxisd.kernel.app import House
from praxisd.services.relay import certificate_making, certificates, ends, probe
from praxisd.services.relay.runner import LinkRunner
from praxisd.testing.houses import Houses
from praxisd_relay.frames import Rst
from praxisd_relay.stream import Far, Stream

from .relay_cast import RunningHub, running_hub, until
from .relay_runner_cast import Book, come, doors, linked, name_of, rest, served, there_and_back, tls


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with running_hub(tmp_path / "hub", ping_s=1.0, spread_s=0.2) as found:
        yield found


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    """One engine is enough: nothing here touches the store."""
    return sqlite_houses.open()


@pytest.fixture
def runner(house: House, hub: RunningHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[LinkRunner]:
    """A link that is up. It does not call itself from outside: the only guests are those of the test."""

    async def no_call(*_args: object) -> probe.Fetched:
        return probe.Fetched(None, 200, 1)

    monkeypatch.setattr(probe, "call", no_call)
    with linked(house, hub) as found:
        yield found


def quiet(runner: LinkRunner, house: House) -> None:
    """No guest is left anywhere."""
    until(lambda: runner.snapshot().links[0].streams == 0 and len(house.visitors) == 0)


def hello_of(name: str) -> bytes:
    """The first bytes a guest sends."""
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        tls().wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


def echoes(sock: socket.socket) -> None:
    """Says everything again until the other side ends."""
    while data := sock.recv(65536):
        sock.sendall(data)


def test_both_ways_in_any_pieces(house: House, hub: RunningHub, runner: LinkRunner) -> None:
    with doors(house, echoes), come(hub, name_of(house)) as guest:
        for size in (1, 100, 16_384, 16_385, 700_000):
            text = (bytes(range(256)) * (size // 256 + 1))[:size]
            assert there_and_back(guest, text) == text
    quiet(runner, house)


def test_head_and_body_that_come_together_reach_the_doors_together(
    house: House, hub: RunningHub, runner: LinkRunner
) -> None:
    reads: list[bytes] = []

    def answers(sock: socket.socket) -> None:
        reads.append(sock.recv(65536))
        sock.sendall(b"done")

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    guest = tls().wrap_bio(incoming, outgoing, server_hostname=name_of(house))
    with doors(house, answers), socket.create_connection(("127.0.0.1", hub.hub.port), 30) as line:

        def until_done(step: Callable[[], object]) -> object:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    line.sendall(outgoing.read())
                    incoming.write(line.recv(65536))

        until_done(guest.do_handshake)
        guest.write(b"head, ")
        guest.write(b"body")  # a second record, on its way in the same packet
        assert until_done(lambda: guest.read(100)) == b"done"
    assert reads == [b"head, body"]
    quiet(runner, house)


@pytest.mark.parametrize(
    ("said", "true"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7\0", None),
        ("fe80::1%\0", None),
        ('=HYPERLINK("x")', None),
        ("1" * 60_000, None),
        ("", None),
    ],
)
def test_what_the_hub_says_of_a_guest_is_an_address_or_nothing(
    house: House,
    hub: RunningHub,
    runner: LinkRunner,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    true: str | None,
) -> None:
    take = ends.Doors.take

    def told(shared: ends.Doors, stream: Stream) -> Far | Rst:
        stream.opened = msgspec.structs.replace(stream.opened, address=said)
        return take(shared, stream)

    monkeypatch.setattr(ends.Doors, "take", told)
    book = Book(house)
    with doors(house, echoes), come(hub, name_of(house)) as guest:
        guest.sendall(b"Guten Tag")
        assert guest.recv(65536) == b"Guten Tag"
    assert [one.address for one in book.came] == [true]
    quiet(runner, house)


def test_a_guest_that_never_finishes_its_handshake_is_cut_and_opens_no_door(
    house: House, hub: RunningHub, runner: LinkRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "HANDSHAKE_S", 0.5)
    with doors(house, echoes) as opened:
        with socket.create_connection(("127.0.0.1", hub.hub.port), 30) as guest:
            guest.sendall(hello_of(name_of(house)))
            began = time.monotonic()
            try:
                while guest.recv(65536):
                    pass
            except ConnectionResetError:
                pass
            assert time.monotonic() - began < 15
        assert opened.taken == 0
        quiet(runner, house)


def test_a_guest_that_says_nonsense_after_its_hello(
    house: House, hub: RunningHub, runner: LinkRunner
) -> None:
    with doors(house, echoes) as opened:
        with socket.create_connection(("127.0.0.1", hub.hub.port), 30) as guest:
            guest.sendall(hello_of(name_of(house)))
            assert guest.recv(65536)
            guest.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
            found = b""
            try:
                while data := guest.recv(65536):
                    found += data
            except ConnectionResetError:
                pass
        assert opened.taken == 0
        quiet(runner, house)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(house: House, hub: RunningHub, runner: LinkRunner) -> None:
    context = tls()
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with doors(house, echoes), pytest.raises((ssl.SSLError, ConnectionError)):
        come(hub, name_of(house), context)
    quiet(runner, house)


def test_a_guest_that_has_finished_speaking_still_gets_its_answer(
    house: House, hub: RunningHub, runner: LinkRunner
) -> None:
    """Our own server breaks off what it does when it hears of the end; the guest must not suffer from that."""
    asked = threading.Event()

    def slow(sock: socket.socket) -> None:
        sock.recv(65536)
        asked.set()
        time.sleep(0.8)
        sock.sendall(b"the answer")
        assert sock.recv(65536) == b""  # then it hears of the end

    with doors(house, slow), come(hub, name_of(house)) as guest:
        guest.sendall(b"a question")
        assert asked.wait(30)
        socket.socket.shutdown(guest, socket.SHUT_WR)
        assert rest(guest) == b"the answer"
    quiet(runner, house)


def test_half_close_with_the_real_doors(house: House, hub: RunningHub, runner: LinkRunner) -> None:
    with served(house), come(hub, name_of(house)) as guest:
        guest.sendall(f"GET /health/live HTTP/1.1\r\nHost: {name_of(house)}\r\n\r\n".encode())
        socket.socket.shutdown(guest, socket.SHUT_WR)
        assert rest(guest).startswith(b"HTTP/1.1 200")
        quiet(runner, house)


def test_the_end_of_an_answer_is_a_clean_end_of_tls(
    house: House, hub: RunningHub, runner: LinkRunner
) -> None:
    """Without close_notify a guest could not tell a whole answer from one that was cut."""

    def answers(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(b"x" * 300_000)

    with doors(house, answers), come(hub, name_of(house)) as guest:
        guest.suppress_ragged_eofs = False
        guest.sendall(b"?")
        assert len(rest(guest)) == 300_000
    quiet(runner, house)


def test_doors_that_break_off_are_no_clean_end(house: House, hub: RunningHub, runner: LinkRunner) -> None:
    def breaks(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(b"half of it")
        time.sleep(0.3)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with doors(house, breaks), come(hub, name_of(house)) as guest:
        guest.suppress_ragged_eofs = False
        guest.sendall(b"?")
        with pytest.raises(OSError):
            rest(guest)
    quiet(runner, house)


def test_doors_that_are_closed(house: House, hub: RunningHub, runner: LinkRunner) -> None:
    house.shared["url"] = "http://127.0.0.1:1"
    for _ in range(5):
        with pytest.raises(OSError), come(hub, name_of(house)) as guest:
            guest.sendall(b"?")
            guest.suppress_ragged_eofs = False
            rest(guest)
    quiet(runner, house)
    assert runner.snapshot().connected


def test_a_guest_that_goes_away_in_the_middle(house: House, hub: RunningHub, runner: LinkRunner) -> None:
    came, gone = threading.Event(), threading.Event()

    def waits(sock: socket.socket) -> None:
        try:
            while sock.recv(65536):
                came.set()
        except OSError:
            pass
        gone.set()

    with doors(house, waits):
        guest = come(hub, name_of(house))
        guest.sendall(b"?")
        assert came.wait(60)  # one that goes before there is a connection to the doors never comes to them
        guest.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        guest.close()
        assert gone.wait(30)
        quiet(runner, house)


def test_a_guest_that_does_not_read_holds_back_the_doors_and_nobody_else(
    house: House, hub: RunningHub, runner: LinkRunner
) -> None:
    """100 MB for somebody who reads nothing: what leaves the doors is bounded by windows, and it all comes when he reads."""
    size, sent, lock = 100_000_000, [0], threading.Lock()

    def pours(sock: socket.socket) -> None:
        if sock.recv(65536) != b"all":
            sock.sendall(b"small")
            return
        piece = b"x" * 50_000
        for _ in range(size // len(piece)):
            sock.sendall(piece)
            with lock:
                sent[0] += len(piece)

    with doors(house, pours), come(hub, name_of(house)) as slow:
        slow.sendall(b"all")
        until(lambda: sent[0] > 0)
        last = -1
        while last != sent[0]:  # until nothing moves any more
            last = sent[0]
            time.sleep(0.5)
        assert last < 20_000_000
        for _ in range(5):
            with come(hub, name_of(house)) as quick:
                quick.sendall(b"?")
                assert rest(quick) == b"small"
        found = 0
        while data := slow.recv(1 << 20):
            found += len(data)
        assert found == size
    quiet(runner, house)


def test_what_a_guest_pours_in_is_bounded_too(
    house: House, hub: RunningHub, runner: LinkRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "ANSWER_S", 1.0)
    go, taken = threading.Event(), [0]

    def stalls(sock: socket.socket) -> None:
        go.wait(60)
        while data := sock.recv(1 << 20):
            taken[0] += len(data)

    with doors(house, stalls), come(hub, name_of(house)) as guest:
        guest.setblocking(False)
        sent, quiet_since = 0, time.monotonic()
        while time.monotonic() - quiet_since < 1.0 and sent < 100_000_000:
            try:
                sent += guest.send(b"x" * 65536)
                quiet_since = time.monotonic()
            except (ssl.SSLWantWriteError, BlockingIOError):
                time.sleep(0.01)
        assert sent < 40_000_000
        go.set()
        guest.setblocking(True)
        socket.socket.shutdown(guest, socket.SHUT_WR)
        until(lambda: taken[0] >= sent)
    quiet(runner, house)


def test_challenges_of_acme_are_answered_by_their_own_certificate(
    house: House, hub: RunningHub, runner: LinkRunner
) -> None:
    """RFC 8737: ALPN acme-tls/1, nothing but the handshake; without a challenge under way the name is unknown."""
    context, book = tls(), Book(house)
    context.set_alpn_protocols([ends.ACME_ALPN])
    with doors(house, echoes) as opened:
        with pytest.raises(OSError):
            come(hub, name_of(house), context)
        seen: list[str] = []
        answer = _with_alpn(house)
        house.shared["relay.acme_context"] = lambda hello: seen.append(hello.name) or answer
        with come(hub, name_of(house), context) as authority:
            assert authority.selected_alpn_protocol() == ends.ACME_ALPN
            assert rest(authority) == b""
        assert certificates.current(house).context is not answer
        assert seen == [name_of(house)]
        assert (opened.taken, book.came) == (0, [])
    quiet(runner, house)


def _with_alpn(house: House) -> ssl.SSLContext:
    key = certificate_making.new_key()
    return certificate_making.context(
        certificate_making.self_made(key, (name_of(house),), house.clock.now()), (ends.ACME_ALPN,)
    )


def test_sockets_do_not_pile_up(house: House, hub: RunningHub, runner: LinkRunner) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    with doors(house, echoes):
        for round_ in range(3):
            for _ in range(20):
                with come(hub, name_of(house)) as guest:
                    guest.sendall(b"?")
                    assert guest.recv(1) == b"?"
            quiet(runner, house)
            if round_ == 0:
                until(lambda: _settled(count))
                before = count()
        until(lambda: count() <= before + 3)


def _settled(count: object) -> bool:
    assert callable(count)
    first = count()
    time.sleep(0.2)
    return bool(first == count())
