"""Adapters of the contract `Portal`: which there are, what their forms ask for, and how one is opened."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.model.portals import AdapterName
from praxisd.services.portals.portal import Account, Memory, Portal
from praxisd.services.portals.portals import drflex, tvs_form, two_way, webdav_ics
from praxisd.services.portals.portals.forms import Field, Form

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Connect = Callable[["House", Account, Memory], Portal]


@dataclass(frozen=True, slots=True)
class Adapter:
    """One way of speaking to portals."""

    form: Form
    connect: Connect


ADAPTERS: dict[AdapterName, Adapter] = {
    "drflex": Adapter(drflex.FORM, drflex.connect),
    "two_way": Adapter(two_way.FORM, two_way.connect),
    "webdav_ics": Adapter(webdav_ics.FORM, webdav_ics.connect),
    "tvs116117": Adapter(tvs_form.FORM, tvs_form.connect),
}
"""Every adapter by its name."""


def forms() -> dict[AdapterName, Form]:
    """The form of each adapter, by its name."""
    return {name: one.form for name, one in ADAPTERS.items()}


def check_fields(adapter: str, values: Mapping[str, str], kept: Collection[str] = ()) -> None:
    """Problem `portals.field_wrong` (422) or `portals.adapter_unknown` (404); `kept`: secrets that are known already."""
    _adapter(adapter).form.check(values, kept)


def open_portal(house: "House", adapter: str, account: Account, memory: Memory) -> Portal:
    """The portal of an account; nothing is asked yet. Problem `portals.adapter_unknown` (404)."""
    return _adapter(adapter).connect(house, account, memory)


def _adapter(name: str) -> Adapter:
    for known, one in ADAPTERS.items():
        if known == name:
            return one
    raise Problem("portals.adapter_unknown", 404)


__all__ = ("ADAPTERS", "Adapter", "Connect", "Field", "Form", "check_fields", "forms", "open_portal")
