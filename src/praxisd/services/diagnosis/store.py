"""Tables of the diagnosis. Rows belong to the installation, but the checklist's: those belong to a practice."""

import sqlalchemy as sa

from praxisd.kernel.store import table

SOFTWARE = table(
    "diagnosis_software",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("doc", sa.Text, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
)
MACHINE = table(
    "diagnosis_machine",
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("doc", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "host"),
)
SAMPLE = table(
    "diagnosis_sample",
    sa.Column("volume", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("free_mb", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "volume", "day"),
)
PORT = table(
    "diagnosis_port",
    sa.Column("row", sa.Text, nullable=False),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("doc", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "row", "direction", "target"),
)
DIRECTIVE = table(
    "diagnosis_directive",
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("doc", sa.Text, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "item"),
)
TABLES = tuple(one.name for one in (SOFTWARE, MACHINE, SAMPLE, PORT, DIRECTIVE))
