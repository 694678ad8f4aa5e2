"""The command hook of the backups: what counts as a backup made by somebody else's program, and what does not."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from praxisd.services.backups import source as codes
from praxisd.services.backups.sources.command import Command
from praxisd.testing.engine_suite import never, quiet
from praxisd.testing.source_suite import Case, SourceSuite, fault


def script(body: str, *more: str) -> tuple[str, ...]:
    return (sys.executable, "-c", body, "{folder}", *more)


WRITES = "import sys, pathlib; pathlib.Path(sys.argv[1], 'a.bak').write_bytes(b'backup' * 1000)"


class TestCommand(SourceSuite):
    """The contract, with a program that writes into the staging folder."""

    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        found = Case(
            Command("hook", script(WRITES), ("a.bak",)), tmp_path, lambda: None, lambda: None, "geheim-7"
        )

        def gone() -> None:
            found.source = Command(
                "hook", ("no-such-program", "{folder}"), ("a.bak",), env={"PW": "geheim-7"}
            )

        found.gone = gone
        return found


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (
            "import sys; print('Msg 3201, Level 16, State 1: Frau Meier'); sys.exit(3)",
            codes.COMMAND_FAILED,
            "exit code 3; Msg 3201, Level 16",
        ),
        ("pass", codes.NOT_WHOLE, "a file is not there"),
        ("import sys, pathlib; pathlib.Path(sys.argv[1], 'a.bak').touch()", codes.NOT_WHOLE, "a file is empty"),
        ("import time; time.sleep(60)", codes.COMMAND_FAILED, "no end after 1 s"),
    ],
)  # fmt: skip
def test_command_that_did_not_make_it(tmp_path: Path, body: str, code: str, detail: str) -> None:
    one = Command("hook", script(body), ("a.bak",), limit_s=60 if "sleep" not in body else 1)
    assert fault(lambda: one.stage(tmp_path, progress=quiet, stop=never), code).detail == detail


def test_command_an_old_file_is_no_backup(tmp_path: Path) -> None:
    old = tmp_path / "old.bak"
    old.write_bytes(b"of yesterday")
    os.utime(old, (time.time() - 86_400, time.time() - 86_400))
    one = Command("hook", script("pass"), (str(old),))
    fault(lambda: one.stage(tmp_path, progress=quiet, stop=never), codes.NOT_WHOLE)
    refused = Command("hook", script("pass"), ("C:\\data\\praxis.mdf".replace("\\", "/"),)).refuse()
    assert refused is not None and refused.code == codes.LIVE_FILE


def test_command_that_shouts_and_leaves_children(tmp_path: Path) -> None:
    """Bounded however much it says; what it started to stay neither holds it up nor is ended with it."""
    stays = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)']); print(p.pid)"
    body = f"{stays}\nopen(sys.argv[1] + '/pid', 'w').write(str(p.pid))\nsys.stdout.write('x' * 5_000_000)"
    one = Command("hook", script(body), ("pid",))
    staged = one.stage(tmp_path, progress=quiet, stop=never)
    child = psutil.Process(int(staged.paths[0].read_text()))
    assert child.is_running()
    child.kill()
    slow = Command("hook", script(body + "\nimport time; time.sleep(60)"), ("pid",), limit_s=1)
    fault(lambda: slow.stage(tmp_path, progress=quiet, stop=never), codes.COMMAND_FAILED)
    gone = int((tmp_path / "pid").read_text())
    over = time.monotonic() + 30
    while psutil.pid_exists(gone) and psutil.Process(gone).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < over
        time.sleep(0.05)
