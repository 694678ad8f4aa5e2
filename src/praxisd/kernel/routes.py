"""REST operations of the kernel: settings and issues. Functions only; the door is web's."""

from typing import TYPE_CHECKING

from praxisd.kernel import clock, issues, sharing
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.service import Answer, Call, Route, Scope, Setting, Severity
from praxisd.kernel.settings import Known
from praxisd.kernel.shapes import (
    CheckIn,
    FixedOut,
    FixIn,
    FixOut,
    IgnoreIn,
    IssueOut,
    IssuesOut,
    NoticeOut,
    NoticesOut,
    SettingIn,
    SettingOut,
    SettingsOut,
)

if TYPE_CHECKING:
    from praxisd.kernel.store import Tx
_RANK = {one: number for number, one in enumerate(Severity)}


def get_settings(call: Call) -> Answer:
    """All settings with value, provenance and bounds

    Those of the whole installation only for whoever may change them.
    """
    house = call.house
    with call.read() as tx:
        hidden = Scope.INSTALLATION if sharing.withheld(house, tx) else None
        known = [(house.settings.declared(one.key), one) for one in house.settings.all(tx)]
    shown = [_setting(call, declared, one) for declared, one in known if declared.scope is not hidden]
    return Answer(SettingsOut(settings=shown))


def put_setting(call: Call) -> Answer:
    """Set one setting; If-Match names the version that was read."""
    key = call.path["key"]
    if call.house.settings.declared(key).scope is Scope.INSTALLATION:
        sharing.need(call.house, call.writing)
    known = call.house.settings.put(call.writing, key, call.body.value, expected=call.if_match)
    return Answer(_setting(call, call.house.settings.declared(key), known), version=known.version)


def get_issues(call: Call) -> Answer:
    """Open issues of the practice and of the installation, with cause and solution."""
    return Answer(IssuesOut(issues=_open(call)))


def get_notices(call: Call) -> NoticesOut:
    """Notices for the people at the desk

    The open issues in plain words, with the lines for the service partner: for any practice program to show.
    """
    house, lang = call.house, call.lang
    with call.read() as tx:
        found = sorted(
            (one for one in _found(tx) if one.ignored_by is None), key=lambda one: _RANK[one.severity]
        )
        notices = [
            NoticeOut(
                code=one.code,
                severity=one.severity.value,
                hint=issues.hint(house, one, lang),
                detail=issues.information(house, tx, one, lang),
            )
            for one in found
        ]
    return NoticesOut(notices=notices, count=len(notices))


def fix_issue(call: Call) -> FixedOut:
    """Heal an issue with one click

    Does what the issue's `fix` says, then checks again. Needs the permission of the fix.
    """
    body: FixIn = call.body
    one = issues.fix(
        call.house, call.actor, body.code, body.subject, of_installation=body.organization is not None
    )
    note = one.told(call.house, call.lang)
    return FixedOut(issues=_open(call), healed=one.healed, note=note, restart=one.restart)


def _open(call: Call) -> list[IssueOut]:
    with call.read() as tx:
        return [_issue(call, tx, one) for one in _found(tx)]


def _found(tx: "Tx") -> list[issues.Issue]:
    """The open issues of the practice and of the installation."""
    own, found = tx.organization, issues.list_open(tx)
    if own != INSTALLATION:
        tx.organization = INSTALLATION
        found += issues.list_open(tx)
        tx.organization = own
    return found


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
        sharing.need(call.house, tx)
        tx.organization = INSTALLATION
    if body.ignored:
        issues.ignore(tx, code, body.subject, body.reason)
    else:
        issues.heed(tx, code, body.subject)
    one = next(i for i in issues.list_open(tx) if (i.code, i.subject) == (code, body.subject))
    tx.organization = own
    return Answer(_issue(call, tx, one))


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


def _issue(call: Call, tx: "Tx", one: issues.Issue) -> IssueOut:
    words = issues.explain(call.house, one, call.lang)
    fix = call.house.registry.fixes.get(one.code)
    may = fix is not None and call.actor.may(fix.permission)
    may = may and not (one.organization == INSTALLATION and sharing.withheld(call.house, tx))
    told = issues.fix_words(call.house, one, call.lang) if may else None
    return IssueOut(
        **words,
        since=clock.format_rfc3339(one.first_at),
        installation=one.organization == INSTALLATION,
        ignored=one.ignored_by is not None,
        ignore_reason=one.ignore_reason,
        hint=issues.hint(call.house, one, call.lang),
        information=issues.information(call.house, tx, one, call.lang),
        fix=None if told is None else FixOut(label=told[0], ask=told[1]),
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
        "GET",
        "/issues/notices",
        "issues.notices",
        get_notices,
        "kernel.notices.read",
        NoticesOut,
        safe=True,
        tags=_ISSUES,
    ),
    Route(
        "POST",
        "/issues/fix",
        "issues.fix",
        fix_issue,
        "kernel.issues.read",
        FixedOut,
        body=FixIn,
        safe=True,
        transaction=False,
        problems=(_GONE, (404, issues.GONE), (404, issues.NO_FIX), (500, issues.FIX_FAILED)),
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
