"""How far a piece of metadata is with its signatures: how many it needs, who signed, who may still."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tuf.api.metadata import Metadata

from praxisd.services.updates.publish_keys import NAME


@dataclass(frozen=True)
class Standing:
    """Signatures of one version of a role. `missing` are the people of whom `need - have` must still sign."""

    role: str
    version: int
    expires: datetime
    waits: bool
    need: int
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    enough: bool

    @property
    def have(self) -> int:
        """How many good signatures there are."""
        return len(self.signed)

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "role": self.role, "version": self.version, "expires": f"{self.expires:%Y-%m-%dT%H:%M:%SZ}",
            "staged": self.waits, "need": self.need, "have": self.have, "signed": list(self.signed),
            "missing": list(self.missing), "enough": self.enough,
        }  # fmt: skip


def name_of(key: Any) -> str:
    """Whose key it is, as the metadata says; else the beginning of its id."""
    return str(key.unrecognized_fields.get(NAME) or key.keyid[:8])


def standing(
    role: str, one: Metadata[Any], delegator: Any, before: Metadata[Any] | None, waits: bool
) -> Standing:
    """`delegator` (the signed part of root or targets) says who must sign; `before`: also those of the root before."""
    results = [delegator.get_verification_result(role, one.signed_bytes, one.signatures)]
    if before is not None:
        results.insert(0, before.signed.get_verification_result(role, one.signed_bytes, one.signatures))
    shown = next((result for result in results if not result), results[-1])
    enough = all(bool(result) for result in results)
    signed = sorted(name_of(key) for key in shown.signed.values())
    missing = () if enough else tuple(sorted(name_of(key) for key in shown.unsigned.values()))
    return Standing(
        role, one.signed.version, one.signed.expires, waits, shown.threshold, tuple(signed), missing, enough
    )
