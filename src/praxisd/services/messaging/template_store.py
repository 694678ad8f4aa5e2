"""The table of text templates: one per kind, channel and language."""

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
