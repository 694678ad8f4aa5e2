"""Who may sign what: the first root, new delegated roles, and the change of keys."""

from collections.abc import Iterable, Mapping, Sequence

from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Role, Root, Targets

from praxisd.kernel.errors import Problem
from praxisd.services.updates.publish_keys import ONLINE, TOP, Keyring, Public, role_of
from praxisd.services.updates.publish_repository import Repository, empty
from praxisd.services.updates.publish_standing import name_of, standing

THRESHOLDS = {"root": 2, "targets": 2, "software": 2}
"""How many must sign, where nothing else is said; 1 for all other roles."""


def threshold_of(role: str, wishes: Mapping[str, int]) -> int:
    """How many must sign for a role."""
    return wishes.get(role, THRESHOLDS.get(role, 1))


def _enough(role: str, keys: Sequence[object], need: int) -> None:
    if len(keys) < need or need < 1:
        raise Problem("updates.publish_too_few_keys", 400, role=role, have=len(keys), need=need)


def create(repository: Repository, keys: Keyring, thresholds: Mapping[str, int] | None = None) -> None:
    """The first version of all roles there are keys for; it waits for signatures.

    Problems: `updates.publish_repository_exists`, `updates.publish_too_few_keys`; nothing is written then.
    """
    wishes = thresholds or {}
    if repository.exists:
        raise Problem("updates.publish_repository_exists", 409, path=str(repository.folder))
    extra = [role for role in keys.roles() if role not in TOP]
    for role in (*TOP, *extra):
        _enough(role, keys.of(role), threshold_of(role, wishes))
    root = Root(version=1, expires=repository.expiry("root"), consistent_snapshot=True)
    for role in TOP:
        root.roles[role] = Role([], threshold_of(role, wishes))
        for one in keys.of(role):
            root.add_key(one.key, role)
    targets = Targets(version=1, expires=repository.expiry("targets"))
    targets.delegations = Delegations({}, {})
    for role in extra:
        _delegate(targets, role, keys.of(role), threshold_of(role, wishes))
    for role in extra:
        repository.stage(role, empty(repository, role))
    repository.stage("targets", Metadata(targets))
    repository.stage("root", Metadata(root))  # last: with it the repository exists


def _delegate(targets: Targets, role: str, keys: Iterable[Public], need: int) -> None:
    kind, _, name = role.partition("-")
    paths = ["software/*/*"] if kind == "software" else [f"{kind}/{name}/*"]
    delegations = targets.delegations
    if delegations is None or delegations.roles is None:
        delegations = targets.delegations = Delegations({}, {})
    assert delegations.roles is not None  # noqa: S101 - made in the line before
    delegations.roles[role] = DelegatedRole(role, [], need, terminating=True, paths=paths)
    for one in keys:
        targets.add_key(one.key, role)


def add(repository: Repository, keys: Keyring, role: str, threshold: int | None = None) -> None:
    """Delegate to one more role; targets and the empty role then wait for signatures."""
    if role in TOP or role in repository.roles():
        raise Problem("updates.publish_role_exists", 409, role=role)
    need = threshold_of(role_of(role), {} if threshold is None else {role: threshold})
    _enough(role, keys.of(role), need)
    draft = repository.draft("targets")
    _delegate(draft.signed, role, keys.of(role), need)
    repository.stage(role, empty(repository, role))
    repository.stage("targets", draft)


def rotate(
    repository: Repository,
    role: str,
    add_keys: Sequence[Public] = (),
    remove: Sequence[str] = (),
    threshold: int | None = None,
) -> None:
    """Change the keys of a role: new ones, and names of those that go. What must be signed anew then waits.

    Problems: `updates.publish_role_missing`, `…_key_unknown` (nobody of that name), `…_too_few_keys`, `…_no_change`.
    """
    delegator_role = "root" if role in TOP else "targets"
    draft = repository.draft(delegator_role)
    try:
        entry = draft.signed.get_delegated_role(role)
    except ValueError:
        raise Problem("updates.publish_role_missing", 404, role=role) from None
    before = (list(entry.keyids), entry.threshold)
    for name in remove:
        found = [k for k in entry.keyids if _name(draft, k) == name]
        if not found:
            raise Problem("updates.publish_key_unknown", 404, name=name, role=role)
        for keyid in found:
            draft.signed.revoke_key(keyid, role)
    for one in add_keys:
        draft.signed.add_key(one.key, role)
    entry.threshold = entry.threshold if threshold is None else threshold
    _enough(role, entry.keyids, entry.threshold)
    if (list(entry.keyids), entry.threshold) == before:
        raise Problem("updates.publish_no_change", 409, role=role)
    repository.stage(delegator_role, draft)
    if role == "targets" or delegator_role == "targets":
        own = repository.next(role)
        if not standing(role, own, draft.signed, None, False).enough:
            repository.stage(role, repository.draft(role))


def _name(draft: Metadata, keyid: str) -> str:
    return name_of(draft.signed.get_key(keyid))


def renew(repository: Repository, role: str) -> None:
    """Let the same content wait for signatures under a new number and a new expiry.

    Problem `updates.publish_role_online` for roles that are renewed without a person.
    """
    if role_of(role) in ONLINE:
        raise Problem("updates.publish_role_online", 409, role=role)
    repository.stage(role, repository.draft(role))
