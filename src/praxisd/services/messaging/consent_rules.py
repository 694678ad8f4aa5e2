"""May this patient be written to? Consent per purpose and channel, and the day's cap. Pure.

A practice may write what belongs to the treatment unless the patient does not want it; greetings and recalls need a yes
(SPEC 5.7; notes of the seeds, § 4 „Law“). Who withdraws does so for every channel: only a later yes that names one opens
that one again. The switches `messaging.<purpose>_needs_consent` say for which purposes silence is a no.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, get_args

from praxisd.model.communication import ChannelName, Purpose

State = Literal["given", "withdrawn", "open"]
"""What a patient said: yes, no, or (taken back) nothing."""
Preferred = Literal["sms", "email", "letter", "none"]
"""The channel a patient wishes: `letter` means that nothing is sent, `none` that there is no wish."""
Reason = Literal["messaging.consent_withdrawn", "messaging.consent_missing"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
CHANNELS: tuple[ChannelName, ...] = get_args(ChannelName)
STATES: tuple[State, ...] = get_args(State)
PREFERRED: tuple[Preferred, ...] = get_args(Preferred)


class Said(NamedTuple):
    """The last word of a patient for one purpose and channel. `order` grows with each word (ids do)."""

    state: State
    order: str = ""


class Wishes(NamedTuple):
    """What a patient wants: the preferred channel, and the last word per (purpose, channel). No entry: nothing said."""

    preferred: Preferred = "none"
    said: Mapping[tuple[str, str], Said] = {}


NOTHING_SAID = Wishes()


def allowed(
    wishes: Wishes, purpose: Purpose, channel: ChannelName, needs: Mapping[Purpose, bool]
) -> Reason | None:
    """None if a message of this purpose may go out on this channel, else why not.

    A withdrawal on any channel counts for all of them, unless the patient said yes to just this channel later.
    """
    here = wishes.said.get((purpose, channel))
    withdrawn = max(
        (said.order for (of, _), said in wishes.said.items() if of == purpose and said.state == "withdrawn"),
        default=None,
    )
    if withdrawn is not None and not (here is not None and here.state == "given" and here.order > withdrawn):
        return "messaging.consent_withdrawn"
    if needs[purpose] and (here is None or here.state != "given"):
        return "messaging.consent_missing"
    return None


def channels(wishes: Wishes, reachable: Iterable[ChannelName]) -> tuple[ChannelName, ...]:
    """In which order channels are tried: the preferred one, else mobile, else e-mail (SPEC 5.8); none for letters."""
    if wishes.preferred == "letter":
        return ()
    found = set(reachable)
    first = [one for one in CHANNELS if one == wishes.preferred]
    return tuple(one for one in (*first, *(c for c in CHANNELS if c not in first)) if one in found)


def below_cap(sent_today: int, cap: int) -> bool:
    """True if a patient who has been written `sent_today` messages today may get one more (`messaging.patient_day_cap`).

    What counts is what went out or may have gone out on that local day; a cap of 0 lets nothing out.
    """
    return sent_today < cap
