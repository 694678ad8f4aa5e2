"""The only door of the diagnosis for other services: products, which software the practice has, what a machine has."""

from praxisd.services.diagnosis.customer import OnlyNumber, customer_number, only_number
from praxisd.services.diagnosis.directive_looks import answer_backup
from praxisd.services.diagnosis.machine import entered_here, facts, own_host, seen_from_here
from praxisd.services.diagnosis.machine_shapes import Fact, MachineFacts
from praxisd.services.diagnosis.product_reading import products
from praxisd.services.diagnosis.product_shapes import Product, ServiceProviderPlaces
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.diagnosis.software_store import moved as software_moved
from praxisd.services.diagnosis.software_store import software
from praxisd.services.diagnosis.telling import (
    KINDS,
    PORT_STATES,
    STATES,
    port_counts,
    requirement_counts,
    subject_words,
)

__all__ = (
    "KINDS",
    "PORT_STATES",
    "STATES",
    "Fact",
    "MachineFacts",
    "OnlyNumber",
    "Product",
    "ServiceProviderPlaces",
    "Software",
    "answer_backup",
    "customer_number",
    "entered_here",
    "facts",
    "only_number",
    "own_host",
    "port_counts",
    "products",
    "requirement_counts",
    "seen_from_here",
    "software",
    "software_moved",
    "subject_words",
)
