"""What a new user meets: folders without a praxisd, a database that does not answer, rights of files, one practice."""

import stat
from pathlib import Path

import pytest

from praxisd.testing.programs import command, running


@pytest.mark.parametrize(
    "line",
    [
        ("keys", "list"),
        ("users", "list"),
        ("practice", "list"),
        ("jobs", "list"),
        ("settings", "set", "kernel.runs_keep_days", "30"),
        ("maintenance", "show"),
        ("doctor",),
        ("import", __file__),
    ],
)
def test_a_folder_without_praxisd_is_left_as_it_is(tmp_path: Path, line: tuple[str, ...]) -> None:
    (tmp_path / "letter.txt").write_text("Sehr geehrte Damen und Herren")
    for folder in (tmp_path, tmp_path / "nowhere"):
        done = command(*line, "--json", folder=folder)
        assert (done.code, done.json["problem"]["code"]) == (3, "control.no_practice")
        assert str(folder) in done.err and "praxisd practice create" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_what_an_older_lock_left_is_no_praxisd_either(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").touch()
    assert command("keys", "list", folder=tmp_path).code == 3
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_files_are_private_even_in_a_folder_that_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)
    with running(folder):
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir() if p.is_file()}
    assert {"praxisd.db", "praxisd.db-wal", "praxisd.db-shm", "vault.key"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_a_second_practice_is_wanted_in_so_many_words(tmp_path: Path) -> None:
    assert command("migrate", folder=tmp_path / "new", cold=True).code == 0
    for line in (("keys", "list"), ("keys", "create", "--portal", "A"), ("users", "list")):
        done = command(*line, folder=tmp_path / "new")
        assert done.code == 1 and "control.no_practice_yet" in done.err
        assert "praxisd practice create" in done.err
    doctor = command("doctor", "--json", folder=tmp_path / "new")
    assert ("directory.no_practice", "warning") in {(i["code"], i["severity"]) for i in doctor.json["issues"]}
    assert command("practice", "create", "Eins", folder=tmp_path / "new").code == 0
    again = command("practice", "create", "Eins", "--json", folder=tmp_path / "new")
    assert (again.code, again.json["problem"]["code"]) == (1, "directory.practice_exists")
    assert len(command("practice", "list", "--json", folder=tmp_path / "new").json["practices"]) == 1
    assert command("practice", "create", "Zwei", "--another", folder=tmp_path / "new").code == 0
    listed = command("practice", "list", "--json", folder=tmp_path / "new").json["practices"]
    assert {one["name"] for one in listed} == {"Eins", "Zwei"}
    doctor = command("doctor", "--json", folder=tmp_path / "new")
    assert "directory.no_practice" not in {i["code"] for i in doctor.json["issues"]}


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "praxisd.toml").write_text(
        'database_url = "postgresql://u:geheim@127.0.0.1:1/x"\ndatabase_patience = 0\n'
    )
    for line in (("serve", "--port", "0"), ("doctor",), ("keys", "list")):
        done = command(*line, folder=tmp_path)
        assert done.code == 1 and "store.unreachable" in done.err and "127.0.0.1:1/x" in done.err
        assert "Traceback" not in done.err and "geheim" not in done.out + done.err
    doctor = command("doctor", "--json", folder=tmp_path)
    assert doctor.code == 1 and [i["code"] for i in doctor.json["issues"]] == ["store.unreachable"]


def test_an_address_of_a_database_that_cannot_be_read_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "praxisd.toml").write_text('database_url = "postgresql://u:geheim@host:port/x"\n')
    for line in (("serve", "--port", "0"), ("keys", "list")):
        done = command(*line, folder=tmp_path)
        assert done.code == 2 and "database_url" in done.err
        assert "Traceback" not in done.err and "geheim" not in done.err
