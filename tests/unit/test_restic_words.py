"""What restic says, in its old way (words, exit 1) and its new one (exit codes, JSON): the same verdicts."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.backups import engine
from praxisd.services.backups.engines import restic_words as words

OLD_AND_NEW = [
    (1, "Fatal: wrong password or no key found\n", engine.PASSWORD_WRONG),
    (12, '{"message_type":"exit_error","code":12,"message":"Fatal: no"}\n', engine.PASSWORD_WRONG),
    (1, "Fatal: unable to open config file: stat /m/restic/config: no such file or directory\n"
        "Is there a repository at the following location?\n/m/restic\n", engine.NO_REPOSITORY),
    (10, "Fatal: repository does not exist: unable to open config file\n", engine.NO_REPOSITORY),
    (1, "Fatal: unable to open config file: Head https://nas/config: dial tcp: connection refused\n"
        "Is there a repository at the following location?\nrest:https://nas/\n", engine.UNREACHABLE),
    (1, "unable to create lock in backend: repository is already locked by PID 7 on praxis by root\n", engine.LOCKED),
    (11, "{}", engine.LOCKED),
    (1, "Fatal: unable to save snapshot: write /m/data/2b/2b-tmp-1: no space left on device\n", engine.FULL),
    (1, "Fatal: write E:\\restic\\data: There is not enough space on the disk.\n", engine.FULL),
    (1, "open /m/restic/locks/6253-tmp-1: read-only file system\nunable to create lock in backend\n", engine.READ_ONLY),
    (1, "Fatal: open E:\\restic\\locks\\6253: The media is write protected.\n", engine.READ_ONLY),
    (1, "Fatal: read /m/restic/index/12: input/output error\n", engine.UNPLUGGED),
    (1, "Fatal: open E:\\restic\\index: The device is not ready.\n", engine.UNPLUGGED),
    (1, "error: load <snapshot/21f9>: invalid data returned\nFatal: repository contains errors\n", engine.DAMAGED),
    (1, "Fatal: config or key 112c is damaged: ciphertext verification failed\n", engine.DAMAGED),
    (1, "Fatal: Unmarshal: invalid character ';' after object key\n", engine.DAMAGED),
    (130, "", engine.INTERRUPTED),
    (-9, "", engine.INTERRUPTED),
    (2, "panic: runtime error\n", engine.FAILED),
    (1, "Fatal: create repository at /m/restic failed: config file already exists\n", engine.FAILED),
]  # fmt: skip


@pytest.mark.parametrize(("exit_code", "said", "code"), OLD_AND_NEW)
def test_both_generations_are_understood(exit_code: int, said: str, code: str) -> None:
    fault = words.fault("backup", exit_code, said)
    assert fault.code == code and fault.retry == (code in words.RETRY)
    assert "/m/" not in fault.detail and "E:\\" not in fault.detail, "names of files stay here"


def test_what_waiting_cannot_help_is_not_waited_for() -> None:
    line = (
        "Save(<lock/6253>) returned error, retrying after 552ms: open /m/locks/6253: read-only file system\n"
    )
    told = words.hopeless(line)
    assert told is not None and told.code == engine.READ_ONLY
    assert words.hopeless(line.replace("read-only file system", "connection refused")) is None
    assert words.hopeless("open /m/locks/6253: read-only file system\n") is None


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("restic 0.14.0 compiled with go1.19.8 on linux/amd64\n", (0, 14, 0)),
        ("restic 0.18.1 compiled with go1.25.1 on windows/amd64\n", (0, 18, 1)),
        ("restic 0.9.6 (v0.9.6) compiled with go1.13", (0, 9, 6)),
        ("bash: restic: command not found", None),
    ],
)
def test_versions(said: str, version: tuple[int, ...] | None) -> None:
    assert words.version(said) == version


def test_errors_of_both_generations() -> None:
    old = words.message('{"message_type":"error","error":{"Op":"lstat","Path":"/a","Err":2},"item":"/a"}')
    new = words.message('{"message_type":"error","error":{"message":"lstat /a: no such file or directory"}}')
    assert words.vanished(words.error_text(old)) and words.vanished(words.error_text(new))
    denied = words.message('{"message_type":"error","error":{"Op":"open","Path":"/a","Err":13}}')
    assert not words.vanished(words.error_text(denied))
    assert words.message("Fatal: no JSON") == words.message("[1]") == words.message("{broken") == {}


def test_times() -> None:
    assert words.nanoseconds("2026-01-02T03:04:05.000000007Z") == 1_767_323_045_000_000_007
    assert words.nanoseconds("2026-01-02T04:04:05.5+01:00") == 1_767_323_045_500_000_000
    assert words.nanoseconds("1969-12-31T23:59:59.5Z") == -500_000_000
    assert words.nanoseconds("soon") == words.nanoseconds("") == 0
    assert words.seconds("2026-01-02 03:04:05") == 1_767_323_045 and words.seconds("?") == 0


def test_names_as_they_are_stored() -> None:
    assert os.fsencode(words.unquoted(r"bad\xff\xfe")) == b"bad\xff\xfe"
    assert words.unquoted(r"a\nb\tc\\d\"e\a") == 'a\nb\tc\\d"e\a'
    assert words.unquoted("Gr\u00fc\u00dfe \\u200b\\U000e0001") == "Gr\u00fc\u00dfe \u200b\U000e0001"
    assert words.lossy(os.fsdecode(b"bad\xff\xfe")) == "bad\ufffd\ufffd"


@given(st.binary(min_size=1, max_size=40))
def test_quoting_loses_nothing(name: bytes) -> None:
    quoted = "".join(
        f"\\x{byte:02x}" if byte >= 0x80 or byte < 0x20 else chr(byte) for byte in name.replace(b"\\", b"/")
    )
    assert os.fsencode(words.unquoted(quoted)) == name.replace(b"\\", b"/")


@given(st.text(min_size=1, max_size=30), st.text(max_size=30))
def test_who_is_blamed_is_among_the_guesses(name: str, why: str) -> None:
    path = "/" + name
    guesses = set(words.blamed([f"ignoring error for {path}: {why}\n"]))
    assert path in guesses
    assert set(words.blamed([f"warning: {path}: {why}"])) == set()


def test_patterns_mean_only_themselves() -> None:
    assert words.pattern("/a/b c") == "/a/b c"
    assert words.pattern("/a*/[b]?\\") == "/a\\*/\\[b\\]\\?\\\\"
    assert (
        words.pieces(b"[0:05] 12.00%  3 / 25 packs\n") == (3, 25) and words.pieces(b"check all packs") is None
    )
