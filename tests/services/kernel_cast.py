"""A house with one practice and clients by role, for tests of what the kernel's doors say."""

from typing import Any

from litestar.testing import TestClient

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House
from praxisd.testing.practice import Practice, key_for


class Desk:
    """A house with one practice, and clients by role."""

    def __init__(self, house: House, practice: Practice, client: TestClient[Any]) -> None:
        self.house, self.practice, self.client = house, practice, client
        self.keys = {r: key_for(house, practice, r, f"Zugang {r}") for r in ("owner", "desk", "partner")}

    def ask(self, method: str, path: str, role: str = "owner", lang: str = "de", **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[role]}", "Accept-Language": lang}
        json = {k.rstrip("_"): v for k, v in body.items()} if method == "POST" else None
        return self.client.request(method, f"/api/v1{path}", headers=headers, json=json)

    def __call__(self, method: str, path: str, role: str = "owner", **body: Any) -> Any:
        got = self.ask(method, path, role, **body)
        assert got.is_success, got.text
        return got.json()

    def refused(self, method: str, path: str, role: str = "owner", **body: Any) -> tuple[int, str]:
        got = self.ask(method, path, role, **body)
        return got.status_code, got.json()["code"]

    def note(self, type_: str, who: str = "cli", organization: str | None = None, **more: Any) -> None:
        actor = Actor(
            Kind(who.partition(":")[0]),
            who.partition(":")[2] or who,
            organization or self.practice.organization,
        )
        more = {"subject_type": "Appointment", "subject_id": "t1"} | more
        self.house.store.run(
            actor, lambda tx: events.note(tx, type_, more.pop("subject_type"), more.pop("subject_id"), **more)
        )
