"""Importers of data sets: BfArM's database and any table, whole and damaged; each warning names its line."""

import io
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model import pzn
from praxisd.services.medication import sets_looking, sets_making
from praxisd.services.medication.importers import bfarm, csv_mapping

MEDICINAL = (
    "RMP_KEY|RMP_PZN|RMP_COUNT_SUBSTANCE|RMP_MULTIPLE_PPT|RMP_PFM_PUT_SHORT|RMP_PFM_PUT_LONG|RMP_PFM_NAME|"
    "RMP_PFM_TERM_ID|RMP_MPD_NAME"
    """
1|00000017|1|0|FTA|Filmtablette|Filmtablette|1|Amoxicillin Muster 500 mg
2|23|2|0|FTA|Filmtablette|Filmtablette|1|Überall Muster 875 mg/125 mg
3|00000018|1|0|FTA|Filmtablette|Filmtablette|1|Prüfziffer falsch
4|123456789|1|0|FTA|Filmtablette|Filmtablette|1|Zu lang
5|00000017|1|0|FTA|Filmtablette|Filmtablette|1|Noch einmal
6|00000046|1|0|FTA|Filmtablette|Filmtablette|1|
7|00000052|1
"""
)
PARTS = """RPP_KEY|RMP_KEY|RPP_NUMBER|RPP_PFM_PUT_SHORT|RPP_PFM_PUT_LONG|RPP_PFM_NAME|RPP_PFM_TERM_ID|RPP_DESCRIPTION
1-1|1|1|FTA|Filmtablette|Filmtablette|1|
2-1|2|1|FTA|Filmtablette|Filmtablette|1|
9-1|9|1|FTA|Filmtablette|Filmtablette|1|
"""
SUBSTANCES = """RSE_KEY|RPP_KEY|RSE_SUBSTANCE_NAME|RSE_SUBSTANCE_STRENGTH|RSE_SUBSTANCE_ID|RSE_SUBSTANCE_RANK
1|1-1|Amoxicillin|500 mg|100|1
2|2-1|Amoxicillin|875 mg|100|1
3|2-1|Clavulansäure|125 mg|200|x
4|9-1|Niemand|1 mg|300|1
5|2-1||1 mg|400|2
"""
EMA = Path(__file__).parent / "medication_sources" / "ema_medicines_report.csv"
"""European Medicines Agency, medicines report of March 2023 (columns as there, four of its rows, without their indications), and
a last row that was made up for this test."""
MAPPING = """
[set]
source = "European Medicines Agency, medicines report"
source_url = "https://www.ema.europa.eu/en/medicines/download-medicine-data"
licence = "Reuse with the source named"
title_en = "Medicines of the EMA"
[file]
keep = {category = "human"}
empty = ["NA"]
[columns]
id = "product_number"
name = "medicine_name"
substances = "active_substance"
atc = "atc_code"
holder = "marketing_authorisation_holder_company_name"
status = "authorisation_status"
[status]
withdrawn = "withdrawn"
"""


