"""Inbox."""

import sqlalchemy as sa
from alembic import op

revision = "messaging_0001"
down_revision = None
branch_labels = ("messaging",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "messaging_binary",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("extra", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="messaging_binary_id"),
    )
    op.create_index(
        "messaging_binary_portal", "messaging_binary", ["organization", "portal", "created_at"], unique=False
    )
    op.create_table(
        "messaging_communication",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=True),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="messaging_communication_id"),
    )
    op.create_index(
        "messaging_communication_patient",
        "messaging_communication",
        ["organization", "patient"],
        unique=False,
    )
    op.create_index(
        "messaging_communication_portal",
        "messaging_communication",
        ["organization", "portal", "id"],
        unique=False,
    )
    op.create_index(
        "messaging_communication_state",
        "messaging_communication",
        ["organization", "state", "id"],
        unique=False,
    )
    op.create_table(
        "messaging_party",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("communication", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "communication", "role", "kind", "told"),
    )
    op.create_index("messaging_party_patient", "messaging_party", ["organization", "patient"], unique=False)
    op.create_index("messaging_party_told", "messaging_party", ["organization", "role", "told"], unique=False)
