"""Every file keeps the import rule, and the rule bites."""

from functools import cache

import pytest
from house_sources import imported, module_of, python_files
from import_rule import faults, pure_parts, service_cycles


@cache
def _imports() -> dict[str, set[str]]:
    return {
        module_of(path): imported(
            module_of(path), path.read_text(encoding="utf-8"), path.name == "__init__.py"
        )
        for path in python_files()
    }


def test_every_module_keeps_the_import_rule() -> None:
    imports = _imports()
    pure = pure_parts(imports)
    assert imports, "no source files found"
    assert [f for module, names in imports.items() for f in faults(module, names, pure=module in pure)] == []


def test_services_do_not_need_each_other_in_a_circle() -> None:
    assert service_cycles(_imports()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("praxisd.kernel.store", "from praxisd.model import people"),
        ("praxisd.kernel.app", "def f():\n    from praxisd.main import services"),
        ("praxisd.kernel.app", "from ..services.calendar import api"),
        ("praxisd.model.people", "import praxisd.services.calendar.api"),
        ("praxisd.model.people", "import sqlalchemy as sa"),
        ("praxisd.services.calendar.routes", "from praxisd.web import app"),
        ("praxisd.services.calendar.routes", "from litestar import get"),
        ("praxisd.services.calendar.routes", "from sqlalchemy import select"),
        ("praxisd.services.calendar.routes", "from praxisd.services.directory import store"),
        ("praxisd.services.calendar.routes", "from praxisd.services.directory.store import patients"),
        ("praxisd.services.calendar.jobs", "import httpx"),
        ("praxisd.services.calendar.jobs", "from praxisd.testing import postgres"),
        ("praxisd.web.app", "from praxisd.services.calendar import api"),
        ("praxisd.web.app", "import psycopg"),
        ("praxisd.main", "from praxisd.cli import main"),
        ("praxisd_guard.run", "from praxisd.kernel import clock"),
        ("praxisd_relay.hub", "import praxisd"),
        ("praxisd_client.seat", "from praxisd.model.people import Patient"),
    ],
)
def test_the_rule_bites(module: str, source: str) -> None:
    assert faults(module, imported(module, source))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("praxisd.kernel.store", "import sqlalchemy as sa\nfrom . import engines"),
        ("praxisd.model.people", "from praxisd.kernel.errors import Problem"),
        ("praxisd.services.calendar.routes", "from praxisd.services.directory import api as directory"),
        ("praxisd.services.calendar.routes", "from praxisd.services.directory.api import patient"),
        ("praxisd.services.calendar.routes", "from . import rules, store"),
        ("praxisd.services.calendar.store", "import sqlalchemy as sa"),
        ("praxisd.services.calendar.migrations.v0001_tables", "from alembic import op"),
        ("praxisd.services.portals.portals.drflex", "import aiohttp"),
        ("praxisd.web.app", "from litestar import Litestar\nfrom praxisd.kernel.service import Route"),
        ("praxisd.main", "from praxisd.services import calendar\nfrom praxisd.web import app"),
        ("praxisd.cli", "from praxisd import main, testing"),
    ],
)
def test_the_rule_lets_good_imports_pass(module: str, source: str) -> None:
    assert faults(module, imported(module, source)) == []


@pytest.mark.parametrize(
    ("source", "good"),
    [
        ("import datetime\nimport phonenumbers\nfrom praxisd.model.people import Patient", True),
        ("from praxisd.kernel import schedule\nfrom praxisd.kernel.errors import Problem", True),
        ("from . import hours", True),
        ("import sqlite3", False),
        ("from urllib.request import urlopen", False),
        ("from praxisd.kernel.store import Tx", False),
        ("from praxisd.services.directory import api", False),
        ("import structlog", False),
    ],
)
def test_rules_are_pure(source: str, good: bool) -> None:
    module = "praxisd.services.calendar.rules"
    assert (faults(module, imported(module, source), pure=True) == []) is good


def test_purity_is_inherited_and_circles_are_found() -> None:
    imports = {
        "praxisd.services.a.rules": {"praxisd.services.a.days.Span"},
        "praxisd.services.a.days": {"praxisd.services.a.bits"},
        "praxisd.services.a.bits": {"praxisd.services.b.api"},
        "praxisd.services.a.store": {"sqlalchemy"},
        "praxisd.services.b.api": {"praxisd.services.c.api"},
        "praxisd.services.c.api": {"praxisd.services.a.api"},
    }
    assert pure_parts(imports) == {f"praxisd.services.a.{part}" for part in ("rules", "days", "bits")}
    assert service_cycles(imports) == [["services.a", "services.b", "services.c", "services.a"]]
