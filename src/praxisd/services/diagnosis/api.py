"""The only door of the diagnosis for other services: products, which software the practice has, what a machine has."""

from praxisd.services.diagnosis.product_reading import products
from praxisd.services.diagnosis.product_shapes import Product, ServiceProviderPlaces
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.diagnosis.software_store import software

__all__ = ("Product", "ServiceProviderPlaces", "Software", "products", "software")
