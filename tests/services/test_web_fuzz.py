"""Schemathesis reads the description and throws at the doors what fits it and what does not: no 5xx, no surprise."""

import subprocess
import sys
from pathlib import Path

import pytest

from praxisd import main
from praxisd.kernel.access import system
from praxisd.services.accounts import api as accounts
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice

from .web_sample.serving import running

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)
LIMITS = {"accounts.rate_per_minute": 100_000, "accounts.rate_burst": 100_000}
LIMITS |= {"accounts.failures_per_minute": 10_000}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_server_error_and_no_undocumented_answer(sqlite_houses: Houses, tmp_path: Path) -> None:
    house = sqlite_houses.open(settings=LIMITS)
    practice = small_practice(house)
    with house.store.write(system("test", practice.organization)) as tx:
        _key, secret = accounts.create_key(tx, house.registry, name="fuzz", role="owner")
    with running(house, main.doors(house)) as one:  # type: ignore[arg-type]
        key = {"Authorization": f"Bearer {secret}"}
        document = tmp_path / "openapi.json"
        document.write_bytes(one.http.get("/openapi.json", headers=key).content)
        command = [sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", one.url]
        command += ["-H", f"Authorization: Bearer {secret}", "--checks", ",".join(CHECKS), "--seed", "1"]
        command += ["--exclude-operation-id", "live.follow"]  # never ends: test_web_live.py
        command += ["--phases", "examples,fuzzing", "--max-examples", "4", "--warnings", "off", "--no-color"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=280)
        log = one.log()
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert '"status":500' not in log
    assert '"status":201' in log
