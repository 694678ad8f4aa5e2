"""What the kernel itself brings, declared like any service.

Tables, settings, events, jobs, checks, routes, permissions, and the codes of its problems.
"""

from praxisd.kernel import (
    activity,
    console_routes,
    events,
    guarded_checks,
    guarded_health,
    guarded_restart,
    guarded_routes,
    http,
    idempotency,
    issues,
    job_store,
    leases,
    live_routes,
    log_routes,
    migration_steps,
    plugin_loading,
    settings,
    work_listings,
)
from praxisd.kernel.checks import CHECKS
from praxisd.kernel.clock import zone
from praxisd.kernel.console import ConsolePage
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_routes import ROUTES as JOB_ROUTES
from praxisd.kernel.operations import OPERATIONS
from praxisd.kernel.purge import purge
from praxisd.kernel.routes import ROUTES
from praxisd.kernel.schedule import At, Daily
from praxisd.kernel.service import EventType, JobType, Permission, Retention, Scope, Service, Setting

_TABLES = (
    events.EVENT,
    events.CURSOR,
    leases.LEASE,
    settings.SETTING,
    issues.ISSUE,
    job_store.JOB,
    job_store.RUN,
    idempotency.IDEMPOTENCY,
    migration_steps.STEP,
)


def _known_zone(name: str) -> None:
    try:
        zone(name)
    except Problem:
        raise Problem("settings.invalid", 422, key="kernel.zone", reason="zone", low=1, high=64) from None


def _number(key: str, default: int, low: int, high: int, unit: str) -> Setting:
    return Setting(f"kernel.{key}", int, default, Scope.INSTALLATION, low, high, unit)


