"""The suite's own rules, tried in a suite of its own: what may be skipped, and what CI makes of a skip."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from house_sources import ROOT

MODULE = """
import pytest

def test_good(): pass

@pytest.mark.skip(reason="not here")
def test_skipped(): raise SystemExit

@pytest.mark.foreign_data
def test_marked(): raise SystemExit

def test_reads(foreign_data): raise SystemExit

@pytest.mark.xfail(strict=True)
def test_known_bad(): raise ValueError
"""
WHOLE = 'import pytest\npytest.importorskip("no_such_module_anywhere")\n'


def _run(folder: Path, module: str, ci: bool) -> tuple[int, dict[str, int]]:
    """Run pytest over one module below a copy of our conftest; exit code and its closing counts."""
    tests = folder / "project" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "conftest.py", tests)
    shutil.copy(ROOT / "pyproject.toml", tests.parent)
    (tests / "test_tried.py").write_text(module)
    env = {k: v for k, v in os.environ.items() if k not in ("CI", "PRAXISD_FOREIGN_DATA", "PYTEST_ADDOPTS")}
    env |= {"CI": "true"} if ci else {}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tests.parent, env=env, capture_output=True, text=True)
    closing = done.stdout.strip().splitlines()[-1]
    return done.returncode, {word: int(n) for n, word in re.findall(r"(\d+) (\w+)", closing)}


def _counts(found: dict[str, int]) -> dict[str, int]:
    return {
        word: n for word, n in found.items() if word in ("passed", "failed", "skipped", "xfailed", "error")
    }


def test_a_person_may_skip(tmp_path: Path) -> None:
    code, found = _run(tmp_path, MODULE, ci=False)
    assert (code, _counts(found)) == (0, {"passed": 1, "skipped": 3, "xfailed": 1})


def test_in_ci_only_missing_foreign_data_is_skipped(tmp_path: Path) -> None:
    code, found = _run(tmp_path, MODULE, ci=True)
    assert (code, _counts(found)) == (1, {"passed": 1, "error": 1, "skipped": 2, "xfailed": 1})


def test_in_ci_no_module_skips_itself(tmp_path: Path) -> None:
    code, found = _run(tmp_path, WHOLE, ci=True)
    assert (code, _counts(found)) == (2, {"error": 1})
