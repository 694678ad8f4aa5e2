"""The second look at what failed in company: passes alone, fails again, a judge, too many."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "second_look.py"
SETTINGS = "[pytest]\nmarkers = judge: never tried again\n"
LUCK = """
from pathlib import Path
import pytest

def lucky():
    seen = Path("seen")
    first = not seen.exists()
    seen.touch()
    return not first

@pytest.mark.parametrize("n", range({number}))
{mark}
def test_one(n):
    assert {good}
"""


@pytest.mark.parametrize(
    ("number", "mark", "good", "code", "said"),
    [
        (1, "", "lucky()", 0, "UNSTEADY: test_luck.py::test_one[0]"),
        (1, "", "False", 1, "FAILED AGAIN, or never tried again: test_luck.py::test_one[0]"),
        (1, "@pytest.mark.judge", "lucky()", 1, "never tried again: test_luck.py::test_one[0]"),
        (5, "", "Path('again').exists()", 1, ""),
    ],
)
def test_only_a_few_that_pass_alone_are_forgiven(
    number: int, mark: str, good: str, code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    (tmp_path / "test_luck.py").write_text(LUCK.format(number=number, mark=mark, good=good))
    first = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0"], cwd=tmp_path, capture_output=True
    )
    assert first.returncode == 1
    (tmp_path / "again").touch()
    look = subprocess.run([sys.executable, TOOL, tmp_path], capture_output=True, text=True)
    assert (look.returncode, said in look.stdout) == (code, True), look.stdout


def test_without_a_run_there_is_nothing_to_forgive(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, TOOL, tmp_path]).returncode == 1
