"""First tables: statements and risks."""

revision = "medication_0001"
down_revision = None
branch_labels = ("medication",)
depends_on = None


def upgrade() -> None:
    """Nothing yet: its room fills it."""
