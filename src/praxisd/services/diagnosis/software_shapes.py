"""Which practice software this installation serves: one record each. Rows belong to the installation (SPEC 7.7)."""

from typing import Annotated

import msgspec

from praxisd.model.requirement import Role

_Name = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
_Path = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00-\x1f]*$")]
_Host = Annotated[str, msgspec.Meta(max_length=253, pattern="^[^\\s/\\\\\"'<>|]*$")]
_Devices = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
_Number = Annotated[str, msgspec.Meta(max_length=40, pattern=r"^\S*$")]


class SoftwareIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a person says about a practice software of this practice.

    `role`: what THIS machine is for it (null: nothing). `data_folder`: its top folder as that machine sees it
    (`C:\\DConcept`); the data folder below it is understood too. `host`: the computer on which its data (for x.isynet its
    SQL Server) lie; empty: this one. `devices`: how many computers use it, 0 if unknown. `customer_number`: where it differs
    from the setting `diagnosis.customer_number`.
    """

    product: Annotated[str, msgspec.Meta(min_length=1, max_length=63)]
    name: _Name = ""
    role: Role | None = None
    data_folder: _Path = ""
    program_folder: _Path = ""
    host: _Host = ""
    devices: _Devices = 0
    customer_number: _Number = ""
    note: Annotated[str, msgspec.Meta(max_length=1_000)] = ""


class Software(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One practice software of this installation; fields as in SoftwareIn. Other services get it from `api.software`.

    `node`: the name of the computer that "this" meant when it was entered ("": not known). Of several nodes only that one is
    meant by `role`, an empty `host` and the folders.
    """

    id: str
    product: str
    name: str = ""
    role: Role | None = None
    data_folder: str = ""
    program_folder: str = ""
    host: str = ""
    devices: int = 0
    customer_number: str = ""
    note: str = ""
    node: str = ""


class SoftwareOut(Software, frozen=True, kw_only=True, rename="camel"):
    """One practice software as the door shows it. `product_name` is null where no product of that id is known (any more)."""

    product_name: str | None = None


class SoftwareList(msgspec.Struct, frozen=True, rename="camel"):
    """All of them, by name."""

    software: tuple[SoftwareOut, ...]
