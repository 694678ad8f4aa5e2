"""docs/reference: nothing that can be set is left out, and the operator's guides say the same defaults."""

import re

import msgspec
import pytest
from house_sources import ROOT, SRC

from praxisd.cli import serve
from praxisd.kernel.config import Config
from praxisd.testing import reference_files
from praxisd_relay.config import Config as HubConfig

DOCS = ROOT / "docs"


def test_every_word_has_a_meaning_and_every_table_is_there() -> None:
    for name, _intro, struct, taken in reference_files.TABLES:
        found = list(reference_files.rows(struct, taken))
        assert len(found) + len(taken) == len(msgspec.structs.fields(struct)), name
        assert [row[0] for row in found if not row[-1]] == [], name
    shown = {struct for _, _, struct, _ in reference_files.TABLES}
    assert {Config, HubConfig} <= shown
    (taken,) = [one for _, _, struct, one in reference_files.TABLES if struct is HubConfig]
    tables = " ".join(name for name, *_ in reference_files.TABLES)
    assert all(f"[{one}]" in tables for one in taken)


def test_every_variable_of_the_environment_is_named() -> None:
    read = set()
    for path in SRC.rglob("*.py"):
        if "testing" not in path.parts:
            read |= set(re.findall(r"\bPRAXISD_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
    assert read == {name for name, *_ in reference_files.ENVIRONMENT}


def test_every_option_of_serve_is_named() -> None:
    own = {one.opts[0] for one in serve.params} - {"--json", "--lang"}
    assert own == {name for name, *_ in reference_files.SERVE}


@pytest.mark.parametrize("page", ["de/betrieb.md", "en/operating.md"])
def test_the_guides_name_words_and_defaults_that_are_true(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    table = re.split(r"\n## (?:Kon|Con)figurat\w+\n", text)[1].partition("\n## ")[0]
    said = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", table, re.MULTILINE))
    fields = {one.name: one.default for one in msgspec.structs.fields(Config)}
    assert len(said) >= 5
    assert {name: float(value) for name, value in said.items()} == {
        name: float(fields[name]) for name in said
    }
    named = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) | set(
        re.findall(r"^\| `\w+`, `(\w+)`", table, re.M)
    )
    assert named <= set(fields) | {"settings"}
    for must in ("database_url", "vault_key", "public_url", "trusted_proxies", "log_level"):
        assert must in named, must
