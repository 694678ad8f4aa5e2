"""The doors of the diagnosis, asked as any of its roles."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.app import House
from praxisd.testing.practice import Practice, key_for
from praxisd.web.app import build


class Door(Protocol):
    """Asks and gives the JSON answer, or the answer itself where it is none."""

    def __call__(
        self, method: str, path: str, role: str = "owner", status: int = 200, **more: Any
    ) -> Any: ...


@contextmanager
def opened(house: House, practice: Practice) -> Iterator[Door]:
    """The doors of a house; keys are made as they are needed."""
    keys: dict[str, str] = {}
    with TestClient(build(house, main.doors(house))) as client:

        def ask(method: str, path: str, role: str = "owner", status: int = 200, **more: Any) -> Any:
            if role not in keys:
                keys[role] = key_for(house, practice, role, role)
            headers = {"Authorization": f"Bearer {keys[role]}", **more.pop("headers", {})}
            answer = client.request(method, f"/api/v1{path}", headers=headers, **more)
            assert answer.status_code == status, answer.text
            return answer.json() if "json" in answer.headers.get("content-type", "") else answer

        yield ask
