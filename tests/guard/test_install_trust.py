"""The engine's real trust: an order is only carried out for what is signed as praxisd's own software."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from praxisd.services.updates.publish_quick import Quick
from praxisd.testing import guarded
from praxisd.testing.guarded_host import ScriptHost
from praxisd_guard import install, journal, orders, package_read, versions
from praxisd_guard.durable import put
from praxisd_guard.install_prepare import Refused
from praxisd_guard.install_trust import trusted
from praxisd_guard.orders import Order
from praxisd_guard.places import Places
from praxisd_guard.sources import FolderSource
from praxisd_guard.trust import Trust

VERSION = "1.1"


class Vendor:
    """A repository with version 1.1, and a practice whose server fetched it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        guarded.script_home(self.home, folder / "data")
        self.file = guarded.script_package(folder, self.home, VERSION)
        self.quick = Quick(folder / "vendor")
        self.quick.element("praxisd", "software")
        self.quick.element("holidays", "data")
        self.entry = self.quick.add("praxisd", VERSION, self.file)
        put(Places(self.home).root, self.quick.root)
        self.seen = folder / "seen"
        self.look()

    def look(self) -> None:
        """The server fetches the metadata; what it saw is what the guard is given."""
        server = Trust(
            self.home.parent / "server-trust",
            self.quick.root,
            FolderSource(self.quick.folder),
            keep=self.seen,
        )
        server.refresh()
        server.offers("praxisd")
        server.close()

    def order(self, **more: str) -> Order:
        """To install it."""
        given = {
            "version": VERSION,
            "package": str(self.file),
            "target": str(self.entry["target"]),
            "seen": str(self.seen),
        }
        return orders.order("install", "owner", "person", **(given | more))


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    """A new one."""
    return Vendor(tmp_path)


def _refused(
    vendor: Vendor, wish: Order, code: str, detail: str = "", file: Path | None = None
) -> str | None:
    """Which fault of the trust layer it was, if it was one."""
    with pytest.raises(Refused) as caught:
        trusted(vendor.home, wish, file or vendor.file)
    assert caught.value.code == code
    assert detail in caught.value.detail
    return caught.value.fault


def test_what_is_signed_is_trusted_without_a_network(vendor: Vendor) -> None:
    assert not (vendor.seen / "targets").exists() or not list((vendor.seen / "targets").rglob("*.zip"))
    trusted(vendor.home, vendor.order(), vendor.file)
    assert list(Places(vendor.home).trust.iterdir()), "the guard remembers what it saw"


def test_without_a_root_nothing_can_be_trusted(vendor: Vendor) -> None:
    Places(vendor.home).root.unlink()
    _refused(vendor, vendor.order(), "guard.no_root")


def test_another_vendors_root(vendor: Vendor, tmp_path: Path) -> None:
    put(Places(vendor.home).root, Quick(tmp_path / "other").root)
    _refused(vendor, vendor.order(), "guard.untrusted")


def test_one_changed_byte(vendor: Vendor, tmp_path: Path) -> None:
    data = bytearray(vendor.file.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "changed.zip").write_bytes(data)
    fault = _refused(vendor, vendor.order(), "guard.untrusted", "updates.tampered", tmp_path / "changed.zip")
    assert fault == "updates.tampered"


@pytest.mark.parametrize(
    "target", ["software/praxisd/praxisd-9.zip", "data/holidays/1.sqlite.zst", "../root.json"]
)
def test_a_target_that_is_none(vendor: Vendor, target: str) -> None:
    _refused(vendor, vendor.order(target=target), "guard.untrusted")


def test_a_signed_older_version_under_a_newer_name(vendor: Vendor) -> None:
    assert _refused(vendor, vendor.order(version="1.2"), "guard.untrusted", "ordered as 1.2") is None


