"""Run by Alembic: works on the one connection that kernel/migrations.py hands over, inside its transaction."""

from alembic import context

from praxisd.kernel.store import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True, compare_type=True)
context.run_migrations()