SETTINGS = (
    Setting("kernel.zone", str, "Europe/Berlin", Scope.INSTALLATION, 1, 64, check=_known_zone),
    Setting(http.PROXY, str, "", Scope.INSTALLATION, 0, 300, check=http.check_proxy),
    _number("disk_warn_mb", 2000, 100, 10_000_000, "megabytes"),
    _number("disk_error_mb", 500, 50, 10_000_000, "megabytes"),
    _number("events_activity_days", 400, 7, 3660, "days"),
    _number("events_activity_count", 1000, 0, 1_000_000, "entries"),
    _number("events_change_days", 90, 2, 3660, "days"),
    # § 630f BGB keeps treatment records ten years; who looked at them should be known as long.
    _number("events_audit_days", 3660, 365, 36600, "days"),
    _number("runs_keep_days", 90, 1, 3660, "days"),
    _number("runs_keep_count", 50, 1, 10_000, "runs"),
)
EVENTS = (
    EventType("setting.changed", Retention.AUDIT),
    EventType("issue.raised", Retention.ACTIVITY, alert=True),
    EventType("issue.cleared", Retention.ACTIVITY),
    EventType("issue.ignored", Retention.AUDIT),
    EventType("run.finished", Retention.ACTIVITY),
    EventType("run.failed", Retention.ACTIVITY, alert=True),
    EventType("run.missed", Retention.ACTIVITY, alert=True),
    EventType("run.interrupted", Retention.ACTIVITY, alert=True),
    EventType("run.requested", Retention.AUDIT),
    EventType("run.cancel_requested", Retention.AUDIT),
    EventType("job.changed", Retention.AUDIT),
    EventType("listing.exported", Retention.AUDIT),
    EventType("activity.cleared", Retention.AUDIT),
    EventType("restart.requested", Retention.AUDIT),
)
JOBS = (
    JobType(
        "kernel.purge",
        purge,
        Daily(At("03:10")),
        enabled=True,
        missed="once",
        per=Scope.INSTALLATION,
    ),
    *guarded_restart.JOBS,
)
PERMISSIONS = (
    Permission("kernel.settings.read", ("owner", "partner")),
    Permission("kernel.settings.write", ("owner",)),
    Permission("kernel.jobs.read", ("owner", "desk", "partner")),
    Permission("kernel.jobs.run", ("owner", "partner")),
    Permission("kernel.jobs.write", ("owner",)),
    Permission("kernel.issues.read", ("owner", "desk", "partner")),
    Permission("kernel.issues.write", ("owner", "partner")),
    Permission("kernel.events.read", ("owner", "partner")),
    Permission("kernel.events.clear"),
    Permission("kernel.audit.read"),
    Permission("kernel.log.read", ("owner", "partner")),
    Permission("kernel.metrics.read", ("owner", "partner")),
    *console_routes.PERMISSIONS,
    *live_routes.PERMISSIONS,
    *guarded_routes.PERMISSIONS,
)
PAGES = (
    ConsolePage("overview", "kernel.console.read", "day", 10, "home"),
    ConsolePage("jobs", "kernel.jobs.read", "system", 10, "clock"),
    ConsolePage("issues", "kernel.issues.read", "system", 20, "bell"),
    *activity.PAGES,
    *log_routes.PAGES,
    ConsolePage("settings", "kernel.settings.read", "system", 50, "sliders"),
)
PROBLEMS = (
    "access.forbidden",
    "clock.bad_time",
    "clock.naive_time",
    "clock.unknown_zone",
    "config.invalid",
    "config.missing",
    "control.address_unusable",
    "control.bad_arguments",
    "control.busy",
    "control.failed",
    "control.folder_in_use",
    "control.folder_not_empty",
    "control.no_practice",
    "control.no_practice_yet",
    "control.no_server",
    "control.organization_needed",
    "control.too_large",
    "control.unknown_name",
    "control.unknown_operation",
    "fhir.conditional_unsupported",
    "fhir.invalid",
    "fhir.not_acceptable",
    "fhir.patch_path",
    "fhir.patch_test",
    "fhir.patch_value",
    "fhir.required",
    "fhir.search_modifier",
    "fhir.search_value",
    "fhir.syntax",
    "fhir.too_deep",
    "fhir.unknown_element",
    "fhir.unknown_parameter",
    "fhir.unknown_type",
    "fhir.wrong_type",
    *guarded_checks.CODES,
    *guarded_routes.CODES,
    "http.answer_not_kept",
    "http.bad_etag",
    "http.bad_fence",
    "http.bad_host",
    "http.bad_idempotency_key",
    "http.body_timeout",
    "http.body_too_large",
    "http.busy",
    "http.conflict",
    "http.headers_too_large",
    "http.idempotency_mismatch",
    "http.idempotency_running",
    "http.internal",
    "http.invalid_body",
    "http.invalid_parameter",
    "http.malformed_json",
    "http.malformed_query",
    "http.method_not_allowed",
    "http.not_found",
    "http.repeated_parameter",
    "http.store_unavailable",
    "http.unknown_parameter",
    "http.unsupported_media_type",
    issues.FAILED,
    issues.TIMEOUT,
    "jobs.already_ended",
    "jobs.already_running",
    "jobs.shared",
    "jobs.bad_policy",
    "jobs.crashed",
    "jobs.gave_up",
    "jobs.missed",
    "jobs.nothing_open",
    "jobs.overlap",
    "listing.not_offered",
    "maintenance",
    *plugin_loading.CODES,
    "plugins.unknown",
    "resource.stale",
    "schedule.bad_cron",
    "schedule.bad_day",
    "schedule.bad_instant",
    "schedule.bad_job",
    "schedule.bad_step",
    "schedule.bad_time",
    "schedule.bad_window",
    "schedule.chain_loop",
    "schedule.malformed",
    "schedule.no_weekday",
    "schedule.other_scope",
    "schedule.too_close",
    "schedule.unknown_job",
    "schedule.waits_for_off",
    "schedule.window_across_midnight",
    "schedule.wrong_order",
    "seats.lock_lost",
    "seats.locked",
    "settings.invalid",
    "settings.unknown",
    "store.guard_missing",
    "store.migrate_first",
    "store.newer_schema",
    "store.unreachable",
    "vault.key_broken",
    "vault.key_missing",
    "vault.key_readable",
    "vault.tampered",
)
SERVICE = Service(
    name="kernel",
    package="praxisd.kernel",
    tables=tuple(one.name for one in _TABLES),
    settings=SETTINGS,
    events=EVENTS,
    jobs=JOBS,
    checks=(*CHECKS, *guarded_checks.CHECKS, *plugin_loading.CHECKS),
    routes=(
        *ROUTES,
        *JOB_ROUTES,
        *activity.ROUTES,
        *console_routes.ROUTES,
        *guarded_routes.ROUTES,
        *live_routes.ROUTES,
        *log_routes.ROUTES,
    ),
    listings=(*activity.LISTINGS, *work_listings.LISTINGS),
    pages=PAGES,
    permissions=PERMISSIONS,
    problems=PROBLEMS,
    operations=(*OPERATIONS, *guarded_health.OPERATIONS),
    commands="praxisd.kernel.cli:commands",
)
