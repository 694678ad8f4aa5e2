"""Every SMS gateway that ships with praxisd keeps the promises of a channel, against a server that behaves as it does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd.testing.channel_suite import ChannelSuite

from .sms_cast import SmsStage, sms_stage


class Gateway(ChannelSuite):
    """The suite with the sandbox as the outside."""

    name = "sandbox"

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Iterator[SmsStage]:
        with sms_stage(self.name, tmp_path) as one:
            yield one


class TestSandbox(Gateway):
    """Our own."""


class TestSeven(Gateway):
    """seven.io."""

    name = "seven"


class TestLox24(Gateway):
    """LOX24."""

    name = "lox24"


class TestAspsms(Gateway):
    """ASPSMS."""

    name = "aspsms"
