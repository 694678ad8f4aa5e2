"""Devices that exchange files of GDT with praxisd through a folder, and what they sent."""

from typing import Literal

import msgspec

from praxisd.model.scheduling import Record

ResultState = Literal["taken", "doubt", "discarded"]
"""`taken`: it is a patient's. `doubt`: a person says whose it is. `discarded`: a person said that it is nobody's."""
Charset = Literal["auto", "7bit", "cp437", "cp850", "cp1252", "iso8859-15", "utf-8"]


class Device(Record, frozen=True, kw_only=True):
    """A device or program („Gerät“) and its exchange folders.

    `folder_in`: where its results appear, `folder_out`: where it looks for requests; either may be empty, both may be one.
    `receiver`, `sender`: GDT's short names of the device and of praxisd, at most 8 characters. `charset`: in which it reads
    and writes (`auto`: results are judged one by one, requests are cp437 as GDT names it). `numbers`: the system of
    identifiers whose values the device knows patients by; None: praxisd gives numbers of its own. `tests`: its
    examinations (8402).
    """

    id: str = ""
    version: int = 1
    name: str
    active: bool = True
    folder_in: str = ""
    folder_out: str = ""
    receiver: str
    sender: str = "PRAXISD"
    charset: Charset = "auto"
    numbers: str | None = None
    tests: tuple[str, ...] = ()


class ResultLine(Record, frozen=True, kw_only=True):
    """One line as it was sent; `label` is what the field holds, or empty."""

    line: int
    field: str
    text: str


class ResultWarning(Record, frozen=True, kw_only=True):
    """What was odd at a line (0: the whole file)."""

    line: int
    code: str
    params: dict[str, str | int] = msgspec.field(default_factory=dict)


class ResultDoc(Record, frozen=True, kw_only=True):
    """What is kept of a record that a device sent. `differs`: fields in which its master data are not what we know."""

    file: str
    kind: str
    charset: str
    lines: tuple[ResultLine, ...]
    warnings: tuple[ResultWarning, ...] = ()
    differs: tuple[str, ...] = ()
