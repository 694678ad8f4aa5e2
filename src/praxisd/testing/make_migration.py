"""Write a service's next migration from its declared tables: `python -m praxisd.testing.make_migration
<service> "<message>" [<package of a plug-in>]`.

A development tool. It brings a temporary SQLite database to the present heads, compares it with the declared
tables of that service and writes `NNNN_<words>.py`, formatted by ruff where that is installed. Read what it wrote:
autogeneration sees no data and no renames.
"""

import importlib
import importlib.util
import re
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext

from praxisd.kernel.store import METADATA

_TEXT = '''"""{message}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}
branch_labels = {labels!r}
depends_on = None


def upgrade() -> None:
    {body}
'''


def _existing(place: Path) -> list[Path]:
    return sorted(place.glob("[0-9][0-9][0-9][0-9]_*.py"))


def _replay(connection: sa.Connection, place: Path) -> None:
    """Run the service's own present migrations, in order, on `connection`."""
    from alembic.operations import Operations

    with Operations.context(MigrationContext.configure(connection)):
        for path in _existing(place):
            space: dict[str, Any] = {}
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), space)
            space["upgrade"]()


def make(service: str, package: str, message: str) -> Path:
    """Write the next migration of `service` (tables prefixed `<service>_`) and return its path; ValueError
    if nothing changed.
    """
    place = Path(str(files(package))) / "migrations"
    place.mkdir(exist_ok=True)
    there = _existing(place)
    number = f"{len(there) + 1:04d}"

    def own(thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        owner = name if kind == "table" else getattr(getattr(thing, "table", None), "name", "")
        return str(owner).startswith(service + "_")

    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{folder}/compare.db")
        with engine.begin() as connection:
            _replay(connection, place)
            context = MigrationContext.configure(
                connection, opts={"include_object": own, "compare_type": True}
            )
            script = produce_migrations(context, METADATA)
        engine.dispose()
    ops = script.upgrade_ops
    if ops is None or ops.is_empty():
        raise ValueError(f"the tables of {service} have not changed")
    body = re.sub(r"^[ \t]*#.*$\n?", "", render_python_code(ops), flags=re.MULTILINE).strip()
    words = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:40]
    path = place / f"{number}_{words}.py"
    path.write_text(
        _TEXT.format(
            message=message,
            revision=f"{service}_{number}",
            down=f"{service}_{there[-1].name[:4]}" if there else None,
            labels=None if there else (service,),
            body=body,
        ),
        encoding="utf-8",
    )
    _format(path)
    return path


def _format(path: Path) -> None:
    """Format as the project does; without ruff (a plug-in author's environment) the text stays as it is."""
    if importlib.util.find_spec("ruff") is not None:
        subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(path)], check=True)


def main(arguments: list[str]) -> int:
    """Command line: service and message. The service's package is `praxisd.kernel` or `praxisd.services.<name>`; that of a
    plug-in is named. Tables are declared in its `store`.
    """
    if len(arguments) not in (2, 3):
        print(
            'use: python -m praxisd.testing.make_migration <service> "<message>" [<package>]', file=sys.stderr
        )
        return 2
    service, message, *named = arguments
    own = "praxisd.kernel" if service == "kernel" else f"praxisd.services.{service}"
    package = named[0] if named else own
    tables = "praxisd.kernel.house" if service == "kernel" else f"{package}.store"
    try:
        importlib.import_module(tables)
        print(make(service, package, message))
    except ModuleNotFoundError as missing:
        if missing.name not in (package, tables):
            raise
        print(f"there is no {missing.name}, so there are no tables to compare", file=sys.stderr)
        return 1
    except ValueError as unchanged:
        print(unchanged, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
