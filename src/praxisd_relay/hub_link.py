"""A practice's link at the hub: HELLO, its proof, WELCOME, a new key, the farewell."""

import logging
import sqlite3
import time
from typing import Protocol

from praxisd_relay import frames
from praxisd_relay.carrier import Carrier
from praxisd_relay.enrolment import Doorman, Proved, refused
from praxisd_relay.frames import Type
from praxisd_relay.identity import KEY_LENGTH, id_of
from praxisd_relay.limits import blurred
from praxisd_relay.log import LOG, Abuse
from praxisd_relay.metrics import Counts
from praxisd_relay.registry import Refusal

PATIENCE = 2.5
"""The practice pings every `ping_s` seconds, because its page must not lie; the hub answers, and asks by itself only when
a practice has missed two of them. With thousands of idle links most of what they cost is pings."""


class House(Protocol):
    """What a link needs of the hub."""

    doorman: Doorman
    counts: Counts
    abuse: Abuse

    @property
    def greeting(self) -> tuple[str, str]:
        """Node and link name for HELLO."""

    def welcome(self, id_: str) -> frames.Welcome:
        """What the practice of this id is told."""

    def linked(self, link: "HubLink") -> None:
        """It is proved."""

    def leaving(self, link: "HubLink") -> None:
        """It takes no more guests: lost, or about to go."""

    def ended(self, link: "HubLink") -> None:
        """It is over."""

    def rekeyed(self, link: "HubLink", before: str) -> None:
        """Its practice has a new key and with it a new id; `before` was the old one."""


class HubLink:
    """One link. `id` is the practice's present id, "" before it is proved; `key_id` that of the key that proved it."""

    __slots__ = ("_hub", "address", "carrier", "hello", "id", "key_id", "place", "since")

    def __init__(self, hub: House, carrier: Carrier, address: str, place: str) -> None:
        self._hub = hub
        self.carrier = carrier
        self.address, self.place = address, place
        self.id = self.key_id = ""
        self.since = 0.0
        node, name = hub.greeting
        self.hello = hub.doorman.hello(node, name, time.time())
        carrier.on_lost = self._lost
        carrier.on_control = self._control
        carrier.control(Type.HELLO, self.hello)

    def leave(self, reason: str, delay_s: float = 0.0, spread_s: float = 0.0) -> None:
        """Ask the practice to go elsewhere; streams go on."""
        if self.carrier.lost is None:
            self.carrier.goaway(reason, delay_s, spread_s)

    def drop(self, reason: str) -> None:
        """End it now, with all its streams."""
        self.carrier.drop(reason)

    def _control(self, kind: int, payload: bytes) -> None:
        """A control frame; FrameError drops the link."""
        if not self.carrier.admitted:
            self._prove(kind, payload)
        elif kind == Type.ROTATE:
            self._rotate(frames.decode(frames.Rotate, payload))
        elif kind == Type.GOAWAY:
            self._hub.leaving(self)

    def _prove(self, kind: int, payload: bytes) -> None:
        hub = self._hub
        try:
            if kind == Type.AUTH:
                proved = hub.doorman.auth(self.hello, frames.decode(frames.Auth, payload), self.place)
            elif kind == Type.ENROLL:
                proved = hub.doorman.enrol(self.hello, frames.decode(frames.Enroll, payload), self.place)
                hub.counts.enrolled += 1
                LOG.info("enrolled %s from %s", proved.practice.id, blurred(self.address))
            else:
                raise frames.FrameError("proof")
        except sqlite3.Error as error:
            LOG.error("the registry could not be written: %s", error)
            self._refuse("busy")
            return
        except Refusal as refusal:
            hub.counts.proofs_failed += 1
            hub.abuse.note(f"link_{refusal.code}", self.address)
            LOG.log(
                _LOUD.get(refusal.code, logging.INFO),
                "link refused: %s from %s",
                refusal.code,
                blurred(self.address),
            )
            self._refuse(refusal.code)
            return
        self._admit(proved)

    def _refuse(self, code: str) -> None:
        self.carrier.control(Type.REFUSED, refused(code))
        self.carrier.drop("refused")

    def _admit(self, proved: Proved) -> None:
        hub = self._hub
        self.id, self.key_id, self.since = proved.practice.id, proved.key_id, time.time()
        welcome = hub.welcome(self.id)
        self.carrier.control(Type.WELCOME, welcome)
        self.carrier.admit(streams=welcome.limits.streams, ping_s=welcome.ping_s * PATIENCE)
        hub.counts.links += 1
        if LOG.isEnabledFor(logging.DEBUG):
            LOG.debug("link of %s from %s", self.id, blurred(self.address))
        hub.linked(self)

    def _rotate(self, said: frames.Rotate) -> None:
        hub, before = self._hub, self.id
        if len(said.key) == KEY_LENGTH and id_of(said.key) == self.key_id:
            self.carrier.control(Type.ROTATE, frames.Rotate(id=self.key_id))  # the answer was lost
            return
        try:
            made = hub.doorman.rotate(self.hello, self.key_id, said, self.place)
        except sqlite3.Error as error:
            LOG.error("the registry could not be written: %s", error)
            self.carrier.control(Type.REFUSED, refused("busy"))
            return
        except Refusal as refusal:
            hub.counts.proofs_failed += 1
            hub.abuse.note(f"rotate_{refusal.code}", self.address)
            self.carrier.control(Type.REFUSED, refused(refusal.code))
            return
        LOG.info("new key: %s is now %s", before, made.id)
        self.carrier.control(Type.ROTATE, frames.Rotate(id=made.id))
        self.key_id = made.id
        if self.id != made.id:  # else the registry's change has moved it already
            self.id = made.id
            hub.rekeyed(self, before)

    def _lost(self, reason: str) -> None:
        if self.id:
            LOG.debug("link of %s over: %s", self.id, reason)
        self._hub.leaving(self)
        self._hub.ended(self)


_LOUD = {"busy": logging.DEBUG}
