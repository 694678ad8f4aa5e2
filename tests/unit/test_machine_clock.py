"""The clock against a time server: a stand-in on UDP that tells the time rightly, wrongly, or not at all."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from praxisd.kernel.errors import Problem
from praxisd.services.diagnosis.machine_checks import check_servers
from praxisd.services.diagnosis.machine_clock import NTP_PORT, NoTime, offset, servers

UNIX = 2_208_988_800
Answer = Callable[[bytes], bytes | None]


def packet(
    asked: bytes, ahead: float = 0.0, *, leap: int = 0, stratum: int = 2, mode: int = 4, era: bool = False
) -> bytes:
    """What a server `ahead` seconds before our clock answers; `era`: its 32 bits have wrapped (from 2036 on)."""
    now = time.time() + ahead + UNIX
    whole, part = int(now) & 0xFFFFFFFF if era else int(now), int(now % 1 * (1 << 32))
    first = (leap << 6) | (4 << 3) | mode
    stamp = struct.pack("!II", whole, part)
    return struct.pack("!BBbb11I", first, stratum, 6, -20, *[0] * 11)[:24] + asked[40:48] + stamp + stamp


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], int]]:
    wires: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def begin(answer: Answer) -> int:
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.bind(("127.0.0.1", 0))
        wire.settimeout(0.1)
        wires.append(wire)

        def work() -> None:
            while True:
                try:
                    asked, who = wire.recvfrom(512)
                except TimeoutError:
                    continue
                except OSError:
                    return
                told = answer(asked)
                if told is not None:
                    wire.sendto(told, who)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        threads.append(thread)
        return int(wire.getsockname()[1])

    yield begin
    for wire in wires:
        wire.close()
    for thread in threads:
        thread.join(60)


@pytest.mark.parametrize("ahead", [0.0, 30.0, -400.0, 86_400.0])
def test_how_far_the_clock_is_off(serve: Callable[[Answer], int], ahead: float) -> None:
    port = serve(lambda asked: packet(asked, ahead))
    assert offset("127.0.0.1", port, 30) == pytest.approx(ahead, abs=4)


def test_time_that_wraps_in_2036_is_the_one_near_us(serve: Callable[[Answer], int]) -> None:
    def much_later() -> float:
        return time.time() + 500_000_000  # 2042

    port = serve(lambda asked: packet(asked, 500_000_000, era=True))
    assert offset("127.0.0.1", port, 30, now=much_later) == pytest.approx(0, abs=4)


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked: packet(asked, leap=3),
        lambda asked: packet(asked, stratum=0),
        lambda asked: packet(asked, stratum=16),
        lambda asked: packet(asked, mode=3),
        lambda asked: packet(bytes(48)),  # to a question that nobody asked
        lambda asked: b"no",
        lambda asked: None,
    ],
)
def test_who_does_not_know_the_time_is_not_believed(serve: Callable[[Answer], int], answer: Answer) -> None:
    port = serve(answer)
    with pytest.raises(NoTime):
        offset("127.0.0.1", port, 0.4)


def test_a_false_answer_does_not_hide_the_true_one(serve: Callable[[Answer], int]) -> None:
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.bind(("127.0.0.1", 0))

    def work() -> None:
        asked, who = wire.recvfrom(512)
        wire.sendto(packet(bytes(48), 900), who)
        wire.sendto(packet(asked, 60), who)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert offset("127.0.0.1", int(wire.getsockname()[1]), 30) == pytest.approx(60, abs=4)
    thread.join(60)
    wire.close()


def test_names_of_servers() -> None:
    assert servers("") == []
    assert servers("konnektor.lan, 192.0.2.1:1123 [2001:db8::1]:124 2001:db8::2") == [
        ("konnektor.lan", NTP_PORT),
        ("192.0.2.1", 1123),
        ("2001:db8::1", 124),
        ("2001:db8::2", NTP_PORT),
    ]
    check_servers("")
    check_servers("ptbtime1.ptb.de, konnektor")
    for bad in ("http://x/", "a;b", "a b c d", "x:99999"):
        with pytest.raises(Problem):
            check_servers(bad)
