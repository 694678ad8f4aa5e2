"""The structs of a product, from `model` (rules may import them there), under one name for the rooms of the diagnosis."""

from praxisd.model.product import (
    INTRANET,
    Backup,
    Change,
    Exclusion,
    Head,
    Origin,
    Port,
    Product,
    Question,
    ServiceProgram,
    ServiceProviderPlaces,
    Source,
)
from praxisd.model.requirement import ROLES, Needed, Requirement, Role, Words

__all__ = (
    "INTRANET", "ROLES", "Backup", "Change", "Exclusion", "Head", "Needed", "Origin", "Port", "Product", "Question",
    "Requirement", "Role", "ServiceProgram", "ServiceProviderPlaces", "Source", "Words",
)  # fmt: skip
