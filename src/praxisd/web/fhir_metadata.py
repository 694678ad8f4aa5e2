"""CapabilityStatement at /metadata: what this door can do, written from the declarations of the services."""

from typing import Any

from praxisd import __version__
from praxisd.kernel.registry import Registry
from praxisd.kernel.service import FhirResource
from praxisd.model.fhir import FHIR_VERSION

WHY_OPEN = (
    "Says what the door can do, in the words of a public standard; nothing of the practice, nothing personal."
)
"""Why /metadata needs no key: clients ask it before they have one (FHIR R4 http.html § capabilities)."""
GUIDE = "https://gematik.de/fhir/isik/CapabilityStatement/ISiKCapabilityStatementTerminplanungServer"
_GUIDE_PAGES = "https://gematik.de/fhir/isik/ImplementationGuide/ISiK-Terminplanung"
_CHANGED = "2026-11-22"
"""The day this statement last changed in kind."""


def statement(registry: Registry, base: str) -> dict[str, Any]:
    """The statement of this instance; `base` is the address of the FHIR door."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _CHANGED,
        "publisher": "praxisd",
        "kind": "instance",
        "instantiates": [GUIDE],
        "software": {"name": "praxisd", "version": __version__},
        "implementation": {"description": "praxisd, the server of a practice", "url": base},
        "fhirVersion": FHIR_VERSION,
        "format": ["application/fhir+json", "application/fhir+xml"],
        "patchFormat": ["application/fhir+json", "application/fhir+xml", "application/json-patch+json"],
        "implementationGuide": [_GUIDE_PAGES],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "cors": False,
                    "description": "Authorization: Bearer <key>. Keys are made by the practice; only this page needs none.",
                },
                "resource": [_resource(registry, registry.fhir[name]) for name in sorted(registry.fhir)],
            }
        ],
    }


def _resource(registry: Registry, one: FhirResource) -> dict[str, Any]:
    codes = ["read", "search-type"] if one.searchable else ["read"]
    codes += [
        name for name, call in (("create", one.create), ("update", one.update), ("patch", one.patch)) if call
    ]
    out: dict[str, Any] = {"type": one.type}
    if one.profile:
        out["supportedProfile"] = [one.profile]
    out["interaction"] = [{"code": code} for code in codes]
    out |= {
        "versioning": "versioned",
        "readHistory": False,
        "updateCreate": False,
        "conditionalCreate": False,
        "conditionalRead": "not-match",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "local"],
    }
    reverse = [name for name in one.revincludes if name.split(":")[0] in registry.fhir]
    if one.includes:
        out["searchInclude"] = list(one.includes)
    if reverse:
        out["searchRevInclude"] = reverse
    if one.searchable and one.params:
        out["searchParam"] = [
            {"name": p.name, **({"definition": p.definition} if p.definition else {}), "type": p.type}
            for p in one.params
        ]
    if one.operations:
        out["operation"] = [
            {"name": o.name.removeprefix("$"), "definition": o.definition} for o in one.operations
        ]
    return out
