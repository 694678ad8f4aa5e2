"""REST shapes of the inbox: what the door `/api/v1` takes and gives. Times are RFC 3339 with offset."""

from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.model.communication import InboxState

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9\-.]+$")]


class In(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """What comes in: unknown fields are refused."""


class Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What goes out."""


class InboxQuery(In, frozen=True, kw_only=True):
    """`state` and `patient` narrow the list; `cursor` is the `next` of the page before."""

    state: InboxState | None = None
    patient: Id | None = None
    cursor: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class InboxSearch(In, frozen=True, kw_only=True):
    """As InboxQuery, by POST: no ids of patients in addresses."""

    state: InboxState | None = None
    patient: Id | None = None
    cursor: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class StateChange(In, frozen=True, kw_only=True):
    """How far the practice is with a message."""

    state: InboxState


class Party(Out, frozen=True, kw_only=True):
    """A person or service: FHIR reference and name, as far as known."""

    reference: str | None = None
    name: str | None = None


class AttachmentView(Out, frozen=True, kw_only=True):
    """An attachment; its content is Binary/{id} on the FHIR door, and /communications/attachments/{id}. `size` in bytes."""

    id: str
    content_type: str
    size: int
    title: str | None = None


class CommunicationView(Out, frozen=True, kw_only=True):
    """A message. `status` is FHIR's, `state` the practice's own; `portal` is where it came from, if from outside."""

    id: str
    version: int
    state: InboxState
    status: str
    received_at: str
    changed_at: str
    sent: str | None = None
    portal: str | None = None
    patient: Party
    sender: Party
    recipients: list[Party]
    in_response_to: list[str]
    text: str
    attachments: list[AttachmentView]


class Communications(Out, frozen=True, kw_only=True):
    """A page of messages, the newest first."""

    communications: list[CommunicationView]
    next: str | None = None
