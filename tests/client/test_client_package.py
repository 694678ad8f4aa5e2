"""The library as a package of its own: it needs two libraries, nothing of the server, and is built from its own folder."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from house_sources import imported, module_of

import praxisd_client

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "praxisd_client").rglob("*.py"))
OWN = {"praxisd_client", "websockets", "cryptography"}


def _project(folder: Path) -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return project


def test_it_imports_nothing_but_what_it_says() -> None:
    for path in SOURCES:
        names = imported(module_of(path), path.read_text(encoding="utf-8"), path.name == "__init__.py")
        tops = {name.split(".")[0] for name in names}
        assert tops - set(sys.stdlib_module_names) <= OWN, path.name


def test_it_asks_for_the_same_libraries_as_the_server() -> None:
    own, server = _project(ROOT / "deploy" / "client"), _project(ROOT)
    assert own["version"] == praxisd_client.__version__
    assert own["requires-python"] == server["requires-python"]
    dependencies = own["dependencies"]
    assert isinstance(dependencies, list) and isinstance(server["dependencies"], list)
    assert set(dependencies) <= set(server["dependencies"])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_its_wheel_works_alone(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "-q"]
    done = subprocess.run(
        [*pip, "-w", str(tmp_path), str(ROOT / "deploy" / "client")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = tmp_path.glob("praxisd_client-*.whl")
    program = (
        f"import sys; sys.path.insert(0, {str(wheel)!r}); import praxisd_client as it; "
        "print(it.__file__, 'praxisd' in sys.modules, it.SeatKey.make().public != '')"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert told.stdout.split() == [str(wheel / "praxisd_client" / "__init__.py"), "False", "True"], (
        told.stderr
    )
