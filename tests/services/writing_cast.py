"""What the tests of texts to patients share: clients with different keys in one practice, and its patients."""

from dataclasses import dataclass
from typing import Any

from litestar.testing import TestClient

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.model.people import ContactIn, PatientClaim
from praxisd.services.directory import api as directory
from praxisd.testing.practice import Practice, key_for, small_practice


@dataclass
class Writing:
    """One practice; `as_` gives headers of a role's key."""

    house: House
    client: TestClient[Any]
    practice: Practice
    keys: dict[str, str]

    def ask(
        self,
        method: str,
        path: str,
        status: int = 200,
        body: Any = None,
        *,
        role: str = "desk",
        lang: str = "de",
        match: int | None = None,
    ) -> Any:
        """One REST request as a key of this role; decoded JSON (None for an empty answer)."""
        if role not in self.keys:
            self.keys[role] = key_for(self.house, self.practice, role, role)
        headers = {"Authorization": f"Bearer {self.keys[role]}", "Accept-Language": lang}
        if match is not None:
            headers["If-Match"] = f'"{match}"'
        answer = self.client.request(method, f"/api/v1{path}", headers=headers, json=body)
        assert answer.status_code == status, answer.text
        self.etag = answer.headers.get("ETag")
        return answer.json() if answer.content else None

    def person(self, family: str, *contacts: tuple[str, str, Any], **more: Any) -> str:
        """A new patient with these (system, value, use) contacts; the id."""
        telecom = tuple(ContactIn(system=s, value=v, use=u) for s, v, u in contacts)  # type: ignore[arg-type]
        usual = {"given": "Eva", "birth_date": "1980-05-17"}
        told = PatientClaim(family=family, telecom=telecom, **(usual | more))
        return str(self.run(lambda tx: directory.claim(tx, told)).patient)

    def run(self, work: Any) -> Any:
        """`work(tx)` in a write transaction of the practice."""
        return self.house.store.run(system("test", self.practice.organization), work)


def writing(house: House, client: TestClient[Any]) -> Writing:
    """A small practice."""
    return Writing(house, client, small_practice(house), {})
