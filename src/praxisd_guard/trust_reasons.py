"""Turns what python-tuf raised into a `TrustFault` with its own code.

Its classes say what check failed, not what the state of things is: a wrong version may be a step back or a mixture,
a missing signature may be one too few or none by anybody entitled. That is looked up in what was just fetched.
"""

import contextlib
import errno
from pathlib import Path

from securesystemslib.exceptions import StorageError
from tuf.api import exceptions as tuf
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from praxisd_guard import faults
from praxisd_guard.faults import TrustFault
from praxisd_guard.trust_fetcher import Fetcher

_FULL = (errno.ENOSPC, errno.EDQUOT)
TOP = (Root.type, Timestamp.type, Snapshot.type, Targets.type)


def reason(fault: Exception, fetcher: Fetcher, stage: Path) -> TrustFault | None:
    """The refusal this exception means, none if it is no refusal (a programming error, a folder without rights).

    `stage` holds the metadata accepted before it was raised.
    """
    role, file = fetcher.role or Root.type, fetcher.path
    if isinstance(fault, tuf.DownloadHTTPError):
        return TrustFault(faults.NOT_FOUND, file=file)
    if isinstance(fault, tuf.DownloadLengthMismatchError):
        return TrustFault(faults.ENDLESS, file=file)
    if isinstance(fault, tuf.DownloadError):
        return TrustFault(faults.UNREACHABLE, file=file)
    if isinstance(fault, OSError):
        return no_space(fault)
    if isinstance(fault, tuf.ExpiredMetadataError):
        expired = _expired(fault, role)
        return TrustFault(faults.ROOT_EXPIRED if expired == Root.type else faults.FROZEN, role=expired)
    if isinstance(fault, tuf.BadVersionNumberError):
        mixed = role not in (Root.type, Timestamp.type) and not _steps_back(role, fetcher.data, stage)
        return TrustFault(faults.MIXED if mixed else faults.ROLLBACK, role=role)
    if isinstance(fault, tuf.UnsignedMetadataError):
        few = _some_signed(role, fetcher.data, stage)
        return TrustFault(faults.THRESHOLD if few else faults.WRONG_KEY, role=role)
    if isinstance(fault, tuf.LengthOrHashMismatchError) and file.startswith("targets/"):
        return TrustFault(faults.TAMPERED, file=file)
    if isinstance(fault, tuf.LengthOrHashMismatchError):
        return TrustFault(faults.MIXED, role=role)
    if isinstance(fault, DeserializationError | StorageError | ValueError | KeyError | TypeError):
        return TrustFault(faults.MALFORMED, file=file)
    if isinstance(fault, tuf.RepositoryError):
        if _is(role, fetcher.data):
            # Well-formed: a snapshot that forgot a role, or a role that the snapshot does not know.
            return TrustFault(faults.ROLLBACK if role == Snapshot.type else faults.MIXED, role=role)
        return TrustFault(faults.MALFORMED, file=file)
    return None


def no_space(fault: OSError) -> TrustFault | None:
    """`no_space` if the disk or the quota is full."""
    return TrustFault(faults.NO_SPACE) if fault.errno in _FULL else None


def _expired(fault: Exception, role: str) -> str:
    """The role that expired: python-tuf looks at one only when the next file comes, and names it in its words."""
    return next((one for one in TOP if f"{one}.json" in str(fault)), role)


def _is(role: str, data: bytes) -> bool:
    wanted = role if role in TOP else Targets.type
    with contextlib.suppress(tuf.RepositoryError):
        return Metadata.from_bytes(data).signed.type == wanted
    return False


def _steps_back(role: str, data: bytes, stage: Path) -> bool:
    """True if a snapshot is the one its timestamp names and still lists something older than accepted before.

    Every other wrong version means that two files do not belong together.
    """
    if role != Snapshot.type:
        return False
    with contextlib.suppress(tuf.RepositoryError, StorageError, OSError):
        stamp = Metadata[Timestamp].from_file(str(stage / "timestamp.json")).signed
        return Metadata[Snapshot].from_bytes(data).signed.version == stamp.snapshot_meta.version
    return False


def _some_signed(role: str, data: bytes, stage: Path) -> bool:
    """True if at least one of those who may sign for the role did."""
    try:
        given = Metadata.from_bytes(data)
    except tuf.RepositoryError:
        return False
    for delegator in _delegators(role, stage):
        with contextlib.suppress(ValueError):
            if delegator.get_verification_result(role, given.signed_bytes, given.signatures).signed:
                return True
    return False


def _delegators(role: str, stage: Path) -> list[Root | Targets]:
    if role in TOP:
        return [Metadata[Root].from_file(str(stage / "root.json")).signed]
    found: list[Root | Targets] = []
    for file in sorted(stage.glob("*.json")):
        signed = Metadata.from_file(str(file)).signed
        if isinstance(signed, Targets) and signed.delegations and role in (signed.delegations.roles or {}):
            found.append(signed)
    return found
