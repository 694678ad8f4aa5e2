"""All products this installation knows: built in, from an update of the data, and the practice's own files."""

from typing import TYPE_CHECKING

from praxisd.services.diagnosis.product_shapes import Product

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def products(house: "House") -> dict[str, Product]:
    """Every usable product by its id."""
    return {}
