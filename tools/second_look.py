"""After a complete run in which a few tests failed: each is tried once more, alone.

Four workers share two processors with browsers and whole programs, and a test that waits for one of them may give up before
it comes. One that passes alone is named as unsteady, in the output that everybody reads: it has a weakness, which is to be
found. What judges a history, or looks for what must never be seen (marker `judge`), is never tried again: what it found
happened. Ends with 1 if a test fails again, is a judge, or more than MOST failed.
"""

import json
import subprocess
import sys
from pathlib import Path

MOST = 4
"""More is no bad luck."""
_CACHE = ".pytest_cache/v/cache/lastfailed"


def failed(root: Path) -> list[str]:
    """Node ids of the last run's failures, as pytest keeps them."""
    try:
        told = json.loads((root / _CACHE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return sorted(one for one in told if (root / one.partition("::")[0]).is_file())


def passes(root: Path, test: str) -> bool:
    """True if it passes alone, and is no judge: of a judge nothing would be run, which pytest says by another number."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-m",
        "not judge",
        test,
    ]
    return subprocess.run(command, cwd=root).returncode == 0


def main(root: Path) -> int:
    """0 if all that failed passes alone."""
    tests = failed(root)
    if not tests or len(tests) > MOST:
        return 1
    print(f"second look at {len(tests)} tests, each alone", flush=True)
    steady = [test for test in tests if not passes(root, test)]
    for test in tests:
        print(f"{'FAILED AGAIN, or never tried again' if test in steady else 'UNSTEADY'}: {test}", flush=True)
    return 1 if steady else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else Path.cwd()))
