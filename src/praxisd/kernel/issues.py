"""Issues as all others use them: kept in `issues_store`, found by the checks that `issues_running` runs side by side, put
into words in `issues_words`, healed with one click in `issues_fixing`.
"""

from praxisd.kernel.issues_fixing import FIX_FAILED, GONE, NO_FIX, Healed, fix
from praxisd.kernel.issues_running import FAILED, RUN_EVERY_S, TIMEOUT, Checker, Report, check_now, run_checks
from praxisd.kernel.issues_store import (
    ISSUE,
    SEEN_EVERY_S,
    Issue,
    clear,
    heed,
    ignore,
    list_all,
    list_open,
    raise_issue,
)
from praxisd.kernel.issues_words import FOREIGN, doctor, explain, fix_words, hint, information

CODES = (FAILED, TIMEOUT, FOREIGN, GONE, NO_FIX, FIX_FAILED)
"""What this part of the kernel itself says."""

__all__ = (
    "CODES",
    "FAILED",
    "FIX_FAILED",
    "FOREIGN",
    "GONE",
    "ISSUE",
    "NO_FIX",
    "RUN_EVERY_S",
    "SEEN_EVERY_S",
    "TIMEOUT",
    "Checker",
    "Healed",
    "Issue",
    "Report",
    "check_now",
    "clear",
    "doctor",
    "explain",
    "fix",
    "fix_words",
    "heed",
    "hint",
    "ignore",
    "information",
    "list_all",
    "list_open",
    "raise_issue",
    "run_checks",
)
