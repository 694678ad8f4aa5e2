"""What a move to PostgreSQL may be refused for, and what a look at it tells: declarations need not wait for psycopg."""

from dataclasses import dataclass

BAD_URL, UNREACHED, USED, RIGHTS, STRANGE, SCHEMA, REFUSED, DIFFERS, ENCODING = (
    "care.postgres_bad_url", "care.postgres_unreached", "care.postgres_used", "care.postgres_rights",
    "care.postgres_strange", "care.postgres_schema", "care.postgres_refused", "care.postgres_differs",
    "care.postgres_encoding",
)  # fmt: skip
CODES = (BAD_URL, UNREACHED, USED, RIGHTS, STRANGE, SCHEMA, REFUSED, DIFFERS, ENCODING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a move would take along. `place`: host, port and database, never the password; `tables`: rows by table."""

    place: str
    version: str
    size: int
    tables: dict[str, int]
