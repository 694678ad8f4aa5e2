"""The smallest Windows program that has a version: a PE file with nothing but a version resource. It cannot be run."""

import struct

_BASE, _RAW, _ADDRESS = 0x40, 0x200, 0x1000
_SIGNATURE = 0xFEEF04BD
_VERSION_TYPE, _GERMAN = 16, 0x407


def program(version: str) -> bytes:
    """A program of this version, `a.b.c.d`."""
    resource = _resource(version)
    size = -(-len(resource) // 0x200) * 0x200
    coff = struct.pack("<HHIIIHH", 0x14C, 1, 0, 0, 0, 224, 0x102)
    optional = struct.pack("<HBBIIIIII", 0x10B, 14, 0, 0, size, 0, 0, _ADDRESS, _ADDRESS)
    optional += struct.pack(
        "<IIIHHHHHHIIIIHHIIIIII",
        0x400000, 0x1000, 0x200, 6, 0, 0, 0, 6, 0, 0, 0x3000, 0x200, 0, 2, 0, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16,
    )  # fmt: skip
    folders = [(0, 0)] * 16
    folders[2] = (_ADDRESS, len(resource))
    optional += b"".join(struct.pack("<II", *one) for one in folders)
    section = struct.pack(
        "<8sIIIIIIHHI", b".rsrc", len(resource), _ADDRESS, size, _RAW, 0, 0, 0, 0, 0x40000040
    )
    head = b"MZ" + b"\0" * 58 + struct.pack("<I", _BASE) + b"PE\0\0" + coff + optional + section
    return head.ljust(_RAW, b"\0") + resource.ljust(size, b"\0")


def _resource(version: str) -> bytes:
    """Three directories (type, name, language), one entry, and the version itself."""
    told = _version(version)
    found = b""
    for at, id_ in ((0x18, _VERSION_TYPE), (0x30, 1), (0x48, _GERMAN)):
        leads = at | (0x80000000 if at < 0x48 else 0)
        found += struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, id_, leads)
    return found + struct.pack("<IIII", _ADDRESS + 0x58, len(told), 0, 0) + told


def _version(version: str) -> bytes:
    a, b, c, d = (int(one) for one in version.split("."))
    fixed = struct.pack(
        "<13I",
        _SIGNATURE,
        0x10000,
        a << 16 | b,
        c << 16 | d,
        a << 16 | b,
        c << 16 | d,
        0x3F,
        0,
        4,
        1,
        0,
        0,
        0,
    )
    name = "VS_VERSION_INFO\0".encode("utf-16-le")
    head = 6 + len(name)
    start = head + -head % 4
    return struct.pack("<HHH", start + len(fixed), len(fixed), 0) + name + b"\0" * (start - head) + fixed
