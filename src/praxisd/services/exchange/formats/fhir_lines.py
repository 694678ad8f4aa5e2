"""FHIR as ndjson: see `fhir_files`."""

from praxisd.services.exchange.formats.fhir_files import LINES as FORMAT

__all__ = ("FORMAT",)
