"""What the tests of the support share: a practice with its doors by role, a partner, and a mail account at a real server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import event_search
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.services.messaging import accounts
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

from .mail_cast import HOST, Post, post_office

PARTNER = "hilfe@systemhaus-nord.example"


class Scene:
    """A practice, and REST clients of it by role."""

    def __init__(self, house: House, practice: Practice, client: TestClient[Any]) -> None:
        self.house, self.practice, self.client = house, practice, client
        self.actor = system("test", practice.organization)
        self._keys = {role: key_for(house, practice, role, role) for role in ("owner", "desk", "partner")}
        self.last: Any = None

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        status: int = 200,
        role: str = "desk",
        lang: str = "de",
    ) -> Any:
        """The answer; JSON where it is."""
        headers = {"Authorization": f"Bearer {self._keys[role]}", "Accept-Language": lang}
        self.last = self.client.request(method, f"/api/v1{path}", headers=headers, json=body)
        assert self.last.status_code == status, self.last.text
        media = self.last.headers["content-type"].partition(";")[0]
        return (
            self.last.json()
            if media in ("application/json", "application/problem+json")
            else self.last.content
        )

    def set(self, key: str, value: Any) -> None:
        """Store a setting."""
        self.house.store.run(self.actor, lambda tx: self.house.settings.put(tx, key, value))

    def events(self, type_: str) -> list[dict[str, Any]]:
        """Codes of the events of a type."""
        with self.house.store.read(self.actor) as tx:
            found = event_search.find(tx, self.house.registry, event_search.Wanted(types=[type_]))
        return [one.codes for one in found]


@contextmanager
def scene(house: House) -> Iterator[Scene]:
    """The practice, with a service partner entered."""
    practice = small_practice(house)
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as client:
        one = Scene(house, practice, client)
        one.set("support.partner_name", "Systemhaus Nord")
        one.set("support.partner_email", PARTNER)
        one.set("support.partner_phone", "040 123456")
        yield one


@contextmanager
def with_mail(one: Scene, folder: Path) -> Iterator[Post]:
    """A mail server, and the practice's account there, switched on."""
    with post_office(folder, user="praxis", password="geheim") as post:
        fields = {
            "server": HOST, "port": str(post.server.port), "certificate": post.certificate, "login": "praxis",
            "sender_name": "Praxis am See",
        }  # fmt: skip
        given = accounts.Given(
            gateway="smtp", sender="termine@praxis-am-see.example", active=True, cost=1, fields=fields,
            secrets={"password": "geheim"},
        )  # fmt: skip
        one.house.store.run(one.actor, lambda tx: accounts.put(one.house, tx, "email", given))
        yield post
