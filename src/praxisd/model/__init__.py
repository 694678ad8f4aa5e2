"""The vocabulary: frozen msgspec structs with FHIR names, no I/O."""
