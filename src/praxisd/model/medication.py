"""What data sets of medication say: the words for a set and how it stands. No I/O."""

from typing import Literal

import msgspec

Severity = Literal["contraindicated", "serious", "moderate", "minor"]
"""The worst first."""
SetState = Literal["valid", "grace", "expired", "unconfirmed", "missing"]
"""`grace`: past its last day, still used in full; `expired`: read only; `unconfirmed`: nobody has said yet that it is known
what this set is (expired goes before that); `missing`: there is none that can be read.
"""
ElementName = Literal["medication", "medication-texts", "medication-notices"]


class Standing(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """How a data set stands on a day. Days are YYYY-MM-DD, `valid_until` and `grace_until` included.

    `version` and `released` are None where it is missing; `age_days` counts from `released`. `sample`: made for trying out,
    not for treating. `confirmed`: an owner of this practice has confirmed this source. `previous`: the version that
    switching back leads to. `fault`: the code of what keeps the version in use from being read, while `version` names the
    one that is read in its place (or None).
    """

    element: ElementName
    title: str = ""
    version: str | None = None
    released: str | None = None
    age_days: int | None = None
    valid_until: str | None = None
    grace_until: str | None = None
    state: SetState = "missing"
    sample: bool = False
    source: str = ""
    source_url: str = ""
    licence: str = ""
    confirmed: bool = False
    previous: str | None = None
    fault: str | None = None


def state(today: str, valid_until: str, grace_until: str, confirmed: bool) -> SetState:
    """How a set that can be read stands on `today`; all days YYYY-MM-DD."""
    if today > grace_until:
        return "expired"
    if not confirmed:
        return "unconfirmed"
    return "grace" if today > valid_until else "valid"
