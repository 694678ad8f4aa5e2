"""What every format must keep, whatever it looks like (the contract of `services/exchange/format.py`).

A test module gives a Sample and inherits the suite:

class TestCsv(FormatSuite):
    @pytest.fixture
    def sample(self) -> Sample: ...
"""

import io
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from praxisd.kernel.errors import Problem
from praxisd.model.exchange import Taken
from praxisd.services.exchange import formats
from praxisd.services.exchange.format import (
    HEAD,
    Found,
    Left,
    Read,
    ReadOptions,
    Warning_,
    WriteOptions,
    nothing,
)

REFUSED = ("exchange.not_this_format", "exchange.mapping_missing")
"""Problems with which a reader may refuse a whole file."""
MEMORY_MB = 16
"""A file of any length may cost so much more memory than a short one."""


READ, WRITE = ReadOptions(), WriteOptions()


@dataclass(frozen=True)
class Sample:
    """A format, records it can say without loss (of one kind, for a table), and how they are read and written."""

    name: str
    records: tuple[Taken, ...]
    read: ReadOptions = READ
    write: WriteOptions = WRITE
    left: frozenset[str] = frozenset()
    """What may be named as not sayable although the records come back as they were."""


class FormatSuite:
    """The promises of a Format."""

    @pytest.fixture
    def data(self, sample: Sample) -> bytes:
        """The records as the format writes them."""
        return written(sample, sample.records)

    def test_its_own_file_is_recognised_before_all_others(self, sample: Sample, data: bytes) -> None:
        """The wizard does not ask."""
        assert formats.guess(data[:HEAD])[0][0] == formats.get(sample.name).name

    def test_what_was_written_is_read_again(self, sample: Sample, data: bytes) -> None:
        """Records, their numbers, and nothing to complain about."""
        told = read(sample, data)
        found = [one for one in told if isinstance(one, Found)]
        assert [one.no for one in found] == list(range(1, len(sample.records) + 1))
        assert [plain(one.claim) for one in found] == [plain(one) for one in sample.records]
        assert [one for one in told if isinstance(one, Warning_) and one.line > 0] == []

    def test_read_and_written_again_it_is_the_same_to_the_byte(self, sample: Sample, data: bytes) -> None:
        """Nothing creeps in by reading."""
        found = tuple(one.claim for one in read(sample, data) if isinstance(one, Found))
        assert written(sample, found) == data

    def test_the_same_file_gives_the_same_things(self, sample: Sample, data: bytes) -> None:
        """A take-over that was cut off counts on it."""
        assert read(sample, data) == read(sample, data)

    def test_an_empty_file_has_no_records(self, sample: Sample) -> None:
        """It may be refused as a whole."""
        assert [one for one in tolerant(sample, b"") if isinstance(one, Found)] == []

    def test_a_file_that_is_cut_off_gives_what_is_whole(self, sample: Sample, data: bytes) -> None:
        """At every place; no record is made up."""
        whole = {plain(one) for one in sample.records}
        for end in range(0, len(data), max(1, len(data) // 60)):
            found = [one.claim for one in tolerant(sample, data[:end]) if isinstance(one, Found)]
            assert len(found) <= len(sample.records)
            assert sum(plain(one) not in whole for one in found) <= 1

    def test_junk_never_crashes_a_reader(self, sample: Sample, data: bytes) -> None:
        """Bytes from dice, alone and thrown into a good file."""
        dice = random.Random(11)
        for size in (1, 10, 1_000, 20_000):
            tolerant(sample, dice.randbytes(size))
        for _ in range(40):
            broken = bytearray(data)
            for _ in range(dice.randrange(1, 20)):
                broken[dice.randrange(len(broken))] = dice.randrange(256)
            for one in tolerant(sample, bytes(broken)):
                assert isinstance(one, Found | Warning_ | Left)

    def test_junk_is_not_taken_for_the_format(self, sample: Sample) -> None:
        """Pictures and programs are none of ours."""
        for head in (
            b"\x89PNG\r\n\x1a\n" + bytes(200),
            b"%PDF-1.7\n" + bytes(range(256)),
            b"PK\x03\x04" + bytes(100),
            b"MZ" + bytes(200),
        ):
            assert formats.get(sample.name).sniff(head) < 0.3

    def test_progress_never_falls_and_ends_with_the_file(self, sample: Sample, data: bytes) -> None:
        """People see a bar."""
        told: list[int] = []
        list(formats.get(sample.name).read(io.BytesIO(data), sample.read, told.append))
        assert told == sorted(told)
        assert told[-1] == len(data)

    def test_params_of_warnings_never_hold_what_stands_in_a_field(self, sample: Sample, data: bytes) -> None:
        """A report may be shown to whoever helps."""
        dice = random.Random(3)
        secret = "KANARIENVOGEL"
        spoilt = data
        for _ in range(30):
            at = dice.randrange(len(spoilt))
            spoilt = spoilt[:at] + secret.encode() + spoilt[at:]
        for one in tolerant(sample, spoilt):
            if isinstance(one, Warning_):
                assert secret not in msgspec.json.encode(dict(one.params)).decode()

    def test_a_long_file_costs_no_memory(self, sample: Sample) -> None:
        """Some megabytes, read in a process of its own."""
        with tempfile.TemporaryDirectory() as folder:
            one = Path(folder) / "sample"
            one.write_bytes(msgspec.json.encode([sample.name, sample.read]))
            path = Path(folder) / "long"
            with path.open("wb") as file:
                formats.get(sample.name).write(_many(sample, 6_000_000), file, sample.write)
            assert path.stat().st_size > 3_000_000
            run = [sys.executable, "-m", "praxisd.testing.format_suite", str(one), str(path)]
            done = subprocess.run(run, capture_output=True, check=True)
            first, last, records = msgspec.json.decode(done.stdout, type=tuple[int, int, int])
            assert records > 1_000
            assert last - first < MEMORY_MB * 1024


def _many(sample: Sample, size: int) -> Iterator[Taken]:
    """The records again and again, until they must be so many bytes; numbers are told apart."""
    per = len(written(sample, sample.records)) / len(sample.records)
    for n in range(int(size / per)):
        one = sample.records[n % len(sample.records)]
        yield msgspec.structs.replace(one, source_id=f"{n}") if one.source_id is not None else one


def written(sample: Sample, records: tuple[Taken, ...]) -> bytes:
    """The file of these records; all of them must be in it."""
    out = io.BytesIO()
    done = formats.get(sample.name).write(records, out, sample.write)
    assert done.records == len(records)
    assert set(done.left) <= sample.left
    return out.getvalue()


def read(sample: Sample, data: bytes) -> list[Read]:
    """What stands in a file."""
    return list(formats.get(sample.name).read(io.BytesIO(data), sample.read, nothing))


def tolerant(sample: Sample, data: bytes) -> list[Read]:
    """The same; a refusal of the whole file is nothing. Anything else that is raised is a fault."""
    found: list[Read] = []
    try:
        for one in formats.get(sample.name).read(io.BytesIO(data), sample.read, nothing):
            found.append(one)
    except Problem as problem:
        assert problem.code in REFUSED
    return found


def plain(one: Taken) -> str:
    """A record in a form that can be compared and kept in a set."""
    return repr(one)


def measure(sample: str, path: str) -> None:
    """In a process of its own: kilobytes at the first record and at the end, and how many records there were."""
    name, raw = msgspec.json.decode(Path(sample).read_bytes(), type=tuple[str, Any])
    options = msgspec.convert(raw, ReadOptions)
    first = records = 0
    with Path(path).open("rb") as stream:
        for one in formats.get(name).read(stream, options, nothing):
            if isinstance(one, Found):
                records += 1
                first = first or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    last = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.buffer.write(msgspec.json.encode((first, last, records)))


if __name__ == "__main__":
    measure(*sys.argv[1:])
