"""The table of text templates: one per kind, channel and language."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.resource import Records, resource_table
from praxisd.model.communication import Template

TEMPLATE = resource_table(
    "messaging_template",
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.UniqueConstraint("organization", "kind", "channel", "language", name="messaging_template_once"),
)
TABLES = (str(TEMPLATE.name),)
TEMPLATES: Records[Template] = Records(
    "Template",
    TEMPLATE,
    Template,
    lambda one: {"kind": one.kind, "channel": one.channel, "language": one.language},
)


def of(kind: str, channel: str, language: str) -> list[Any]:
    """The condition for the one template of this kind, channel and language."""
    columns = TEMPLATE.c
    return [columns.kind == kind, columns.channel == channel, columns.language == language]
