"""The formats there are, by name. Each is the `FORMAT` of a module; a new one is a line here and texts."""

from importlib import import_module

from praxisd.kernel.errors import Problem
from praxisd.services.exchange.format import HEAD, Format

MODULES: dict[str, str] = {
    "csv": "praxisd.services.exchange.formats.csv_table",
    "fhir-bundle": "praxisd.services.exchange.formats.fhir_files",
    "fhir-ndjson": "praxisd.services.exchange.formats.fhir_lines",
    "xdt": "praxisd.services.exchange.formats.xdt_format",
}
"""Name → module, imported when it is first needed."""
ALIASES = {"bdt": "xdt", "gdt": "xdt", "fhir": "fhir-bundle", "ndjson": "fhir-ndjson"}
"""Other words people use for them."""


def get(name: str) -> Format:
    """The format of this name; Problem `exchange.format_unknown` (422)."""
    module = MODULES.get(ALIASES.get(name, name))
    if module is None:
        raise Problem("exchange.format_unknown", 422, known=", ".join(MODULES))
    return import_module(module).FORMAT  # type: ignore[no-any-return]


def guess(head: bytes) -> list[tuple[str, float]]:
    """Formats that the beginning of a file looks like, the likeliest first; none that is out of the question."""
    scored = [(name, get(name).sniff(head[:HEAD])) for name in MODULES]
    return sorted((one for one in scored if one[1] > 0), key=lambda one: -one[1])
