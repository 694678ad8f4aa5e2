"""Access data by command: against a running server at once, and under the folder's lock without one."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd.testing.programs import Running, command, running


@pytest.fixture(scope="module")
def served(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    """A sample practice that is served."""
    folder = tmp_path_factory.mktemp("keys") / "data"
    shutil.copytree(filled, folder)
    with running(folder, verb="demo") as server:
        yield folder, server


def test_a_key_works_at_once_and_no_longer_once_revoked(served: tuple[Path, Running]) -> None:
    folder, server = served
    made = command("keys", "create", "--portal", "Testportal", "--expires", "5", "--json", folder=folder).json
    client = server.client(made["secret"])
    assert client.call("GET", "/api/v1/me")[0] == 200
    assert client.call("GET", "/api/v1/keys")[0] == 403
    listed = command("keys", "list", "--json", folder=folder).json["keys"]
    assert [k["state"] for k in listed if k["id"] == made["id"]] == ["valid"]
    assert made["secret"] not in json.dumps(listed)
    assert command("keys", "revoke", made["id"], folder=folder).code == 0
    status, answer = client.call("GET", "/api/v1/me")
    assert (status, answer["code"]) == (401, "accounts.key_revoked")


def test_replacing_needs_an_explicit_yes(served: tuple[Path, Running]) -> None:
    folder, server = served
    first = command("keys", "create", "--portal", "Zweites", folder=folder).out.strip()
    refused = command("keys", "create", "--portal", "Zweites", folder=folder)
    assert (refused.code, refused.out) == (1, "") and "accounts.portal_has_key" in refused.err
    assert server.client(first).call("GET", "/api/v1/me")[0] == 200
    second = command("keys", "create", "--portal", "Zweites", "--replace", folder=folder).out.strip()
    assert server.client(first).call("GET", "/api/v1/me")[0] == 401
    assert server.client(second).call("GET", "/api/v1/me")[0] == 200


def test_wrong_use_of_keys(served: tuple[Path, Running]) -> None:
    folder, _ = served
    assert command("keys", "create", folder=folder).code == 2
    assert command("keys", "create", "--portal", "A", "--role", "desk", folder=folder).code == 2
    unknown = command("keys", "revoke", "no-such-key", "--json", folder=folder)
    assert (unknown.code, unknown.json["problem"]["code"]) == (1, "control.unknown_name")
    assert "no-such-key" in unknown.err


def test_messages_come_in_the_language_asked_for(served: tuple[Path, Running]) -> None:
    folder, _ = served
    german = command("keys", "create", "--portal", "Beispielportal", folder=folder)
    english = command("keys", "create", "--portal", "Beispielportal", "--lang", "en", folder=folder)
    by_terminal = command(
        "keys", "create", "--portal", "Beispielportal", folder=folder, env={"LANG": "en_GB.UTF-8"}
    )
    assert german.err != english.err == by_terminal.err
    assert "accounts.portal_has_key" in german.err and "accounts.portal_has_key" in english.err


def test_without_a_server_keys_and_users_take_the_lock(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(filled, folder)
    secret = command("keys", "create", "--role", "desk", "--name", "Empfang 2", folder=folder).out.strip()
    made = command("users", "create", "anna", "--role", "desk", "--generate", "--json", folder=folder).json
    assert made["login"] == "anna" and len(made["password"]) >= 12
    known = {u["login"] for u in command("users", "list", "--json", folder=folder).json["users"]}
    assert known == {"owner", "desk", "partner", "anna"}
    assert command("users", "deactivate", "anna", folder=folder).code == 0
    assert command("jobs", "list", folder=folder).code == 3
    with running(folder, verb="demo") as again:
        assert again.client(secret).call("GET", "/api/v1/me")[1]["role"] == "desk"
        for file in folder.rglob("*"):
            if file.is_file() and file.suffix != ".json":
                assert secret.encode() not in file.read_bytes(), file


def test_a_bundle_is_taken_in_by_command(served: tuple[Path, Running]) -> None:
    folder, server = served
    bundle = folder.with_name("bundle.json")
    person = {
        "resourceType": "Patient",
        "id": "imported-1",
        "name": [{"family": "Übernommen", "given": ["Uwe"]}],
    }
    bundle.write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": person}]}), "utf-8"
    )
    first = command("import", str(bundle), "--json", folder=folder)
    assert (first.code, first.json["created"], first.json["errors"]) == (0, 1, [])
    assert command("import", str(bundle), "--json", folder=folder).json["unchanged"] == 1
    bundle.write_text("{")
    assert command("import", str(bundle), "--json", folder=folder).code == 1
    assert server.client().call("GET", "/health/ready")[0] == 200
