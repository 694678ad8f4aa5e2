"""`praxisd tuf-client` through the main cases of TUF's conformance suite, by its command line (CLIENT-CLI.md)."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import MetaFile, TargetFile

from praxisd.testing.tuf_repository import TufRepository, cut, endless, instead, signer

from .tuf_cases import GRAPHS, ROTATIONS
from .tuf_http import Client, serving

TOP = {"root": 1, "timestamp": 1, "snapshot": 1, "targets": 1}


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    repository = TufRepository(when=now(), roles={})
    with serving(repository) as address:
        yield Client(repository, address, tmp_path)


@pytest.fixture
def started(client: Client) -> Client:
    assert client.init() == 0 and client.refresh() == 0
    client.asked()
    return client


def test_init_asks_nobody_and_refresh_in_order(client: Client) -> None:
    assert client.init() == 0
    assert client.asked() == [] and client.trusts() == {"root": 1}
    assert client.refresh() == 0
    assert client.asked() == [
        "metadata/2.root.json",
        "metadata/timestamp.json",
        "metadata/1.snapshot.json",
        "metadata/1.targets.json",
    ]
    assert client.trusts() == TOP
    for role in TOP:
        name = f"metadata/{'' if role == 'timestamp' else '1.'}{role}.json"
        assert (client.metadata / f"{role}.json").read_bytes() == client.repository.files[name]
    assert client.refresh() == 0
    assert client.asked() == ["metadata/2.root.json", "metadata/timestamp.json"]


def test_download_refreshes_by_itself(client: Client) -> None:
    client.init()
    assert client.download("missing artifact") == 1
    assert client.trusts() == TOP and client.fetched() == []


def test_a_root_that_is_none_stops_before_any_request(client: Client) -> None:
    assert client.refresh() == 1
    whole = json.loads(client.repository.files["metadata/1.root.json"])
    del whole["signed"]["version"]
    unsigned = json.loads(client.repository.files["metadata/1.root.json"])
    unsigned["signatures"] = [one | {"sig": "00" * 64} for one in unsigned["signatures"]]
    for root in (whole, unsigned):
        client.init(json.dumps(root).encode())
        assert client.refresh() == 1 and client.asked() == []


def test_unknown_fields_are_signed_too(started: Client) -> None:
    root = started.repository.signed("root")
    root.unrecognized_fields["custom-field"] = "value"
    root.keys[root.roles["root"].keyids[0]].unrecognized_fields["extra"] = {"a": 1}
    root.roles["root"].unrecognized_fields["another"] = "value"
    root.version += 1
    started.repository.put_root()
    assert started.refresh() == 0 and started.trusts()["root"] == 2
    assert started.init() == 0 and started.trusts()["root"] == 1  # begins anew, and keeps the history
    assert started.refresh() == 0 and started.trusts()["root"] == 2


# --- expired, rolled back, mismatched -------------------------------------------------------------------------------


def test_a_timestamp_of_the_same_version_is_not_taken(started: Client) -> None:
    started.repository.signed("timestamp").snapshot_meta.version = 100
    started.repository.put_timestamp()
    before = (started.metadata / "timestamp.json").read_bytes()
    started.refresh()
    assert (started.metadata / "timestamp.json").read_bytes() == before


@pytest.mark.parametrize(
    ("role", "trusted"),
    [
        ("root", {"root": 2}),
        ("timestamp", {}),
        ("snapshot", {"timestamp": 2}),
        ("targets", {"timestamp": 2, "snapshot": 2}),
    ],
)
def test_what_is_expired_is_not_trusted(started: Client, role: str, trusted: dict[str, int]) -> None:
    repository = started.repository
    repository.signed(role).expires = now() - timedelta(days=1)
    if role == "root":
        repository.signed("root").version += 1
        repository.put_root()
    repository.publish("targets")
    assert started.refresh() == 1
    assert started.trusts() == TOP | trusted


def test_rollbacks_are_refused(started: Client) -> None:
    repository = started.repository
    old = repository.files["metadata/timestamp.json"]
    repository.publish("targets")
    assert started.refresh() == 0
    trusted = started.trusts()
    new = repository.files["metadata/timestamp.json"]
    repository.files["metadata/timestamp.json"] = old
    assert started.refresh() == 1 and started.trusts() == trusted
    repository.files["metadata/timestamp.json"] = new
    repository.signed("timestamp").version += 1
    repository.signed("timestamp").snapshot_meta = MetaFile(1)
    repository.put_timestamp()
    assert started.refresh() == 1 and started.trusts() == trusted
    assert started.asked()[-1] == "metadata/timestamp.json"
    repository.signed("snapshot").meta["targets.json"] = MetaFile(1)
    repository.publish()
    assert started.refresh() == 1
    assert started.trusts()["snapshot"] == 2 and started.trusts()["targets"] == 2


def test_what_does_not_belong_together_is_refused(client: Client) -> None:
    client.init()
    repository = client.repository
    old = repository.files["metadata/1.snapshot.json"]
    repository.publish("targets")
    new, repository.files["metadata/2.snapshot.json"] = repository.files["metadata/2.snapshot.json"], old
    assert client.refresh() == 1
    assert client.trusts() == {"root": 1, "timestamp": 2}
    repository.files["metadata/2.snapshot.json"] = new
    repository.files["metadata/2.targets.json"] = repository.files["metadata/1.targets.json"]
    assert client.refresh() == 1
    assert client.trusts() == {"root": 1, "timestamp": 2, "snapshot": 2}


def test_hashes_in_the_snapshot_are_held(started: Client) -> None:
    repository = started.repository
    repository.signed("targets").unrecognized_fields["other"] = 1
    repository.publish("targets", hashes=True)
    repository.signed("targets").unrecognized_fields["other"] = 2
    repository.files["metadata/2.targets.json"] = repository.bytes_of("targets")
    assert started.refresh() == 1 and started.trusts()["targets"] == 1


@pytest.mark.parametrize("roles", [("timestamp",), ("snapshot",), ("snapshot", "timestamp")])
def test_recovery_from_a_fast_forward(started: Client, roles: tuple[str, ...]) -> None:
    """Of the timestamp, of the targets (new snapshot key), of the snapshot (both new keys)."""
    repository, root = started.repository, started.repository.signed("root")
    fast = {("timestamp",): "timestamp", ("snapshot",): "targets"}.get(roles, "snapshot")
    repository.signed(fast).version = 99
    repository.publish("targets")
    assert started.refresh() == 0 and started.trusts()[fast] == 100
    for role in roles:
        root.revoke_key(repository.keys[role][0].public_key.keyid, role)
        repository.keys[role] = [signer()]
        root.add_key(repository.keys[role][0].public_key, role)
    root.version += 1
    repository.put_root()
    repository.signed(fast).version = 4
    repository.publish("targets")
    assert started.refresh() == 0 and started.trusts()[fast] == 5


# --- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("roots", "fine"), ROTATIONS.values(), ids=ROTATIONS.keys())
def test_rotation_of_root_keys(client: Client, roots: list[tuple], fine: bool) -> None:
    repository, root = client.repository, client.repository.signed("root")
    signers = [signer() for _ in range(6)]
    for version, (keys, threshold, signed) in enumerate(roots, 1):
        for keyid in list(root.roles["root"].keyids):
            root.revoke_key(keyid, "root")
        for one in keys:
            root.add_key(signers[one].public_key, "root")
        root.roles["root"].threshold, root.version = threshold, version
        repository.put_root([signers[one] for one in signed])
    assert client.init() == 0
    assert client.refresh() == (0 if fine else 1)
    last = len(roots) if fine else len(roots) - 1
    assert (client.metadata / "root.json").read_bytes() == repository.files[f"metadata/{last}.root.json"]


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
@pytest.mark.parametrize(
    ("keys", "threshold", "signed", "fine"),
    [
        ([2], 1, [2], True),
        ([1], 1, [3, 1, 4], True),
        ([2], 1, [1, 3, 4], False),
        ([0, 1, 3, 4, 5], 3, [0, 2, 4], False),
        ([0, 1, 2, 3, 4], 3, [2, 3, 4], True),
        ([1, 1], 2, [1, 1], False),
    ],
)
def test_rotation_of_other_keys(
    client: Client, role: str, keys: list[int], threshold: int, signed: list[int], fine: bool
) -> None:
    repository, root = client.repository, client.repository.signed("root")
    assert client.init() == 0
    signers = [signer() for _ in range(6)]
    for keyid in list(root.roles[role].keyids):
        root.revoke_key(keyid, role)
    for one in keys:
        root.add_key(signers[one].public_key, role)
    root.roles[role].threshold, root.version = threshold, 2
    repository.put_root()
    repository.keys[role] = [signers[one] for one in signed]
    repository.publish("targets")
    assert client.refresh() == (0 if fine else 1)
    assert client.trusts()["root"] == 2 and (role in client.trusts()) == fine


# --- delegations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("edges", "visits"), GRAPHS.values(), ids=GRAPHS.keys())
def test_delegations_are_walked_in_order(started: Client, edges: list[tuple], visits: list[str]) -> None:
    repository = started.repository
    for parent, role, *more in edges:
        terminating, paths = (*more, False, ["*"])[:2] if len(more) < 2 else more
        repository.delegate(parent, role, paths if len(more) > 1 else ["*"], terminating=terminating)
    made = list(dict.fromkeys(role for _, role, *_ in edges))
    repository.publish(*made, new=False)
    repository.publish("targets")
    started.refresh()
    started.asked()
    assert started.download("missing") == 1
    assert [path for path in started.asked() if path.endswith(tuple(f"1.{role}.json" for role in made))] == [
        f"metadata/1.{role}.json" for role in visits
    ]


def test_targets_are_found_where_the_delegations_lead(started: Client) -> None:
    repository = started.repository
    repository.delegate("targets", "A", ["*.md"])
    repository.delegate("targets", "B", ["releases/*/*"])
    repository.delegate("B", "C", ["releases/x/*"])
    found = {"at-top": "targets", "README.md": "A", "releases/x/x_v1": "C", "releases/z/z_v1": "C"}
    for path, role in found.items():
        repository.add(role, path, path.encode())
    repository.publish("A", "B", "C", "targets")
    for path in ("at-top", "README.md", "releases/x/x_v1"):
        assert started.download(path) == 0
    assert started.download("releases/z/z_v1") == 1  # B may not hand on what C lists there
    assert started.fetched() == [b"README.md", b"at-top", b"releases/x/x_v1"]


@pytest.mark.parametrize("role", ["?", "#", "/role", "../role", "ä b"])
def test_unusual_names_of_roles(started: Client, role: str) -> None:
    from urllib.parse import quote

    started.repository.delegate("targets", role, ["*"])
    started.repository.publish(role, new=False)
    started.repository.publish("targets")
    assert started.download("missing") == 1
    assert f"metadata/1.{quote(role, '')}.json" in started.asked()
    assert len(started.trusts()) == 5
    assert sorted(f.name for f in started.metadata.parent.iterdir()) == [
        "initial_root.json",
        "metadata",
        "targets",
    ]


def test_an_expired_delegated_role_is_not_trusted(started: Client) -> None:
    repository = started.repository
    repository.delegate("targets", "A", ["a/*"])
    repository.add("A", "a/file", b"content")
    repository.signed("A").expires = now() - timedelta(days=1)
    repository.publish("A", "targets")
    assert started.refresh() == 0
    assert started.download("a/file") == 1
    assert started.fetched() == [] and "A" not in started.trusts()


# --- targets --------------------------------------------------------------------------------------------------------


def test_targets_are_fetched_once_and_replaced(started: Client) -> None:
    repository = started.repository
    where = repository.add("targets", "path/to/file.txt", b"first")
    repository.publish("targets")
    assert started.download("path/to/file.txt") == 0
    assert started.fetched() == [b"first"] and where in started.asked()
    assert started.download("path/to/file.txt") == 0
    assert where not in started.asked()
    repository.add("targets", "path/to/file.txt", b"second")
    repository.publish("targets")
    assert started.download("path/to/file.txt") == 0
    assert started.fetched() == [b"second"]


@pytest.mark.parametrize(
    "lie",
    [endless, instead(b"other 7"), instead(b"short"), instead(b"content and more"), cut(b"content", 3)],
    ids=["endless", "same length", "shorter", "longer", "cut"],
)
def test_targets_that_are_not_what_was_signed(started: Client, lie: Callable[[int], Iterator[bytes]]) -> None:
    where = started.repository.add("targets", "file", b"content")
    started.repository.publish("targets")
    started.repository.lies[where] = lie
    assert started.download("file") == 1
    assert started.fetched() == []


def test_several_targets_are_fetched_in_order_until_one_fails(started: Client) -> None:
    for name in ("one", "two"):
        started.repository.add("targets", name, name.encode())
    started.repository.publish("targets")
    assert started.download("one", "missing", "two") == 1
    assert started.fetched() == [b"one"]
    assert started.download("one", "two") == 0
    assert started.fetched() == [b"one", b"two"]


def test_other_hashes_and_no_consistent_snapshot(client: Client) -> None:
    """A small repository without versions in its file names, and hashes we do not use ourselves."""
    repository = client.repository
    repository.signed("root").consistent_snapshot = False
    repository.put_root()
    repository.signed("targets").targets["file"] = TargetFile.from_data("file", b"content", ["sha512"])
    repository.publish("targets")
    repository.files["targets/file"] = b"content"
    for role in ("snapshot", "targets"):
        repository.files[f"metadata/{role}.json"] = repository.files[f"metadata/2.{role}.json"]
    client.init()
    assert client.download("file") == 0 and client.fetched() == [b"content"]
    assert client.asked() == [
        "metadata/2.root.json",
        "metadata/timestamp.json",
        "metadata/snapshot.json",
        "metadata/targets.json",
        "targets/file",
    ]


def test_as_a_program(started: Client) -> None:
    """Exit codes, words and JSON of the process itself, and no source at all."""
    started.repository.add("targets", "file", b"content")
    started.repository.publish("targets")

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        line = [
            sys.executable,
            "-m",
            "praxisd",
            "tuf-client",
            "--lang",
            "en",
            "--metadata-dir",
            str(started.metadata),
        ]
        return subprocess.run([*line, *args], capture_output=True, text=True, timeout=60, check=False)

    done = run("--json", *started.download_args("file"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["targets"] == [str(started.targets / "file")]
    missing = run(*started.download_args("missing"))
    assert missing.returncode == 1 and "(updates.not_found)" in missing.stderr
    nobody = run("--metadata-url", "http://127.0.0.1:1/metadata", "refresh")
    assert nobody.returncode == 1 and "(updates.unreachable)" in nobody.stderr
