"""What finds that something is wrong, and what heals it: declarations of checks and fixes, said by `kernel.service`."""

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from praxisd.kernel.access import Actor
    from praxisd.kernel.app import House


class Severity(enum.StrEnum):
    """How bad an Issue is: `error` stops a function, `warning` soon will, `info` is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found wrong: becomes an Issue while it stays true. `params` carry no patient data.

    `organization` is the practice it concerns; None means the installation.
    """

    code: str
    subject: str = ""
    severity: Severity = Severity.ERROR
    params: Mapping[str, object] = field(default_factory=dict)
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class Varies:
    """The severity of a code that is not always as grave: one of these, the gravest first. `why` is the key of the text that says
    on what it depends („ob …“): the pages of the codes and `praxisd doctor --explain` say it.
    """

    why: str
    severities: tuple[Severity, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One small function beside the data it guards; yields a Finding for each thing that is wrong now.

    `codes` are all codes it may yield: what it does not yield, it clears. `seconds` bounds it. `every_s`: the round of each
    minute leaves it out until so many seconds have passed; who asks for all checks gets it at once. Checks run side by
    side, so a slow one holds nobody up; a long one looks at `house.stopping` now and then.

    `grave`: how grave what it finds is, for all its codes or by code; left out, the help on a code says that it depends on the
    case.

    `place`: where what it finds is true only on the computer that looked, its name. Of several nodes each runs it then, and
    clears only what was found there.
    """

    name: str
    codes: tuple[str, ...]
    call: "Callable[[House], Iterable[Finding]]"
    seconds: float = 5.0
    offline: bool = True
    every_s: float = 0.0
    place: Callable[[], str] | None = None
    grave: "Severity | Varies | Mapping[str, Severity | Varies] | None" = None

    def gravity(self, code: str) -> "Severity | Varies | None":
        """What is declared of one of its codes; None where nothing is."""
        if isinstance(self.grave, Mapping):
            return self.grave.get(code)
        return self.grave if code in self.codes else None

    @property
    def source(self) -> str:
        """Who says so, as it is kept with an issue."""
        return self.name if self.place is None else f"{self.name}@{self.place()}"


@dataclass(frozen=True, slots=True)
class Fix:
    """One click that heals an Issue where that is safe.

    `call(house, actor, subject, params)` does it, outside of any transaction, and opens its own; it raises a Problem where it
    cannot. It may answer `{"restart": True}` (the server must be started again) and `{"note": key}` (a text to show). The
    caller has `permission`. Texts: `<code>.fix`, the button in the imperative; with `asks` also `<code>.fix_ask`: what will be
    changed, in plain words, before it is done.
    """

    code: str
    call: "Callable[[House, Actor, str, Mapping[str, Any]], dict[str, Any] | None]"
    permission: str
    asks: bool = False
