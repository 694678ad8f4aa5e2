"""A data set for trying out: public holidays of Germany, Austria and Switzerland, as SQLite, in two versions."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

NAME = "holidays"
SAMPLES = {
    "2026-10-01": {
        "years": "2025 2026 2027",
        "de": "Feiertage von 2025 bis 2027.",
        "en": "Public holidays from 2025 to 2027.",
    },
    "2026-11-15": {
        "years": "2025 2026 2027 2028",
        "de": "Das Jahr 2028 ist dazugekommen.",
        "en": "The year 2028 was added.",
    },
}
"""Version → years, and what is new."""
_TABLES = """
CREATE TABLE data_set (name TEXT NOT NULL, version TEXT NOT NULL, released TEXT NOT NULL);
CREATE TABLE holiday (
  day TEXT NOT NULL, country TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (day, country, region)
) WITHOUT ROWID;
"""


def write(version: str, out: Path) -> Path:
    """The SQLite file of one of the versions: the same bytes every time. Region is empty for the whole country."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    connection = sqlite3.connect(out)
    try:
        connection.executescript(_TABLES)
        connection.execute("INSERT INTO data_set VALUES (?, ?, ?)", (NAME, version, version))
        years = [int(one) for one in SAMPLES[version]["years"].split()]
        connection.executemany("INSERT INTO holiday VALUES (?, ?, ?, ?)", sorted(_rows(years)))
        connection.commit()
        connection.execute("VACUUM")
    finally:
        connection.close()
    return out


def _rows(years: list[int]) -> Iterator[tuple[str, str, str, str]]:
    from holidays import country_holidays

    for country in ("DE", "AT", "CH"):
        kinds: list[str | None] = [None, *country_holidays(country).subdivisions]
        for region in kinds:
            for day, name in country_holidays(country, subdiv=region, years=years, language="de").items():
                yield day.isoformat(), country, region or "", name
