"""Outbox, credits, consents, templates."""

import sqlalchemy as sa
from alembic import op

revision = "messaging_0002"
down_revision = "messaging_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "messaging_account",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("hook_secret", sa.Text(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "channel"),
        sa.UniqueConstraint("hook", name="messaging_account_hook"),
    )
    op.create_table(
        "messaging_balance",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("mandator", sa.Text(), nullable=False),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "mandator"),
    )
    op.create_table(
        "messaging_consent",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
    )
    op.create_index(
        "messaging_consent_patient", "messaging_consent", ["organization", "patient", "id"], unique=False
    )
    op.create_table(
        "messaging_ledger",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("mandator", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("organization", "message", "kind", name="messaging_ledger_once"),
    )
    op.create_index(
        "messaging_ledger_mandator", "messaging_ledger", ["organization", "mandator", "id"], unique=False
    )
    op.create_table(
        "messaging_outbox",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("holds", sa.Text(), nullable=True),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("appointment", sa.Text(), nullable=True),
        sa.Column("mandator", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("charged", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("letter", sa.Text(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("prepared_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("useless_after", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=True),
        sa.Column("sending_at", sa.BigInteger(), nullable=True),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("run", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="messaging_outbox_id"),
        sa.UniqueConstraint("organization", "holds", name="messaging_outbox_once"),
    )
    op.create_index(
        "messaging_outbox_address",
        "messaging_outbox",
        ["organization", "address", "accepted_at"],
        unique=False,
    )
    op.create_index(
        "messaging_outbox_appointment", "messaging_outbox", ["organization", "appointment"], unique=False
    )
    op.create_index("messaging_outbox_letter", "messaging_outbox", ["organization", "letter"], unique=False)
    op.create_index(
        "messaging_outbox_listed", "messaging_outbox", ["organization", "prepared_at", "id"], unique=False
    )
    op.create_index(
        "messaging_outbox_patient",
        "messaging_outbox",
        ["organization", "patient", "prepared_at"],
        unique=False,
    )
    op.create_index(
        "messaging_outbox_receipt", "messaging_outbox", ["organization", "gateway", "receipt"], unique=False
    )
    op.create_index("messaging_outbox_topic", "messaging_outbox", ["organization", "topic"], unique=False)
    op.create_index(
        "messaging_outbox_work", "messaging_outbox", ["organization", "state", "next_at"], unique=False
    )
    op.create_table(
        "messaging_preference",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
    )
    op.create_index(
        "messaging_preference_patient",
        "messaging_preference",
        ["organization", "patient", "id"],
        unique=False,
    )
    op.create_table(
        "messaging_reply",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("communication", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "channel", "mark"),
    )
    op.create_table(
        "messaging_template",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="messaging_template_id"),
        sa.UniqueConstraint("organization", "kind", "channel", "language", name="messaging_template_once"),
    )
