"""What xDT and the drop folders of devices add to the service."""

from praxisd.kernel.service import (
    EventType,
    Permission,
    Retention,
)
from praxisd.services.exchange import (
    devices_checks,
    devices_job,
    devices_operations,
    devices_routes,
    devices_rules,
    devices_store,
    devices_taking,
)
from praxisd.services.exchange.devices_routes import DECIDE, READ, SEE, SEND, WRITE

EVENTS = (
    EventType("device.created", Retention.AUDIT),
    EventType("device.changed", Retention.AUDIT),
    EventType("device.deleted", Retention.AUDIT),
    EventType("device.requested"),
    EventType("device_result.received"),
    EventType("device_result.doubted"),
    EventType("device_result.decided", Retention.AUDIT),
)
JOBS = devices_job.JOBS
ROUTES = devices_routes.ROUTES
CHECKS = devices_checks.CHECKS
PERMISSIONS = (
    Permission(READ, ("owner", "desk", "partner")),
    Permission(WRITE, ("owner",), shared=True),
    Permission(SEND, ("owner", "desk")),
    Permission(SEE, ("owner", "desk")),
    Permission(DECIDE, ("owner", "desk")),
)
OPERATIONS = devices_operations.OPERATIONS
TABLES = devices_store.TABLES
PATIENT_REFS = devices_store.REFERENCES
PROBLEMS = (*devices_rules.WHY, devices_taking.STUCK)
