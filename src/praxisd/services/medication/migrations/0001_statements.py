"""First tables: statements, risks, and which notices were read."""

import sqlalchemy as sa
from alembic import op

revision = "medication_0001"
down_revision = None
branch_labels = ("medication",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "medication_statement",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="medication_statement_id"),
    )
    op.create_index("medication_statement_patient", "medication_statement", ["organization", "patient", "id"])
    op.create_table(
        "medication_risk",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="medication_risk_id"),
    )
    op.create_index("medication_risk_patient", "medication_risk", ["organization", "patient", "id"])
    op.create_table(
        "medication_notice_seen",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "reader", "notice"),
    )
