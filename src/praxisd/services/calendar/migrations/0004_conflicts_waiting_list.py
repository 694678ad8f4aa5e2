"""Conflicts with both sides; the waiting list, its rounds and offers."""

import sqlalchemy as sa
from alembic import op

revision = "calendar_0004"
down_revision = "calendar_0003"
branch_labels = None
depends_on = None

_OPEN = sa.text("settled_at IS NULL")
_TIME = """UPDATE calendar_conflict SET {name} = coalesce(
    (SELECT a.{name} FROM calendar_appointment a
     WHERE a.organization = calendar_conflict.organization AND a.id = calendar_conflict.appointment),
    0)"""
_OPEN_OFFER = sa.text("state = 'open'")


def _added(name: str, kind: sa.types.TypeEngine[str] | sa.types.TypeEngine[int], default: str) -> None:
    op.add_column("calendar_conflict", sa.Column(name, kind, nullable=False, server_default=default))


def upgrade() -> None:
    _added("others", sa.Text(), "[]")
    op.add_column("calendar_conflict", sa.Column("portal", sa.Text(), nullable=True))
    _added("schedule", sa.Text(), "")
    _added("start", sa.BigInteger(), "0")
    _added("end", sa.BigInteger(), "0")
    op.add_column("calendar_conflict", sa.Column("how", sa.Text(), nullable=True))
    _added("version", sa.Integer(), "1")
    _added("side", sa.Text(), "")
    op.execute("UPDATE calendar_conflict SET side = 'Appointment/' || appointment")
    op.execute(_TIME.format(name="start"))
    op.execute(_TIME.format(name='"end"'))
    op.create_index(
        "calendar_conflict_listed", "calendar_conflict", ["organization", "settled_at", "found_at"]
    )
    op.create_index("calendar_conflict_appointment", "calendar_conflict", ["organization", "appointment"])
    op.create_index("calendar_conflict_side", "calendar_conflict", ["organization", "side", "found_at"])
    op.create_index(
        "calendar_conflict_once",
        "calendar_conflict",
        ["organization", "side"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "calendar_waiting",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="calendar_waiting_id"),
    )
    op.create_index("calendar_waiting_listed", "calendar_waiting", ["organization", "state", "created"])
    op.create_index("calendar_waiting_patient", "calendar_waiting", ["organization", "patient"])
    op.create_table(
        "calendar_round",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("schedules", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("automatic", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("organization", "source", name="calendar_round_source"),
    )
    op.create_index("calendar_round_listed", "calendar_round", ["organization", "state", "start"])
    op.create_table(
        "calendar_offer",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("round", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("schedules", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("appointment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("calendar_offer_round", "calendar_offer", ["organization", "round"])
    op.create_index("calendar_offer_listed", "calendar_offer", ["organization", "state", "made_at"])
    op.create_index(
        "calendar_offer_once",
        "calendar_offer",
        ["organization", "entry"],
        unique=True,
        sqlite_where=_OPEN_OFFER,
        postgresql_where=_OPEN_OFFER,
    )
