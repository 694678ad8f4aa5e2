"""All threads are served from few heaps, unless somebody has said how many."""

import os
import platform
import subprocess
import sys

import pytest

# Each thread allocates while all the others are there; then the C library says how many heaps it has.
THREADS = """
import ctypes, sys, threading
from praxisd.kernel import heaps
told = heaps.few() if sys.argv[1] == "few" else None
all_here = threading.Barrier(6)

def work():
    kept = bytes(4000)
    all_here.wait(60)

threads = [threading.Thread(target=work) for _ in range(6)]
for one in threads: one.start()
for one in threads: one.join(60)
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
print(told, open(sys.argv[2]).read().count("<heap nr="))
"""
# Every other block of 40 kB is freed: 20 MB of whole pages between others that are in use.
HOLES = """
import psutil
from praxisd.kernel import heaps
kept = [b"x" * 40_000 for _ in range(1000)]
del kept[::2]
own = psutil.Process()
before = own.memory_full_info().uss
told = heaps.give_back()
print(told, before - own.memory_full_info().uss)
"""
pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="heaps of threads are glibc's")


def heaps(tmp_path, how: str, **env: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    line = [sys.executable, "-c", THREADS, how, str(tmp_path / "told.xml")]
    return subprocess.run(line, capture_output=True, text=True, check=True, env=kept | env).stdout.split()


def test_threads_share_two_heaps(tmp_path):
    assert heaps(tmp_path, "few") == ["True", "2"]


def test_without_that_each_thread_has_its_own(tmp_path):
    _, number = heaps(tmp_path, "as_it_is")
    assert int(number) > 2


def test_who_has_said_how_many_is_obeyed(tmp_path):
    assert heaps(tmp_path, "few", MALLOC_ARENA_MAX="3") == ["False", "3"]


def test_whole_pages_between_what_is_in_use_are_given_back():
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    told, given = done.stdout.split()
    assert told == "True"
    assert int(given) > 10_000_000
