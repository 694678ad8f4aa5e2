"""Tables of the data sets and of use."""

revision = "medication_0002"
down_revision = "medication_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet: its room fills it."""
