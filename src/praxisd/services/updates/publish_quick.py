"""A whole repository in one call, with all keys in one folder: for the sandbox, the demo and tests. Never for the public."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from praxisd.services.updates import publish_elements, publish_keys, publish_roles
from praxisd.services.updates.publish_elements import Release
from praxisd.services.updates.publish_repository import Published, Repository

PEOPLE = {"root": ("anna", "ben", "cleo"), "targets": ("anna", "ben", "cleo"), "software": ("anna", "ben")}


class Quick:
    """`folder/repository` (what practices fetch) and `folder/keys`. Made and published at once, or opened if it is there.

    `roles`: delegated roles besides `software`, such as `data-holidays` or `plugins-acme`.
    """

    def __init__(
        self,
        folder: Path,
        roles: Sequence[str] = ("data-holidays",),
        now: Callable[[], float] = time.time,
        thresholds: Mapping[str, int] | None = None,
    ) -> None:
        self.keys_folder = folder / "keys"
        self.repository = Repository(folder / "repository", now)
        if not self.repository.exists:
            for role in (*publish_keys.TOP, "software", *roles):
                for name in PEOPLE.get(role, ("machine",)):
                    publish_keys.make(self.keys_folder, role, name)
        self.keys = publish_keys.Keyring([self.keys_folder])
        if not self.repository.exists:
            publish_roles.create(self.repository, self.keys, thresholds)
            self.publish()

    @property
    def folder(self) -> Path:
        """What practices fetch: `metadata/` and `targets/`."""
        return self.repository.folder

    @property
    def root(self) -> bytes:
        """The first root, which a practice trusts."""
        return (self.repository.metadata / "1.root.json").read_bytes()

    def publish(self, *, anyway: bool = False) -> Published:
        """Sign all that waits with all keys and put it out."""
        if self.repository.staged_roles():
            self.repository.sign(self.keys)
        return self.repository.publish(self.keys, anyway=anyway)

    def role(self, name: str) -> None:
        """Delegate to one more role, published; nothing where there is such a role."""
        if name not in self.repository.roles():
            for person in PEOPLE.get(name, ("machine",)):
                publish_keys.make(self.keys_folder, name, person)
            self.keys = publish_keys.Keyring([self.keys_folder])
            publish_roles.add(self.repository, self.keys, name)
            self.publish()

    def ensure(self, name: str, kind: str, **title: str) -> None:
        """The element, if it is not there yet, with the role of its own that signs for data."""
        if name not in {one.name for one in publish_elements.elements(self.repository)}:
            if kind == "data":
                self.role(f"data-{name}")
            self.element(name, kind, **title)

    def versions(self, name: str) -> list[str]:
        """The versions of an element that are out, newest first."""
        found = publish_elements.element(self.repository, name)
        return [str(one["version"]) for one in publish_elements.versions(self.repository, found)]

    def element(self, name: str, kind: str, vendor: str | None = None, **title: str) -> None:
        """One more element, published. `title`: `de="…"`, `en="…"`."""
        words = title or {"de": name, "en": name}
        made = publish_elements.planned(self.repository, name, kind, words, vendor)
        publish_elements.add_element(self.repository, made)
        self.publish()

    def add(
        self, name: str, version: str, file: Path, *, patches: bool = True, **more: Any
    ) -> dict[str, Any]:
        """One more version, published; `more` as in `Release`. The entry of the index."""
        released = more.pop("released", None) or publish_elements.today(self.repository.now())
        release = Release(version, released, **more)
        entry = publish_elements.add_version(self.repository, name, file, release, patches=patches)
        self.publish()
        return entry
