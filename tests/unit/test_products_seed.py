"""The product data holds every row of the seed, word for word: ports, requirements, backup, exclusions."""

import re
from collections import Counter

import pytest

from praxisd.model.product import Port, Product
from praxisd.services.diagnosis import product_reading

from . import seed_003

EIGHT = {
    "medatixx", "psyx", "x.concept", "x.concept-ambulanz", "x.concept-mvz", "x.isynet", "x.vianova", "x.comfort"
}  # fmt: skip
EDITIONS = ("x.concept-ambulanz", "x.concept-mvz")


def products() -> dict[str, Product]:
    return dict(product_reading.built_in().products)


def seed() -> str:
    found = seed_003.text()
    if found is None:
        pytest.skip(f"foreign data is missing: {seed_003.path()}")
    return found


def printed(port: Port) -> tuple[str, str, str, tuple[bool, ...], str]:
    """A row of our data as the source prints it."""
    return (
        port.service,
        port.protocol.upper(),
        port.ports_text or ", ".join(port.ports),
        (port.in_, port.out, port.internal, port.external),
        port.target_text or ", ".join(port.targets),
    )


def rows(product: str) -> Counter[tuple[str, str, str, tuple[bool, ...], str]]:
    return Counter(printed(one) for one in products()[product].ports)


def test_the_built_in_files_have_no_fault() -> None:
    assert [str(one) for one in product_reading.built_in().faults] == []
    assert set(products()) == EIGHT | {"easymed"}


def test_there_are_as_many_port_rows_as_in_the_source() -> None:
    found = {id_: one for product in products().values() for one in product.ports for id_ in [one.id]}
    crosses = sum(len(products()[name].ports) for name in seed_003.COLUMNS)
    table = seed_003.text()
    if table is not None:
        in_seed = seed_003.ports(table)
        assert (len(in_seed), sum(len(one.products) for one in in_seed)) == (seed_003.ROWS, seed_003.FLAGS)
    assert (len(found), crosses) == (seed_003.ROWS, seed_003.FLAGS)


@pytest.mark.foreign_data
@pytest.mark.parametrize("product", seed_003.COLUMNS)
def test_each_port_row_is_word_true_for_each_product(product: str) -> None:
    wanted = Counter(
        (one.service, one.protocol, one.ports, one.ways, one.target)
        for one in seed_003.ports(seed())
        if product in one.products
    )
    assert rows(product) == wanted


def test_the_editions_have_what_their_product_has() -> None:
    first = products()["x.concept"]
    for one in (products()[id_] for id_ in EDITIONS):
        assert (one.ports, one.requirements) == (first.ports, first.requirements)
        assert (one.backups, one.exclusions, one.services) == (
            first.backups,
            first.exclusions,
            first.services,
        )
        assert one.serviceprovider == first.serviceprovider


def test_what_can_be_tried_of_a_row_is_part_of_what_is_printed() -> None:
    for product in products().values():
        for port in product.ports:
            text = port.target_text
            assert not text or all(one in text for one in port.targets if one != "INTRANET"), port.id
            numbers = re.findall(r"\d+", port.ports_text)
            assert not numbers or numbers == [n for one in port.ports for n in one.split("-")], port.id
            assert set(port.tls) <= set(port.ports)


OTHER_WORDS = (
    "14 anhang anleitung ausstattung erfüllen finden folgenden hardware komponente konfigurationsanleitung seite unter "
    "blanko formulardrucker berücksichtigen empfehlungen folgendes h"
)
"""Headings of the tables, and words of sentences that only lead to them or to other pages."""
PARTS = (
    ("### Systemvoraussetzungen Arbeitsplatz", "## Hinweise zu den Systemvoraussetzungen"),
    ("## Hinweise zu den Systemvoraussetzungen", "## Service"),
)


@pytest.mark.foreign_data
@pytest.mark.parametrize(("start", "end"), PARTS)
def test_no_word_of_the_source_is_missing_in_the_requirements(start: str, end: str) -> None:
    texts = " ".join(one.text.de for product in products().values() for one in product.requirements)
    lines = [line for line in seed_003.between(seed(), start, end).splitlines() if not line.startswith("#")]
    missing = seed_003.words("\n".join(lines)) - seed_003.words(texts) - set(OTHER_WORDS.split())
    assert missing == set()


@pytest.mark.foreign_data
def test_the_requirements_bring_no_word_that_the_source_has_not() -> None:
    theirs = seed_003.words(seed())
    for product in products().values():
        for one in product.requirements:
            assert seed_003.words(one.text.de) - theirs <= {"blankoformulardrucker"}, (one.id, one.text.de)