def _zip(path: Path, mark: str = "", **texts: str) -> Path:
    parts = {
        "MEDICINAL_PRODUCT": MEDICINAL,
        "PHARMACEUTICAL_PRODUCT": PARTS,
        "SUBSTANCE": SUBSTANCES,
        **texts,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for part, text in parts.items():
            archive.writestr(f"20261115-REFERENCE_{part}.dsv", (mark + text).encode("utf-8"))
    return path


def _told(found: bfarm.Read) -> set[tuple[str, int]]:
    return {(one.code, one.line) for one in found.told.first}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_bfarm_with_every_trap(tmp_path: Path, mark: str) -> None:
    found = bfarm.read(_zip(tmp_path / "x.zip", mark))
    assert found.day == "2026-11-15"
    assert [one["pzn"] for one in found.rows["package"]] == ["00000017", "00000023"]
    assert [one["name_de"] for one in found.rows["substance"]] == ["Amoxicillin", "Clavulansäure"]
    assert _told(found) == {
        ("zeros_lost", 3), ("pzn_digit", 4), ("pzn_length", 5), ("duplicate", 6), ("empty", 7), ("columns", 8),
        ("no_product", 4), ("rank", 4), ("no_product", 5), ("no_substance", 6),
    }  # fmt: skip
    ranks = {(one["product"], one["substance"]): one["rank"] for one in found.rows["product_substance"]}
    assert ranks[("bfarm-00000023", "bfarm-200")] == 99


def test_bfarm_becomes_a_set_that_is_the_same_twice(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "from_bfarm": _zip(tmp_path / "x.zip"), "table": None, "mapping": None, "sample": None, "element": "medication",
        "released": None, "valid_days": 30, "grace_days": 10,
    }  # fmt: skip
    made = [sets_making.make(tmp_path / f"{turn}.sqlite", **given) for turn in range(2)]
    assert made[0]["sha256"] == made[1]["sha256"]
    shown = sets_making.show(tmp_path / "0.sqlite")
    assert shown["meta"]["released"] == "2026-11-15" and shown["meta"]["grace_until"] == "2026-12-25"
    assert (shown["meta"]["sample"], shown["counts"]["product"]) == ("0", 2)
    with pytest.raises(Problem) as none:
        sets_making.make(tmp_path / "y", **{**given, "sample": 1})
    assert none.value.code == "medication.build_source"


@pytest.mark.parametrize(
    ("texts", "code", "said"),
    [
        ({"SUBSTANCE": "RSE_KEY|RPP_KEY\n"}, "medication.import_columns", "RSE_SUBSTANCE_NAME"),
        ({"SUBSTANCE": "a\x00b"}, "medication.import_not_text", "SUBSTANCE.dsv"),
        ({"SUBSTANCE": ""}, "medication.import_columns", "RSE_SUBSTANCE_NAME"),
    ],
)
def test_bfarm_refused_with_words(tmp_path: Path, texts: dict[str, str], code: str, said: str) -> None:
    with pytest.raises(Problem) as refused:
        bfarm.read(_zip(tmp_path / "x.zip", **texts))
    assert refused.value.code == code
    assert said in str(refused.value.params)


def test_what_is_no_delivery(tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    for data, code in ((b"", "import_not_zip"), (b"PK\x03\x04junk", "import_not_zip")):
        file.write_bytes(data)
        with pytest.raises(Problem) as refused:
            bfarm.read(file)
        assert refused.value.code == f"medication.{code}"
    whole = _zip(tmp_path / "whole.zip").read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Problem) as refused:
        bfarm.read(file)
    assert refused.value.code == "medication.import_not_zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("SUBSTANCE.dsv", SUBSTANCES)
    with pytest.raises(Problem) as refused:
        bfarm.read(file)
    assert refused.value.code == "medication.import_missing"


@given(st.binary(max_size=400))
def test_binary_junk_is_refused_or_read_never_more(data: bytes) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for part in bfarm.PARTS:
            archive.writestr(f"{part}.dsv", data)
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "x.zip"
        file.write_bytes(held.getvalue())
        try:
            found = bfarm.read(file)
        except Problem as refused:
            assert refused.code.startswith("medication.import_")
        else:
            assert all(pzn.valid(one["pzn"]) for one in found.rows["package"])


def test_the_columns_of_ema(tmp_path: Path) -> None:
    table, mapping = EMA, tmp_path / "ema.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    out = tmp_path / "ema.sqlite"
    made = sets_making.make(
        out, from_bfarm=None, table=table, mapping=mapping, sample=None, element="medication", released="2023-03-14",
        valid_days=60, grace_days=30,
    )  # fmt: skip
    assert made["counts"] | {"product": 4, "substance": 5, "atc": 3} == made["counts"]
    assert made["warned"] == {"skipped": 1}
    connection, meta = sets_looking.opened(out, "medication")
    assert (
        meta["source"].startswith("European Medicines Agency") and meta["title_en"] == "Medicines of the EMA"
    )
    rows = connection.execute("SELECT name, holder, atc FROM product ORDER BY name").fetchall()
    assert ("Leflunomide medac", "medac Gesellschaft für klinische Spezialpräparate mbH", "L04AA13") in rows
    assert ("Ebvallo", "Pierre Fabre Medicament", None) in rows
    parts = connection.execute(
        "SELECT substance FROM product_substance WHERE product = '005973' ORDER BY rank"
    )
    assert parts.fetchall() == [("nirmatrelvir",), ("ritonavir",)]
    connection.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[columns", "ema.toml"),
        ("[columns]\nid = 'x'", "columns.name"),
        ("[columns]\nname = 'x'\ncolour = 'y'", "columns.colour"),
    ],
)
def test_a_mapping_that_is_wrong_says_where(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "ema.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Problem) as refused:
        csv_mapping.mapping(file)
    assert refused.value.code == "medication.import_mapping" and said in str(refused.value.params)


def test_a_table_with_numbers_and_traps(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_bytes(
        "Name;PZN;Stoff\nMüller A;17;X + Y\nMüller A;23;X + Y\nB;18;\n;46;X\nC;00000052\n".encode("cp1252")
    )
    given: dict[str, Any] = {
        "columns": {"name": "Name", "pzn": "PZN", "substances": "Stoff"}, "substances": {"between": "+"}
    }  # fmt: skip
    found = csv_mapping.read(table, given)
    assert [one["pzn"] for one in found.rows["package"]] == ["00000017", "00000023"]
    assert [one["name"] for one in found.rows["product"]] == ["Müller A", "B"]
    assert _told(found) == {("pzn_digit", 4), ("no_substance", 4), ("empty", 5), ("columns", 6)}
    with pytest.raises(Problem) as refused:
        csv_mapping.read(table, {"columns": {"name": "Nahme"}})
    assert refused.value.code == "medication.import_columns"


def test_a_file_that_is_no_set_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(Problem) as refused:
        sets_making.show(file)
    assert refused.value.code == "medication.set_damaged"
    with sqlite3.connect(tmp_path / "y.sqlite") as link:
        link.execute("CREATE TABLE a (b)")
    link.close()
    with pytest.raises(Problem) as refused:
        sets_making.show(tmp_path / "y.sqlite")
    assert refused.value.code == "medication.set_foreign"
