"""What the operator's guides tell to type about PostgreSQL works as it stands there: make, dump, bring back."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from praxisd.services.backups.sources import postgres
from praxisd.testing.houses import Houses
from praxisd.testing.postgres import PostgresServer
from praxisd.testing.practice import small_practice

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"de": DOCS / "de" / "betrieb.md", "en": DOCS / "en" / "operating.md"}
NAMES = {
    "de": ("DATENBANK", "DATENBANK_NEU", "praxisd_neu"),
    "en": ("DATABASE", "DATABASE_NEW", "praxisd_new"),
}


def lines(lang: str) -> list[str]:
    """The page's commands of PostgreSQL, in their order."""
    text = PAGES[lang].read_text(encoding="utf-8")
    return re.findall(r"^ {4}((?:sudo -u postgres )?(?:createuser|createdb|pg_\w+) .*)$", text, re.MULTILINE)


def test_both_pages_tell_the_same_commands() -> None:
    told = {lang: [_plain(one, lang) for one in lines(lang)] for lang in PAGES}
    assert told["de"] == told["en"] and len(told["de"]) == 5


def _plain(line: str, lang: str) -> str:
    old, new, name = NAMES[lang]
    return line.replace(f"${new}", "$NEW").replace(f"${old}", "$OLD").replace(name, "NAME")


def test_a_dump_by_hand_comes_back_whole(
    postgres_houses: Houses, postgres_server: PostgresServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    house = postgres_houses.open()
    small_practice(house)
    url = _libpq(str(house.config.database_url))
    user, dumped, made = "guide_user", "guide_empty", "guide_new"
    request.addfinalizer(lambda: _gone(postgres_server, user, dumped, made))
    known = {"OLD": url, "NEW": re.sub(r"/[^/]+$", f"/{made}", url)}
    server = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres_server.port),
        "PGUSER": "praxisd",
        "PGDATABASE": "postgres",
    }
    for line in lines("en"):
        # Nobody is there to be asked for a password, and the server of the tests has a praxisd already.
        typed = _plain(line, "en").replace("sudo -u postgres ", "").replace("--pwprompt praxisd", user)
        typed = typed.replace("--owner=praxisd", f"--owner={user}").replace(
            "template0 praxisd", f"template0 {dumped}"
        )
        typed = typed.replace("NAME", made)
        done = subprocess.run(
            typed,
            shell=True,
            cwd=tmp_path,
            env=os.environ | server | known,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, (typed, done.stderr)
    with postgres.opened(known["OLD"]) as one, postgres.opened(known["NEW"]) as other:
        before, after = postgres.rows(one), postgres.rows(other)
    assert before == after and sum(before.values()) > 20
    # It is not only rows: a second booking of the same time is refused there too.
    engine = sa.create_engine(str(house.config.database_url).replace(url.rpartition("/")[2], made))
    with engine.connect() as db:
        found = db.scalar(sa.text("SELECT count(*) FROM pg_constraint WHERE contype = 'x'"))
    engine.dispose()
    assert found


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _gone(server: PostgresServer, user: str, *databases: str) -> None:
    for one in databases:
        server.drop_database(server.url(one))
    line = ["dropuser", "-h", "127.0.0.1", "-p", str(server.port), "-U", "praxisd", "--if-exists", user]
    subprocess.run(line, check=True, timeout=60)
