"""What every service must keep, built in or of a plug-in; the author's test module says which it is and inherits the suite:

pytest_plugins = ["praxisd.testing.plugin"]

class TestFridge(ServiceSuite):
    service = SERVICE

Runs on SQLite; for another engine override the fixture `engine` with `postgres_houses` (which wants a fixture
`postgres_server`) or, for both in turn, `houses`.
"""

from typing import Any

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import migrations
from praxisd.kernel.app import House, open_house
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.registry import Registry
from praxisd.kernel.service import Service
from praxisd.kernel.store import METADATA
from praxisd.kernel.texts import Texts
from praxisd.testing.houses import Houses, default_services, registry_of
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

GONE = "store.service_missing"
_registries: dict[str, Registry] = {}


class ServiceSuite:
    """The promises. `service` is the declaration under test."""

    service: Service

    @pytest.fixture
    def engine(self, sqlite_houses: Houses) -> Houses:
        """Where the houses of this suite keep their data."""
        return sqlite_houses

    @pytest.fixture
    def registry(self) -> Registry:
        """All built-in services, and this one: DeclarationError says what is wrong with it."""
        known = _registries.get(self.service.name)
        if known is None:
            others = [one for one in default_services() if one.name != self.service.name]
            known = _registries[self.service.name] = registry_of([*others, self.service])
        return known

    @pytest.fixture
    def with_it(self, engine: Houses, registry: Registry, clock: FrozenClock) -> House:
        """A house with all built-in services and this one; no background thread runs."""
        return engine.open(registry, clock)

    def test_both_languages_say_the_same(self) -> None:
        found = Texts([self.service.package])
        own = found.keys() - Texts([]).keys()
        assert own, "nobody can read anything of it"
        for key in own:
            assert found.has(key, "de") and found.has(key, "en"), key
            assert found.placeholders(key, "de") == found.placeholders(key, "en"), key

    def test_it_has_a_name_for_people(self, registry: Registry) -> None:
        assert registry.texts.has(f"console.service.{self.service.name}", "de")

    def test_its_steps_make_the_tables_it_declares(self, with_it: House) -> None:
        wanted = sa.MetaData()
        for name in self.service.tables:
            assert "organization" in METADATA.tables[name].c, f"{name} forgets whose rows they are"
            METADATA.tables[name].to_metadata(wanted)
        with with_it.store.engine.writer.connect() as connection:
            found = migrations.differences(connection, wanted)
        own = [one for one in found if f"'{self.service.name}_" in repr(one)]
        assert own == [], "run python -m praxisd.testing.make_migration"
        assert bool(migrations.folder(self.service)) is bool(self.service.tables)

    def test_no_operation_answers_without_a_key(self, with_it: House) -> None:
        with _door(with_it) as client:
            for route in self.service.routes:
                path = ("" if route.root else "/api/v1") + route.path.replace("{", "").replace("}", "")
                answer = client.request(route.method, path)
                assert route.permission is None or answer.status_code == 401, f"{route.method} {path}"

    def test_what_people_see_of_it(self, with_it: House) -> None:
        """Its pages stand in the navigation of the owner, each in both languages; its listings answer, though empty."""
        key = key_for(with_it, small_practice(with_it), "owner", "owner")
        with _door(with_it) as client:
            client.headers["Authorization"] = f"Bearer {key}"
            for lang in ("de", "en"):
                shown: Any = client.get("/api/v1/console", headers={"Accept-Language": lang}).json()["pages"]
                titles = {one["name"]: one["title"] for one in shown}
                assert all(titles.get(one.name) for one in self.service.pages), lang
            for listing in self.service.listings:
                answer = client.post(f"/api/v1/listings/{listing.name}", json={})
                assert answer.status_code == 200, answer.text

    def test_its_checks_say_what_they_declared_and_nothing_of_an_empty_practice(self, with_it: House) -> None:
        small_practice(with_it)
        for check in self.service.checks:
            assert {one.code for one in check.call(with_it)} <= set(check.codes), check.name

    def test_its_data_outlive_it(self, with_it: House) -> None:
        """Without it the database opens, an issue names it, and its tables are as they were; then it comes back."""
        if not self.service.tables:
            return
        with_it.stop()
        without = registry_of([one for one in with_it.registry.services if one.name != self.service.name])
        house = open_house(with_it.folder, without, with_it.config, with_it.clock)
        try:
            main.wire(house)
            assert _missing(house) == [self.service.name]
            with house.store.engine.writer.connect() as connection:
                there = set(sa.inspect(connection).get_table_names())
            assert set(self.service.tables) <= there
        finally:
            house.stop()
        again = open_house(with_it.folder, with_it.registry, with_it.config, with_it.clock)
        try:
            assert _missing(again) == []
        finally:
            again.stop()


def _door(house: House) -> TestClient[Any]:
    """All doors of the house, asked in this process."""
    doors: Any = main.doors(house)
    return TestClient(build(house, doors))


def _missing(house: House) -> list[str]:
    """Services that the database knows and this program does not."""
    (check,) = [one for one in house.registry.checks if GONE in one.codes]
    return [one.subject for one in check.call(house)]
