"""The foundation of the house: it knows no service and no web framework."""
