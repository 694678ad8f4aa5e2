"""Outside booking systems: their access, the columns they are kept in step with, and what comes in from them.

JSON names are camelCase as in FHIR; instants are epoch seconds UTC.
"""

from typing import Literal

import msgspec

from praxisd.model.scheduling import Record

AdapterName = Literal["drflex", "two_way", "webdav_ics", "tvs116117"]
"""How a portal is spoken to; one adapter each in `services/portals/portals`."""
SourceKind = Literal["mailbox", "folder", "hook"]
"""Ways on which bookings arrive as messages (SPEC 3.7), beside the API and two-way portals."""
Origin = Literal["api", "portal", "mailbox", "folder", "hook", "waiting"]
"""Where a booking request came from."""
RequestState = Literal["open", "asked", "accepted", "refused", "withdrawn", "expired"]
"""`open`: the desk decides. `asked`: another time was proposed, the patient decides. The others are final."""
Found = Literal["certain", "possible", "new"]
"""How a booking's person was found: known, perhaps known (a person decides), or certainly new."""
INTERVAL_LOW_S = 60
"""No portal is asked more often (SPEC 3.3, seed 001 „Parameter Dr.Flex“). Seconds."""
INTERVAL_S = 120


class OnlinePortal(Record, frozen=True, kw_only=True):
    """Access to one booking portal („Buchungsportal“).

    `fields` are what the adapter's form declares (addresses, header and field names); secrets are kept elsewhere, sealed.
    `interval`: seconds from one contact to the next. `early`: a change is sent at once, as far as `INTERVAL_LOW_S` allows.
    `at_once`: bookings are accepted without a person where nothing is in doubt. `tells`: the portal itself writes to the
    patient. `services`: our HealthcareService id by the portal's name of an appointment type.
    """

    id: str = ""
    version: int = 1
    name: str
    adapter: AdapterName
    active: bool = False
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    interval: int = INTERVAL_S
    early: bool = True
    at_once: bool = False
    tells: bool = False
    services: dict[str, str] = msgspec.field(default_factory=dict)


class OnlineCalendar(Record, frozen=True, kw_only=True):
    """One online calendar of a portal, kept in step with one column (SPEC 3.2).

    `name` is the portal's own („Kalendername/Terminart“). `service`: the appointment type of bookings that name none.
    """

    id: str = ""
    version: int = 1
    portal: str
    name: str
    schedule: str
    service: str | None = None


class Told(Record, frozen=True, kw_only=True):
    """What a booking says of the person, as it was said; never compared or changed here."""

    family: str = ""
    given: str = ""
    birth_date: str = ""
    phone: str = ""
    email: str = ""


class There(Record, frozen=True, kw_only=True):
    """What the sender of a booking last said of its time and column; None: nothing, or that it is cancelled.

    `answer`: id of the last of our answers by then; what was told to the portal since counts more.
    """

    start: int | None = None
    schedule: str | None = None
    answer: str = ""


class BookingRequest(Record, frozen=True, kw_only=True):
    """A booking that waits for a decision, or waited („Buchungsanfrage“).

    `remote` is the sender's own id of it: the same one arriving twice is one request. `appointment` is the pending (or,
    where its time was taken, proposed) appointment; None while the text could not be read. `original` is the message as it
    came. `start`, `end`, `service`, `calendar`: what was understood. `reason`: why it was refused, or cannot be read (code);
    `note`: what the desk wrote to it. `until`: when a proposed other time lapses. `word`: the appointment type as the sender
    wrote it. `found`: how its person was found. `wished`: the time asked for, where another was proposed or agreed.
    `answer`: SHA-256 (hex) of the unguessable part of the address under which the patient answers a proposal. `there`: what
    its sender last said of its time.
    """

    id: str = ""
    version: int = 1
    origin: Origin
    state: RequestState = "open"
    received: int
    portal: str | None = None
    source: str | None = None
    remote: str = ""
    appointment: str | None = None
    patient: str | None = None
    told: Told = Told()
    start: int | None = None
    end: int | None = None
    service: str | None = None
    schedule: str | None = None
    original: str = ""
    subject: str = ""
    reason: str | None = None
    note: str | None = None
    wished: int | None = None
    until: int | None = None
    decided: int | None = None
    by: str | None = None
    word: str = ""
    found: Found | None = None
    answer: str | None = None
    there: There | None = None


class BookingSource(Record, frozen=True, kw_only=True):
    """A mailbox, a folder or an address of ours on which bookings arrive. `portal`: whose bookings these are, if one's.

    `hook`: SHA-256 (hex) of the unguessable part of that address; the part itself is shown once.
    """

    id: str = ""
    version: int = 1
    name: str
    kind: SourceKind
    active: bool = False
    portal: str | None = None
    schedule: str | None = None
    service: str | None = None
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    hook: str | None = None


class Webhook(Record, frozen=True, kw_only=True):
    """Somebody who is called when something happens (SPEC 1.9). `portal`: hears of its own bookings only.

    `events` are types, groups (`appointment.*`) or `*`. `since`: number of the last event before it was switched on; what
    had happened by then it does not hear of.
    """

    id: str = ""
    version: int = 1
    name: str
    url: str
    events: tuple[str, ...]
    active: bool = True
    portal: str | None = None
    since: int = 0
