"""Certificate and key as a file for the ssl module, which reads nothing else, without a key lying on the disk."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_file(data: bytes) -> Iterator[str]:
    """The path of a file with these bytes, while the block runs; it lies in memory where the system has such files, else
    only we may read it.
    """
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("certificate")
        try:
            os.write(number, data)
            yield f"/proc/self/fd/{number}"
        finally:
            os.close(number)
        return
    handle, path = tempfile.mkstemp(prefix="praxisd-")  # pragma: no cover - other systems than Linux
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        yield path
    finally:
        os.unlink(path)
