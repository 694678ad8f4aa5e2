"""The key of a seat: its file is for its owner alone, and its signature holds for one server, seat and session."""

import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from praxisd_client import Problem, Refused, Seat, SeatError, SeatKey, Stale
from praxisd_client.errors import Locked, LockLost, problem
from praxisd_client.key import decoded


def test_a_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    key = SeatKey.make().registered("seat-1", "house-1")
    key.save(tmp_path / "seat.json")
    assert stat.S_IMODE((tmp_path / "seat.json").stat().st_mode) == 0o600
    assert SeatKey.load(tmp_path / "seat.json") == key
    assert [one.name for one in tmp_path.iterdir()] == ["seat.json"]
    assert str(key) == "SeatKey(seat='seat-1')", "the private half is not shown"


def test_another_file_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "seat.json").write_text('{"private": "x"}')
    with pytest.raises(ValueError):
        SeatKey.load(tmp_path / "seat.json")


def test_the_signature_is_over_the_words_in_their_lines() -> None:
    key = SeatKey.make()
    public = Ed25519PublicKey.from_public_bytes(decoded(key.public))
    signature = decoded(key.sign("praxisd.seats.v1", "house", "challenge", "seat", "session"))
    public.verify(signature, b"praxisd.seats.v1\nhouse\nchallenge\nseat\nsession")
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"praxisd.seats.v1\nother\nchallenge\nseat\nsession")


def test_a_key_without_a_seat_makes_no_seat() -> None:
    with pytest.raises(SeatError, match="register"):
        Seat("http://127.0.0.1:1", SeatKey.make())


def test_each_refusal_is_an_exception_of_its_own() -> None:
    holder = {"seat": "s", "seatName": "Anmeldung", "session": "0", "since": "2026-11-28T10:42:00Z"}
    locked = problem("seats.locked", "Gesperrt", retry=True, parameters={"holder": holder, "own": True})
    assert isinstance(locked, Locked) and locked.own and locked.retry
    assert locked.holder is not None and locked.holder.seat_name == "Anmeldung"
    assert locked.holder.since is not None and locked.holder.since.hour == 10
    assert isinstance(problem("seats.lock_lost"), LockLost)
    assert isinstance(problem("http.stale", status=412), Stale)
    assert isinstance(problem("http.forbidden", status=403), Refused)
    assert type(problem("calendar.slot_taken", status=409)) is Problem
    assert problem("seats.locked").holder is None  # type: ignore[attr-defined]
