"""The recorder passes everything through and keeps it, both ways."""

import contextlib
import socket
import threading

from praxisd.testing.recorder import Recorder


def _echo(server: socket.socket) -> None:
    while True:
        try:
            one, _ = server.accept()
        except OSError:
            return
        with one:
            data = b""
            while piece := one.recv(4096):
                data += piece
            one.sendall(data.upper())


def test_what_goes_through_is_kept_with_its_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        with Recorder("127.0.0.1", server.getsockname()[1], lambda: 7.0) as between:
            for word in (b"one", b"two" * 50_000):
                with socket.create_connection(("127.0.0.1", between.port), 5) as caller:
                    caller.sendall(word)
                    caller.shutdown(socket.SHUT_WR)
                    answer = b""
                    while piece := caller.recv(65_536):
                        answer += piece
                assert answer == word.upper()
            assert between.sent() == [(7.0, b"one"), (7.0, b"two" * 50_000)]
            assert between.everything() == b"one\n" + b"two" * 50_000
            assert between.size() == (150_003, 150_003)
            between.clear()
            assert between.sent() == [] and between.size() == (0, 0)


def test_a_target_that_is_not_there_ends_the_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with Recorder("127.0.0.1", port) as between:
        with socket.create_connection(("127.0.0.1", between.port), 5) as caller:
            caller.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                assert caller.recv(10) == b""
        assert between.pieces == ()
