"""Tables of what a patient wants: consent and withdrawal per purpose and channel, and the preferred channel."""

import sqlalchemy as sa

from praxisd.kernel.store import table

CONSENT = table(
    "messaging_consent",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("messaging_consent_patient", "organization", "patient", "id"),
)
"""All that patients said, only added to: the newest row of a patient, purpose and channel counts.

`state` is `given`, `withdrawn` or `open` (taken back, as if nothing had been said); `source` is desk, api, reply or
import. Two merged records thus have one history, and the last word counts.
"""
PREFERENCE = table(
    "messaging_preference",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("messaging_preference_patient", "organization", "patient", "id"),
)
"""The channel a patient prefers, the newest row counts: sms, email, letter (then nothing is sent), or none (no wish)."""
TABLES = tuple(str(one.name) for one in (CONSENT, PREFERENCE))
REFERENCES = (("messaging_consent", "patient"), ("messaging_preference", "patient"))
"""Where a patient's id stands, for merge, export and erasure."""