def test_data_that_its_own_team_signed_is_no_software(vendor: Vendor) -> None:
    """The key of a data set cannot bring a program in, though its signature is good and the file is a zip as well."""
    both = vendor.file.with_name("both.sqlite")
    both.write_bytes(b"SQLite format 3\0" + vendor.file.read_bytes())
    assert package_read.read(both).version == VERSION
    entry = vendor.quick.add("holidays", VERSION, both, patches=False)
    vendor.look()
    _refused(vendor, vendor.order(target=str(entry["target"])), "guard.untrusted", "software/praxisd", both)


@pytest.mark.parametrize("spoil", [lambda seen: (seen / "metadata" / "timestamp.json").write_bytes(b"{}"),
                                   lambda seen: (seen / "metadata" / "timestamp.json").unlink()])  # fmt: skip
def test_metadata_the_server_made_up(vendor: Vendor, spoil: Callable[[Path], None]) -> None:
    spoil(vendor.seen)
    _refused(vendor, vendor.order(), "guard.untrusted")


def test_a_signed_older_version_than_the_one_that_runs(vendor: Vendor) -> None:
    """Its faults are known; only the version before may come back this way."""
    for version in ("1.10", "1.9"):
        guarded.script_version(vendor.home, version)
    versions.point(vendor.home, "1.10")
    _refused(vendor, vendor.order(), "guard.older", "1.1, while 1.10 runs")
    guarded.script_version(vendor.home, VERSION)
    versions.point(vendor.home, VERSION)
    versions.point(vendor.home, "1.9")
    trusted(vendor.home, vendor.order(), vendor.file)


def test_an_older_state_than_the_guard_has_seen(vendor: Vendor, tmp_path: Path) -> None:
    """A server that was taken over replays yesterday's metadata."""
    old = tmp_path / "old"
    vendor.seen.rename(old)
    vendor.quick.add("praxisd", "1.2", guarded.script_package(tmp_path, vendor.home, "1.2"))
    vendor.look()
    trusted(vendor.home, vendor.order(), vendor.file)
    _refused(vendor, vendor.order(seen=str(old)), "guard.untrusted", "updates.rollback")


def test_troubles_that_pass_are_told_from_a_spoilt_file(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the fact `fault` the server knows that the file may be good later: it must not throw it away."""
    later = time.time() + 10 * 365 * 86_400
    with monkeypatch.context() as patch:
        patch.setattr("praxisd_guard.trust.Trust", partial(Trust, now=lambda: later))
        assert _refused(vendor, vendor.order(), "guard.untrusted") in (
            "updates.frozen",
            "updates.root_expired",
        )
    trusted(vendor.home, vendor.order(), vendor.file)
    with monkeypatch.context() as patch:
        patch.setattr("praxisd_guard.trust.Trust", partial(Trust, now=lambda: time.time() - 7_200))
        assert _refused(vendor, vendor.order(), "guard.untrusted") == "updates.clock_back"
    (vendor.seen / "metadata" / "timestamp.json").write_bytes(b"")  # a power cut before it was on the disk
    damaged = vendor.order()
    orders.give(vendor.home, damaged)
    host = ScriptHost(vendor.home)
    install.run(vendor.home, damaged, host)
    outcome = journal.outcome(vendor.home, damaged.id)
    assert (outcome.state, outcome.code, outcome.fault) == ("refused", "guard.untrusted", "updates.malformed")
    vendor.look()
    trusted(vendor.home, vendor.order(), vendor.file)
    host.end()
    host.doors.close()


def test_an_order_is_carried_out_by_the_real_trust(vendor: Vendor) -> None:
    """By default: nobody has to think of it."""
    host = ScriptHost(vendor.home)
    bad = vendor.order(target="software/praxisd/praxisd-9.zip")
    orders.give(vendor.home, bad)
    install.run(vendor.home, bad, host)
    assert journal.outcome(vendor.home, bad.id).code == "guard.untrusted"
    good = vendor.order()
    orders.give(vendor.home, good)
    install.run(vendor.home, good, host)
    assert journal.outcome(vendor.home, good.id).state == "kept"
    assert host.running() == VERSION
    host.end()
    host.doors.close()
