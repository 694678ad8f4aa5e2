"""Fixtures and rules for the whole suite: PostgreSQL from nothing, foreign data, no silent skips in CI."""

import compileall
import fcntl
import gc
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings

from praxisd.testing import browser, debian, postgres
from praxisd.testing.postgres import PostgresMissing, PostgresServer
from praxisd.testing.programs import running

pytest_plugins = ["praxisd.testing.plugin"]

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

# Programs are started by the hundred, and half of a start would be compiling what was compiled before.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A run of the suite must mean the same thing every time; `HYPOTHESIS_PROFILE=explore` looks for new examples.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


_WHOLE = ("e2e", "journeys")
"""Folders whose tests start browsers and whole programs: they keep both processors busy and wait much."""
_SPREAD = 0.6
"""Over this share of the small tests they are spread; the rest fills up what is left, so that no worker ends alone."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One file of whole programs, then many small tests, and so on: three browsers at once would wait for one another, and
    three small tests leave a processor idle. Files stay whole and in their order, which is the same for all workers.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    whole = [one for path, one in files.items() if path.parent.name in _WHOLE]
    small = [one for path, one in files.items() if path.parent.name not in _WHOLE]
    apart = _SPREAD * sum(map(len, small)) / max(1, len(whole))
    ordered: list[pytest.Item] = []
    placed = count = 0
    for one in small:
        while placed < len(whole) and placed * apart <= count:
            ordered += whole[placed]
            placed += 1
        ordered += one
        count += len(one)
    items[:] = ordered + [item for one in whole[placed:] for item in one]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there now stays until the end: the collector need not look at it again, a tenth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_configure(config: pytest.Config) -> None:
    """Where several workers run the tests: what is missing on this machine is installed once, before they start, and a fresh
    copy of the sources is compiled once: all workers and the first programs would do so at the same time.
    """
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        compileall.compile_dir(ROOT / "src", quiet=2)
        with suppress(PostgresMissing):
            postgres.programs()
        with suppress(debian.ProgramMissing):
            browser.program()
        for package, program in (
            ("nats-server", "nats-server"),
            ("iproute2", "ip"),
            ("docker-compose", "docker-compose"),
            ("prometheus", "promtool"),
        ):
            with suppress(debian.ProgramMissing):
                debian.program((program,), package)


def foreign_folder() -> Path:
    """Where data of others lies: `../shared/data` beside the project, or PRAXISD_FOREIGN_DATA."""
    return Path(os.environ.get("PRAXISD_FOREIGN_DATA") or ROOT.parent / "shared" / "data")


def _needs_foreign_data(item: pytest.Item) -> bool:
    return item.get_closest_marker("foreign_data") is not None or "foreign_data" in getattr(
        item, "fixturenames", ()
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs foreign data where there is none: the only skip that CI accepts."""
    if _needs_foreign_data(item) and not foreign_folder().is_dir():
        pytest.skip(f"foreign data is missing: {foreign_folder()}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With CI=true a skipped test is a failed one: a machine that lacks something must say so in red."""
    report = yield
    expected = hasattr(report, "wasxfail") or (_needs_foreign_data(item) and not foreign_folder().is_dir())
    if CI and report.skipped and not expected:
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """The same for modules that skip themselves while they are collected."""
    report = yield
    if CI and report.skipped:
        _fail(report)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"skipped, which CI does not accept: {reason}"


@pytest.fixture
def foreign_data() -> Path:
    """The folder with data of others (read only; nothing of it is committed)."""
    return foreign_folder()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One private server for the whole session, started by the first test that asks for it."""
    server = PostgresServer()
    try:
        server.start()
    except PostgresMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Url of a fresh, empty database of this test's own."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop_database_soon(url)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled demo folder to copy: filling takes longer than copying. Filled once, whoever of the workers needs it first.

    The addresses of its sandboxes are forgotten: copies of it run at the same time, each with ports of its own.
    """
    base = tmp_path_factory.getbasetemp()
    home = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = home / "filled" / "demo"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder.parent / "done"
        if not done.exists():
            day = _day()
            _fill(folder)
            done.write_text(day)
    return folder


@pytest.fixture(scope="module")
def filled_today(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`filled`, or another one where midnight has passed since: some people in it have their birthday on its first day."""
    if (filled.parent / "done").read_text() == _day():
        return filled
    folder = tmp_path_factory.mktemp("today") / "demo"
    _fill(folder)
    return folder


def _day() -> str:
    return datetime.now(ZoneInfo("Europe/Berlin")).date().isoformat()


def _fill(folder: Path) -> None:
    with running(folder, verb="demo"):
        pass
    access = folder / "access.json"
    access.write_text(json.dumps(json.loads(access.read_text()) | {"sandbox": {}}), encoding="utf-8")
