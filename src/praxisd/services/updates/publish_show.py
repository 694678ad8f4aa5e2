"""What a publisher wants to know of a repository: who must still sign, what is offered, what runs out soon."""

from datetime import UTC, datetime
from typing import Any

from praxisd.services.updates import publish_elements as offered
from praxisd.services.updates.publish_keys import ONLINE
from praxisd.services.updates.publish_repository import Repository

WARN_DAYS = {"root": 60, "snapshot": 3, "timestamp": 2}
"""So many days before a role runs out it is said; 30 for all others."""


def overview(repository: Repository) -> dict[str, Any]:
    """The whole state, for `show` and for what every other command answers."""
    repository.require()
    stamp = repository.published("timestamp")
    return {
        "repository": str(repository.folder),
        "published": None if stamp is None else stamp.signed.version,
        "roles": roles(repository),
        "waiting": [repository.standing(role).json() for role in repository.staged_roles()],
        "changes": [line for role in repository.staged_roles() for line in changes(repository, role)],
        "elements": [
            {**one.json(), "versions": offered.versions(repository, one)}
            for one in offered.elements(repository)
        ],
        "warnings": warnings(repository),
    }


def roles(repository: Repository) -> list[dict[str, Any]]:
    """What is published of every role, root first."""
    found = []
    for role in ("root", "targets", *repository.roles(), *ONLINE):
        one = repository.published(role)
        if one is not None:
            expires = f"{one.signed.expires:%Y-%m-%dT%H:%M:%SZ}"
            found.append({"role": role, "version": one.signed.version, "expires": expires})
    return found


def changes(repository: Repository, role: str) -> list[dict[str, str]]:
    """What a staged role brings: a person should see it before signing."""
    new, old = repository.staged(role), repository.published(role)
    if new is None:
        return []
    if role == "root":
        before = set() if old is None else set(old.signed.keys)
        found = [("key_new", k) for k in new.signed.keys if k not in before]
        found += [("key_gone", k) for k in before if k not in new.signed.keys]
        return [{"role": role, "what": what, "name": keyid[:12]} for what, keyid in found]
    before_targets = {} if old is None else old.signed.targets
    found = [
        ("target_new", path)
        for path, entry in new.signed.targets.items()
        if path not in before_targets or before_targets[path].hashes != entry.hashes
    ]
    found += [("target_gone", path) for path in before_targets if path not in new.signed.targets]
    if role == "targets":
        before_roles = {} if old is None or not old.signed.delegations else old.signed.delegations.roles
        now_roles = new.signed.delegations.roles if new.signed.delegations else {}
        found += [
            ("role_changed", name)
            for name, one in now_roles.items()
            if name not in before_roles or before_roles[name].to_dict() != one.to_dict()
        ]
    return [{"role": role, "what": what, "name": name} for what, name in found]


def warnings(repository: Repository) -> list[dict[str, Any]]:
    """Published roles that run out soon (`days` left) or have run out (`days` negative or 0)."""
    now, found = datetime.fromtimestamp(repository.now(), UTC), []
    for role in ("root", "targets", *repository.roles(), *ONLINE):
        one = repository.published(role)
        if one is None:
            continue
        left = (one.signed.expires - now).total_seconds() / 86_400
        if left < WARN_DAYS.get(role, 30):
            code = "expired" if left <= 0 else "expires"
            found.append({"code": code, "role": role, "days": int(left // 1), "online": role in ONLINE})
    return found
