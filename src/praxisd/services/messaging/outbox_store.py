"""Tables of what goes out: messages, what they cost, by which access data they leave, and what patients wrote back."""

import sqlalchemy as sa

from praxisd.kernel.store import table

OUTBOX = table(
    "messaging_outbox",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("holds", sa.Text),
    sa.Column("stamp", sa.BigInteger, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("appointment", sa.Text),
    sa.Column("mandator", sa.Text),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("address", sa.Text),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("parts", sa.Integer, nullable=False),
    sa.Column("cost", sa.Integer, nullable=False),
    sa.Column("charged", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("letter", sa.Text),
    sa.Column("reply", sa.Text),
    sa.Column("prepared_at", sa.BigInteger, nullable=False),
    sa.Column("next_at", sa.BigInteger, nullable=False),
    sa.Column("useless_after", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("claim", sa.Text),
    sa.Column("sending_at", sa.BigInteger),
    sa.Column("gateway", sa.Text),
    sa.Column("receipt", sa.Text),
    sa.Column("accepted_at", sa.BigInteger),
    sa.Column("asked_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("run", sa.Text),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("id", name="messaging_outbox_id"),
    sa.UniqueConstraint("organization", "holds", name="messaging_outbox_once"),
    sa.Index("messaging_outbox_work", "organization", "state", "next_at"),
    sa.Index("messaging_outbox_listed", "organization", "prepared_at", "id"),
    sa.Index("messaging_outbox_topic", "organization", "topic"),
    sa.Index("messaging_outbox_patient", "organization", "patient", "prepared_at"),
    sa.Index("messaging_outbox_appointment", "organization", "appointment"),
    sa.Index("messaging_outbox_receipt", "organization", "gateway", "receipt"),
    sa.Index("messaging_outbox_address", "organization", "address", "accepted_at"),
    sa.Index("messaging_outbox_letter", "organization", "letter"),
)
"""One row per message to one patient by one channel. Times are epoch seconds.

`topic` names what it is about (`reminder/<appointment>`, `birthday/<patient>/<year>`). `holds` equals it while this
message is *the* one for its topic, and is null once it was withdrawn, renewed, or replaced on another channel after a
permanent failure: the unique constraint is the judge of "never twice". `stamp` is the start of the appointment it speaks
of (0 for greetings). `channel` is empty and `address` null where there was nobody to write to. `claim` is the run that
sends it now. `letter`: `open` if somebody should write a letter instead, `done` after that.
"""
LEDGER = table(
    "messaging_ledger",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("mandator", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount", sa.Integer, nullable=False),
    sa.Column("balance", sa.Integer, nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("organization", "message", "kind", name="messaging_ledger_once"),
    sa.Index("messaging_ledger_mandator", "organization", "mandator", "id"),
)
"""Every change of a mandator's credits: `booked` by hand, `read` from the gateway, `charged`, `returned`. Never changed."""
BALANCE = table(
    "messaging_balance",
    sa.Column("mandator", sa.Text, nullable=False),
    sa.Column("credits", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("organization", "mandator"),
)
"""What is left: the sum of the ledger, kept in the same transaction."""
ACCOUNT = table(
    "messaging_account",
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("active", sa.Integer, nullable=False),
    sa.Column("gateway", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("secrets", sa.Text, nullable=False),
    sa.Column("hook", sa.Text, nullable=False),
    sa.Column("hook_secret", sa.Text, nullable=False),
    sa.Column("cost", sa.Integer, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "channel"),
    sa.UniqueConstraint("hook", name="messaging_account_hook"),
)
"""Access data of a channel: `fields` are JSON, `secrets` sealed JSON, `cost` the credits of one part (SMS) or mail."""
REPLY = table(
    "messaging_reply",
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("mark", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("meaning", sa.Text, nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("communication", sa.Text),
    sa.PrimaryKeyConstraint("organization", "channel", "mark"),
)
"""Answers of patients that were taken in, by the mark of who delivered them: a repeated call does nothing."""
TABLES = tuple(str(one.name) for one in (OUTBOX, LEDGER, BALANCE, ACCOUNT, REPLY))
REFERENCES = (("messaging_outbox", "patient"),)
"""Where a patient's id stands, for merge, export and erasure."""
