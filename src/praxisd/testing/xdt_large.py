"""Large files of xDT, read in a process of their own that says how much memory it took.

`python -m praxisd.testing.xdt_large --bytes 100000000` makes one of each shape and fails where reading them grew by more than
`MOST` bytes; with a FILE it reads that one here and prints what came of it as JSON.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from praxisd.services.exchange.format import Found, Left, ReadOptions
from praxisd.services.exchange.formats.xdt_format import FORMAT
from praxisd.services.exchange.formats.xdt_writing import line, record

SHAPES = ("good", "glued", "one-record", "one-line", "nul", "junk-lines")
MOST = 32 << 20
"""Bytes by which reading may let a process grow, however long the file is."""
_NAMES = ("Müller", "Jäger", "Groß", "Meier", "Öztürk", "Köhler", "Kern", "Süß")


def make(path: Path, size: int, shape: str) -> int:
    """A file of about `size` bytes; how many persons stand in it."""
    number = 0
    with path.open("wb") as file:
        if shape in ("one-record", "one-line", "nul"):
            file.write(record("6100", [("3000", "1"), ("3101", "Müller"), ("3102", "Änne")], "cp1252"))
            number = 1
        while file.tell() < size:
            if shape == "one-record":
                file.write(line("3656", b"Latex und Penicillin") * 1000)
            elif shape == "one-line":
                file.write(b"Text ohne Zeilenende " * 5000)
            elif shape == "nul":
                file.write(bytes(100_000))
            else:
                number += 1
                file.write(_person(number, shape))
    return number


def _person(number: int, shape: str) -> bytes:
    who = [
        ("3000", f"{number:08d}"), ("3101", _NAMES[number % 8]), ("3102", "Änne"), ("3103", "13051972"),
        ("3106", "12345 Köln"), ("3107", "Große Gasse 3"), ("3110", "W"), ("3652", "Muster-Salbe"),
    ]  # fmt: skip
    treated = [
        ("3000", f"{number:08d}"),
        ("6200", "01022020"),
        *[("6220", "ohne Befund, Kontrolle in drei Tagen")] * 4,
    ]
    data = record("6100", who, "cp1252") + record("6200", treated, "cp1252")
    if shape == "glued":
        return data.replace(b"\r\n", b"")
    return data + (b"*** Seite ***\r\n" if shape == "junk-lines" else b"")


def read(path: Path) -> dict[str, int | float | bool]:
    """Read a file in a process of its own: what `measure` says of it."""
    command = [sys.executable, "-m", "praxisd.testing.xdt_large", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, int | float | bool] = json.loads(done.stdout)
    return told


def measure(path: Path) -> dict[str, int | float | bool]:
    """Read a file here; `grown`: bytes the process grew by at its highest, `rising`: progress never fell."""
    seen: list[int] = []
    FORMAT.sniff(b"01380006100\r\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    persons = warned = left = 0
    with path.open("rb") as file:
        for one in FORMAT.read(file, ReadOptions(), seen.append):
            if isinstance(one, Found):
                persons += one.kind == "patient"
            elif isinstance(one, Left):
                left += one.times
            else:
                warned += 1
    return {
        "persons": persons, "warned": warned, "left": left, "seconds": round(time.perf_counter() - begun, 2),
        "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024,
        "steps": len(seen), "rising": seen == sorted(seen), "end": seen[-1] if seen else 0,
    }  # fmt: skip


def main() -> int:
    """0 if all shapes were read whole and in bounded memory."""
    parser = argparse.ArgumentParser(prog="xdt_large", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--bytes", type=int, default=100_000_000)
    args = parser.parse_args()
    if args.file is not None:
        sys.stdout.write(json.dumps(measure(args.file)) + "\n")
        return 0
    bad = 0
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "large.bdt"
            persons = make(path, args.bytes, shape)
            told = read(path)
            good = told["persons"] == persons and told["rising"] and told["grown"] <= MOST
            bad += not good
            sys.stdout.write(f"{'good' if good else 'BAD '} {shape} {json.dumps(told)}\n")
            sys.stdout.flush()
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
