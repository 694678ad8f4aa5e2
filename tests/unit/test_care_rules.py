"""Rules of the care of the database: when compacting is worth it, and where a database must not lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.care import rules

MB = 1_000_000
MOUNTS = r"""sysfs /sys sysfs rw 0 0
/dev/sda1 / ext4 rw,relatime 0 0
nas:/praxis /mnt/nas nfs4 rw 0 0
//server/daten /mnt/alte\040daten cifs rw 0 0
/dev/sdb1 /mnt/nas/disk ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
overlay /mnt/twice overlay rw 0 0
server:/x /mnt/twice fuse.sshfs rw 0 0
"""


def test_compacting_is_proposed_only_where_it_is_worth_it_and_there_is_room():
    assert rules.estimate(333 * MB, 120 * MB, 30 * MB, 700 * MB).proposed
    small = rules.estimate(333 * MB, 60 * MB, 10 * MB, 700 * MB)
    assert (small.proposed, small.reason) == (False, "small")
    narrow = rules.estimate(333 * MB, 120 * MB, 30 * MB, 665 * MB)
    assert (narrow.proposed, narrow.reason) == (False, "no_space")
    assert rules.estimate(10 * MB, 9 * MB, 0, 700 * MB).reason == "small"  # holes in little harm nobody
    assert rules.estimate(0, 0, 0, 0).gain_percent == 0


def test_the_extra_space_is_twice_the_result_as_measured():
    found = rules.estimate(343 * MB, 120 * MB, 0, 10_000 * MB)
    assert (found.gain, found.after, found.extra) == (120 * MB, 223 * MB, 446 * MB)
    assert 0.8 < found.stall_s < 2.5


@given(*[st.integers(0, 10**12)] * 4)
def test_an_estimate_never_promises_more_than_there_is(size, free, unused, disk):
    free = min(free, size)
    found = rules.estimate(size, free, min(unused, size - free), disk)
    assert 0 <= found.gain <= size and found.after == size - found.gain
    assert not found.proposed or (found.gain * 5 > size and disk >= 2 * size)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/praxisd", "ext4"),
        ("/mnt/nas/db", "nfs4"),
        ("/mnt/nasty", "ext4"),
        ("/mnt/nas/disk/db", "ext4"),
        ("/mnt/alte daten/db", "cifs"),
        ("/run/x", "tmpfs"),
        ("/mnt/twice", "fuse.sshfs"),
    ],
)
def test_the_file_system_of_a_folder_is_the_one_mounted_nearest_and_last(path, kind):
    assert rules.mounted(MOUNTS, path)[0] == kind


def test_a_table_that_cannot_be_read_says_nothing():
    assert rules.mounted("", "/srv") == ("", "")
    assert rules.mounted("one two\n\n", "/srv") == ("", "")


@pytest.mark.parametrize("path", [r"\\server\daten", "//server/daten", r"\\?\UNC\server\daten"])
def test_shares_are_known_by_their_name(path):
    assert rules.is_share(path)


@pytest.mark.parametrize("path", [r"C:\praxis", r"\\?\C:\praxis", r"\\.\C:", "/srv/praxis", "praxis"])
def test_a_local_folder_is_no_share(path):
    assert not rules.is_share(path)


@pytest.mark.parametrize(
    "path",
    ["/home/a/Dropbox/db", r"C:\Users\a\OneDrive - Praxis\db", "/home/a/Nextcloud", "/x/Google Drive/y"],
)
def test_folders_of_the_cloud_are_known(path):
    assert rules.cloud(path)


@pytest.mark.parametrize("path", ["/srv/boxes/db", "/home/dropboxer/x", "/var/lib/praxisd", "/srv/cloudy"])
def test_other_folders_are_not(path):
    assert rules.cloud(path) is None


def test_tables_differ_by_count_digest_or_by_not_being_there():
    ours = {"a": (1, "x"), "b": (2, "y"), "c": (3, "z")}
    assert rules.differing(ours, dict(ours)) == []
    assert rules.differing(ours, {"a": (1, "x"), "b": (2, "Y"), "d": (0, "")}) == ["b", "c", "d"]