def test_all_eight_products_have_requirements_for_all_roles() -> None:
    for id_ in EIGHT:
        for role in ("server", "main", "workstation", "terminal"):
            kinds = {one.kind for one in products()[id_].requirements if role in one.roles}
            assert {"cpu_ghz", "memory_gb", "network_mbit", "graphics", "screen", "os"} <= kinds, (id_, role)
    assert products()["easymed"].requirements == ()


def test_values_of_the_source() -> None:
    found = {one.id: one for one in products()["x.concept"].requirements}
    values = [getattr(found[id_], "least") for id_ in ("cpu-server", "memory-workstation", "memory-server")]  # noqa: B009
    assert values == [2.5, 8, 32]
    assert getattr(found["sql-server"], "names") == ("SQL Server 2016", "SQL Server 2019", "SQL Server 2022")  # noqa: B009
    assert "sql-server-medatixx" not in found
    assert [one.id for one in products()["medatixx"].requirements if one.kind == "sql_server"] == [
        "sql-server-medatixx"
    ]
    assert [one.id for one in products()["x.vianova"].requirements if one.kind == "delete_right"] == [
        "temp-delete"
    ]


QUESTIONS = ("2240", "6 Mbit", "Windows 8.1", "TCP 1434", "UDP 1434", "„.NET Framework 6“", "in“ und „ext“")


@pytest.mark.parametrize("sign", QUESTIONS)
def test_what_the_source_leaves_open_is_a_question(sign: str) -> None:
    asked = [
        row.question.de
        for product in products().values()
        for row in (*product.requirements, *product.ports)
        if row.question is not None
    ]
    assert any(sign in one for one in asked)


@pytest.mark.foreign_data
def test_all_paths_to_back_up_are_there() -> None:
    table = seed_003.between(seed(), "## Zu sichernde Praxisdaten", "## Virens Scanner")
    lines = {line.partition("\t")[0]: line.partition("\t")[2] for line in table.splitlines() if "\t" in line}
    owners = {
        "<b>x.concept und Editionen</b>": ("x.concept", *EDITIONS),
        "<b>x.comfort</b>": ("x.comfort",),
        "<b>x.isynet/x.vianova</b>": ("x.isynet", "x.vianova"),
    }
    for head, ids in owners.items():
        wanted = set(re.findall(r"Server-Laufwerksname:\S+", lines[head]))
        assert wanted
        for id_ in ids:
            assert {one.path for one in products()[id_].backups if one.path} == wanted, id_
    folder = re.search(r"im Ordner \*\*(.+)\*\*\.", table)
    assert folder is not None
    names = [f"{folder[1]}\\{one}" for one in ("Server.Host.config", "medatixx.lic")]
    assert [one.path for one in products()["medatixx"].backups if one.path] == names
    databases = [one.database for one in products()["x.isynet"].backups if one.database]
    assert "SQL-Datenbank" in databases


@pytest.mark.foreign_data
@pytest.mark.parametrize(
    ("start", "product"),
    [
        ("x.comfort", "x.comfort"),
        ("x.concept", "x.concept"),
        ("x.isynet", "x.isynet"),
        ("Gemeinsame Komponenten", "x.isynet"),
    ],
)
def test_all_folders_and_services_are_there(start: str, product: str) -> None:
    lines = seed().splitlines()
    first = lines.index(f"## Verzeichnisübersicht {start}")
    last = next(
        n for n, line in enumerate(lines) if n > first and line.startswith(("## Verzeichnis", "## Praxis"))
    )
    pairs = [line.split("\t") for line in lines[first:last] if line.count("\t") == 1]
    one = products()[product]
    paths = {each.path for each in one.exclusions} | {each.program for each in one.services}
    heads = {"Datei / Verzeichnis (Name / Pfad)", "Anwendung/Datei / Verzeichnis (Name / Pfad)", "Dienstname"}
    extras = {each.software for each in one.exclusions}
    seen = 0
    for left, right in pairs:
        if left in heads or left.startswith("SOLLTEN") or left in extras:
            continue
        path = right if "\\" in right else re.sub(r"^(Client \+ s|S)erver: (Server: )?", "", left)
        assert path in paths, (left, right)
        seen += 1
    assert seen >= 2


def test_where_the_serviceprovider_files_lie() -> None:
    found = {id_: one.serviceprovider for id_, one in products().items() if one.serviceprovider is not None}
    assert set(found) == {"x.comfort", "x.concept", "x.isynet", *EDITIONS}
    isynet, concept = found["x.isynet"], found["x.concept"]
    assert (
        isynet.install_where == "sql" and isynet.data_path_may_be_empty and isynet.pvs_names == ("X.ISYNET",)
    )
    assert concept.install_where == "data" and not concept.data_path_may_be_empty
    assert concept.ini == (r"DeData\ServiceProvider.ini",) and concept.setup == r"DeSetup\SERVICEPROVIDER"
