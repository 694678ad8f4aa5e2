"""Tables of the devices."""

import sqlalchemy as sa
from alembic import op

revision = "exchange_0003"
down_revision = "exchange_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_device",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="exchange_device_id"),
        sa.UniqueConstraint("organization", "name", name="exchange_device_name"),
    )
    op.create_table(
        "exchange_device_number",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("own", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "number"),
    )
    op.create_index(
        "exchange_device_number_patient", "exchange_device_number", ["organization", "patient"], unique=False
    )
    op.create_table(
        "exchange_device_state",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("good_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("waiting_since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "device"),
    )
    op.create_table(
        "exchange_result",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("organization", "device", "digest", "no", name="exchange_result_once"),
    )
    op.create_index(
        "exchange_result_patient", "exchange_result", ["organization", "patient", "id"], unique=False
    )
    op.create_index("exchange_result_state", "exchange_result", ["organization", "state", "id"], unique=False)
