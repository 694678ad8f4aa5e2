"""portals requests sources and webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "portals_0001"
down_revision = None
branch_labels = ("portals",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "portals_answer",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("remote", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=True),
        sa.Column("end", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id"),
    )
    op.create_index(
        "portals_answer_open", "portals_answer", ["organization", "portal", "state", "next_at"], unique=False
    )
    op.create_index("portals_answer_request", "portals_answer", ["organization", "request"], unique=False)
    op.create_table(
        "portals_blocker",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("remote", sa.Text(), nullable=False),
        sa.Column("reservation", sa.Text(), nullable=True),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("conflict", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "portal", "calendar", "remote"),
    )
    op.create_index(
        "portals_blocker_reservation", "portals_blocker", ["organization", "reservation"], unique=False
    )
    op.create_table(
        "portals_calendar",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="portals_calendar_id"),
        sa.UniqueConstraint("organization", "portal", "name", name="portals_calendar_name"),
        sa.UniqueConstraint("organization", "portal", "schedule", name="portals_calendar_schedule"),
    )
    op.create_table(
        "portals_cycle",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("contacted_at", sa.BigInteger(), nullable=True),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
        sa.Column("good_at", sa.BigInteger(), nullable=True),
        sa.Column("reconciled_on", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("retry", sa.Integer(), nullable=True),
        sa.Column("mark", sa.Text(), nullable=True),
        sa.Column("memory", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "portal"),
    )
    op.create_index("portals_cycle_due", "portals_cycle", ["due_at"], unique=False)
    op.create_table(
        "portals_delivery",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("webhook", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("replay", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("organization", "webhook", "seq", "replay", name="portals_delivery_once"),
    )
    op.create_index(
        "portals_delivery_listed", "portals_delivery", ["organization", "webhook", "created_at"], unique=False
    )
    op.create_index(
        "portals_delivery_subject",
        "portals_delivery",
        ["organization", "webhook", "subject", "state"],
        unique=False,
    )
    op.create_index("portals_delivery_open", "portals_delivery", ["state", "next_at"], unique=False)
    op.create_table(
        "portals_portal",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="portals_portal_id"),
        sa.UniqueConstraint("organization", "name", name="portals_portal_name"),
    )
    op.create_table(
        "portals_request",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("remote", sa.Text(), nullable=True),
        sa.Column("appointment", sa.Text(), nullable=True),
        sa.Column("patient", sa.Text(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("answer"),
        sa.UniqueConstraint("id", name="portals_request_id"),
        sa.UniqueConstraint("organization", "appointment", name="portals_request_appointment"),
        sa.UniqueConstraint("organization", "origin", "portal", "remote", name="portals_request_remote"),
    )
    op.create_index(
        "portals_request_listed", "portals_request", ["organization", "state", "received"], unique=False
    )
    op.create_index("portals_request_patient", "portals_request", ["organization", "patient"], unique=False)
    op.create_table(
        "portals_secret",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "owner"),
    )
    op.create_table(
        "portals_source",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("hook", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("hook"),
        sa.UniqueConstraint("id", name="portals_source_id"),
        sa.UniqueConstraint("organization", "name", name="portals_source_name"),
    )
    op.create_table(
        "portals_source_state",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("good_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "source"),
    )
    op.create_table(
        "portals_state",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("dirty_at", sa.BigInteger(), nullable=True),
        sa.Column("force", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("uploaded", sa.Integer(), nullable=True),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=True),
        sa.Column("good_at", sa.BigInteger(), nullable=True),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("retry", sa.Integer(), nullable=True),
        sa.Column("first", sa.BigInteger(), nullable=True),
        sa.Column("last", sa.BigInteger(), nullable=True),
        sa.Column("hours", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "calendar"),
    )
    op.create_table(
        "portals_unknown",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("remote", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "portal", "remote"),
    )
    op.create_table(
        "portals_upload",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=True),
        sa.Column("last", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id"),
    )
    op.create_index(
        "portals_upload_listed", "portals_upload", ["organization", "calendar", "at"], unique=False
    )
    op.create_table(
        "portals_webhook",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="portals_webhook_id"),
    )
