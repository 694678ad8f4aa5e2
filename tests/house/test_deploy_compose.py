"""deploy/compose.yaml and what it uses: the compose client takes it, nothing secret stands in it, nothing is open or loose."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from house_sources import ROOT

from praxisd.kernel import config
from praxisd.testing import debian
from praxisd_relay import config as relay_config

DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "compose.yaml"
PROFILES = ("nodes", "relay", "nats")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    return found


def program(name: str, package: str) -> Path:
    try:
        return debian.program((name,), package)
    except debian.ProgramMissing as missing:
        pytest.skip(str(missing))


def test_the_compose_client_takes_it(services: dict[str, Any]) -> None:
    client = program("docker-compose", "docker-compose")
    profiles = [word for one in PROFILES for word in ("--profile", one)]
    line = [client, *profiles, "-f", FILE, "config", "--services"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and sorted(done.stdout.split()) == sorted(services), done.stderr
    quiet = subprocess.run([client, "-f", FILE, "config", "-q"], capture_output=True, text=True, timeout=60)
    assert (quiet.returncode, quiet.stdout) == (0, ""), quiet.stderr


def test_without_a_profile_it_is_one_node_and_its_database(services: dict[str, Any]) -> None:
    assert {name for name, one in services.items() if "profiles" not in one} == {"database", "node-1"}
    assert {word for one in services.values() for word in one.get("profiles", ())} == set(PROFILES)


def test_every_container_is_confined_and_open_to_this_computer_only(services: dict[str, Any]) -> None:
    ports = []
    for name, one in services.items():
        assert one["read_only"] is True and one["cap_drop"] == ["ALL"] and "cap_add" not in one, name
        assert one["security_opt"] == ["no-new-privileges:true"] and "privileged" not in one, name
        assert not re.match(r"(0|root)\b", one["user"]), name
        assert "network_mode" not in one and "/var/run/docker.sock" not in str(one.get("volumes")), name
        ports += one.get("ports", [])
    assert ports and all(one.startswith("127.0.0.1:") for one in ports)
    assert len({one.rpartition(":")[0] for one in ports}) == len(ports)
    nodes = [one for name, one in services.items() if name.startswith("node-")]
    assert all("healthcheck" in one and one["stop_grace_period"] == "15s" for one in nodes)
    own = [one["volumes"][0].split(":") for one in nodes]
    assert (
        len(nodes) == 3 and {where for _, where in own} == {"/data"} and len({name for name, _ in own}) == 3
    )


def test_no_secret_stands_in_what_is_committed(services: dict[str, Any]) -> None:
    for one in services.values():
        for key, value in one.get("environment", {}).items():
            assert "PASSWORD" not in key or (key.endswith("_FILE") and value.startswith("/run/secrets/")), key
    given = yaml.safe_load(FILE.read_text(encoding="utf-8"))["secrets"]
    assert all(one["file"].startswith("./secrets/") for one in given.values())
    assert not (DEPLOY / "secrets").exists() or "deploy/secrets" in (ROOT / ".gitignore").read_text()
    for path in sorted(DEPLOY.rglob("*")):
        if path.is_file() and "secrets" not in path.relative_to(DEPLOY).parts:
            assert not re.search(r"postgresql://\w+:\w+@", path.read_text(encoding="utf-8")), path


def test_new_secrets_are_private_and_fit_together(tmp_path: Path, services: dict[str, Any]) -> None:
    folder = tmp_path / "secrets"
    for _ in range(2):  # the second time nothing is changed
        subprocess.run(["sh", DEPLOY / "new-secrets.sh", folder], check=True, timeout=30)
        before = {one.name: one.read_bytes() for one in folder.iterdir()}
        assert set(before) == set(yaml.safe_load(FILE.read_text(encoding="utf-8"))["secrets"])
        assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o400}
    assert before == {one.name: one.read_bytes() for one in folder.iterdir()}
    password = before["database-password"].decode()
    found = config.load(folder / "praxisd.toml", tmp_path)
    assert found.database_url == f"postgresql://praxisd:{password}@database/praxisd" and len(password) == 48
    for name in ("node-1", "node-2", "node-3"):
        shared = dict(one.split(":") for one in services[name]["volumes"])
        assert Path(found.vault_key or "").parent == Path(shared["keys"])
    nats = program("nats-server", "nats-server")
    done = subprocess.run(
        [nats, "-t", "-c", folder / "nats.conf"], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr


def test_the_hub_of_the_compose_file_starts_with_its_configuration(services: dict[str, Any]) -> None:
    found = relay_config.load(DEPLOY / "relay-hub.container.toml", None)
    hub = services["relay-hub"]
    assert found.metrics_listen in str(hub["healthcheck"]["test"])
    assert hub["ports"][0].rpartition(":")[2] == found.listen[0].rpartition(":")[2]
    assert hub["volumes"][0].endswith(f":{found.data}")


def test_the_image_is_built_from_the_wheel_and_runs_as_the_user_of_the_compose_file(
    services: dict[str, Any],
) -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in sent and not any(one.startswith("!deploy") for one in sent)
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / one).exists() for one in line.split()), line
        assert all(f"!{one}" in sent for one in line.split()), line
    (user,) = re.findall(r"^USER (\S+)$", text, re.MULTILINE)
    assert services["node-1"]["user"] == services["relay-hub"]["user"] == user
    assert f"--uid {user.partition(':')[0]} " in text
    base = re.search(r"python:3\.(\d+)-", text)
    assert base is not None and int(base[1]) >= 11
    # pg_dump must not be older than the server.
    client = re.search(r"postgresql-client-(\d+)", text)
    assert client is not None and services["database"]["image"].endswith(f":{client[1]}-bookworm")
    assert text.index("pip --no-cache-dir wheel") < text.index("pip --no-cache-dir install")
