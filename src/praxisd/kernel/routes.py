"""REST operations of the kernel: settings and issues. Functions only; the door is web's."""

from praxisd.kernel import clock, issues
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.service import Answer, Call, Route, Setting
from praxisd.kernel.settings import Known
from praxisd.kernel.shapes import (
    CheckIn,
    IgnoreIn,
    IssueOut,
    IssuesOut,
    SettingIn,
    SettingOut,
    SettingsOut,
)


def get_settings(call: Call) -> Answer:
    """All settings with value, provenance and bounds."""
    house = call.house
    with call.read() as tx:
        known = house.settings.all(tx)
    return Answer(SettingsOut(settings=[_setting(call, house.settings.declared(k.key), k) for k in known]))


def put_setting(call: Call) -> Answer:
    """Set one setting; If-Match names the version that was read."""
    key = call.path["key"]
    known = call.house.settings.put(call.writing, key, call.body.value, expected=call.if_match)
    return Answer(_setting(call, call.house.settings.declared(key), known), version=known.version)


def get_issues(call: Call) -> Answer:
    """Open issues of the practice and of the installation, with cause and solution."""
    with call.read() as tx:
        found = issues.list_open(tx)
        if tx.organization != INSTALLATION:
            tx.organization = INSTALLATION
            found += issues.list_open(tx)
    return Answer(IssuesOut(issues=[_issue(call, one) for one in found]))


def check_issues(call: Call) -> Answer:
    """Check again

    Runs all checks now and answers what is open afterwards; what was healed is gone.
    """
    issues.check_now(call.house)
    return get_issues(call)


def ignore_issue(call: Call) -> Answer:
    """Ignore an issue, or take that back; it survives that the problem comes and goes."""
    body: IgnoreIn = call.body
    tx, code = call.writing, call.path["code"]
    found = [i for i in issues.list_open(tx) if (i.code, i.subject) == (code, body.subject)]
    own = tx.organization
    if not found:
        tx.organization = INSTALLATION
    if body.ignored:
        issues.ignore(tx, code, body.subject, body.reason)
    else:
        issues.heed(tx, code, body.subject)
    one = next(i for i in issues.list_open(tx) if (i.code, i.subject) == (code, body.subject))
    tx.organization = own
    return Answer(_issue(call, one))


def _setting(call: Call, declared: Setting, known: Known) -> SettingOut:
    choices = list(declared.kind) if isinstance(declared.kind, tuple) else []
    kind = declared.kind.__name__ if isinstance(declared.kind, type) else "choice"
    return SettingOut(
        key=known.key,
        value=known.value,
        source=known.source,
        version=known.version,
        default=declared.default,
        kind=kind,
        choices=choices,
        low=declared.low,
        high=declared.high,
        unit=declared.unit,
        scope=declared.scope.value,
        label=call.house.texts.get(f"{known.key}.label", call.lang),
        help=call.house.texts.get(f"{known.key}.help", call.lang),
    )


def _issue(call: Call, one: issues.Issue) -> IssueOut:
    words = issues.explain(call.house, one, call.lang)
    return IssueOut(
        **words,
        since=clock.format_rfc3339(one.first_at),
        installation=one.organization == INSTALLATION,
        ignored=one.ignored_by is not None,
        ignore_reason=one.ignore_reason,
    )


_GONE = (404, "http.not_found")
_SETTINGS, _ISSUES = ("settings",), ("issues",)
_STALE = (412, "resource.stale")
ROUTES = (
    Route(
        "GET", "/settings", "settings.list", get_settings, "kernel.settings.read", SettingsOut, tags=_SETTINGS
    ),
    Route(
        "PUT",
        "/settings/{key}",
        "settings.put",
        put_setting,
        "kernel.settings.write",
        SettingOut,
        body=SettingIn,
        problems=((404, "settings.unknown"), (422, "settings.invalid"), _STALE),
        tags=_SETTINGS,
    ),
    Route(
        "GET", "/issues", "issues.list", get_issues, "kernel.issues.read", IssuesOut, safe=True, tags=_ISSUES
    ),
    Route(
        "POST",
        "/issues/check",
        "issues.check",
        check_issues,
        "kernel.issues.read",
        IssuesOut,
        body=CheckIn,
        safe=True,
        transaction=False,
        tags=_ISSUES,
    ),
    Route(
        "POST",
        "/issues/{code}/ignore",
        "issues.ignore",
        ignore_issue,
        "kernel.issues.write",
        IssueOut,
        body=IgnoreIn,
        safe=True,
        problems=(_GONE,),
        tags=_ISSUES,
    ),
)
