"""The configuration file: every word is checked before anything is opened, and a fault names file and word."""

from pathlib import Path

import pytest

from praxisd.kernel.config import Config, load
from praxisd.kernel.errors import Problem


def loaded(folder: Path, text: str) -> Config:
    (folder / "praxisd.toml").write_text(text, encoding="utf-8")
    return load(None, folder)


@pytest.mark.parametrize(
    "text",
    [
        'log_level = "loud"',
        'log_level = "INFO"',
        "request_threads = 0",
        "job_threads = -1",
        "job_threads = 1001",
        "max_body_bytes = 999",
        "database_patience = -1",
        "database_patience = nan",
        "database_patience = inf",
        'database_url = "mysql://u:geheim@host/x"',
        'public_url = "praxis.example"',
        'public_url = "ftp://praxis.example"',
        'public_url = "https://"',
        'public_url = "https://praxis.example/?a=b"',
        'public_url = "https://u:geheim@praxis.example"',
        'public_url = "https://praxis.example:99999"',
        'public_url = "https://praxis example"',
        'public_url = ""',
        'trusted_proxies = ["10.0.0.0/33"]',
        'trusted_proxies = ["proxy.example"]',
        "trusted_proxies = 5",
        "nonsense = 5",
        "trial = { 'messaging.gateway_patience' = 5 }",
        "trial = { 'messaging.gateway_patience' = 'x' }",
    ],
)
def test_a_fault_names_file_and_word(tmp_path: Path, text: str) -> None:
    with pytest.raises(Problem) as caught:
        loaded(tmp_path, text)
    assert caught.value.code == "config.invalid"
    said = str(caught.value.detail)
    assert str(tmp_path / "praxisd.toml") in said and text.split(" ")[0] in said
    assert "geheim" not in said


def test_a_file_that_is_no_toml_or_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"config\.invalid"):
        loaded(tmp_path, "log_level = ")
    (tmp_path / "latin.toml").write_bytes(b'instance = "M\xfcller"')
    with pytest.raises(Problem, match=r"config\.invalid"):
        load(tmp_path / "latin.toml", tmp_path)
    with pytest.raises(Problem, match=r"config\.invalid"):
        load(tmp_path, tmp_path)


@pytest.mark.parametrize("url", ["https://praxis.example/", "http://127.0.0.1:8080", "https://[::1]/praxis"])
def test_good_words_are_taken(tmp_path: Path, url: str) -> None:
    found = loaded(
        tmp_path,
        f'public_url = "{url}"\ntrusted_proxies = ["10.0.0.7/8", "::1"]\nlog_level = "debug"\n'
        'request_threads = 1\nmax_body_bytes = 1000\ndatabase_url = "postgresql://u:p@h/x"\n',
    )
    assert (found.public_url, found.log_level, found.request_threads) == (url, "debug", 1)


def test_what_nobody_may_set_in_a_practice_needs_a_machine_for_development(tmp_path: Path) -> None:
    found = loaded(tmp_path, "development = true\ntrial = { 'messaging.gateway_patience' = 5 }")
    assert found.trial == {"messaging.gateway_patience": 5} and found.settings == {}


def test_settings_may_be_written_with_and_without_quotes(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        '[settings]\n"kernel.runs_keep_days" = 44\nkernel.zone = "Europe/Zurich"\n[settings.calendar]\nhold_seconds = 60\n',
    )
    assert found.settings == {
        "kernel.runs_keep_days": 44,
        "kernel.zone": "Europe/Zurich",
        "calendar.hold_seconds": 60,
    }
