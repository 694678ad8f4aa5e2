"""Forms that a service declares for its page: what does not fit fails at start, not when somebody sends it."""

from dataclasses import replace

import msgspec
import pytest

from praxisd.kernel.console import ConsolePage, Field, Form
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.kernel.registry import DeclarationError, freeze
from praxisd.kernel.service import Route

from . import listing_sample
from .listing_sample import LISTING, SERVICE


class PersonIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What the operation takes."""

    name: str
    born_on: str = ""


def nothing(_call: object) -> None:
    """Never called."""


MAKE = Route("POST", "/trial/people", "trial.make", nothing, listing_sample.READ, body=PersonIn)
GOOD = Form("trial.person", "trial.make", (Field("name"), Field("bornOn", "date", required=False)))
FAULTS = {
    "is not named after trial": (replace(GOOD, name="trial"), MAKE),
    "is sent to unknown operation trial.ghost": (replace(GOOD, route="trial.ghost"), MAKE),
    "is no plain POST with a transaction": (GOOD, replace(MAKE, method="PUT")),
    "trial.make is no plain POST": (GOOD, replace(MAKE, path="/trial/people/{id}")),
    "takes no born_on": (replace(GOOD, fields=(Field("born_on"),)), MAKE),
    "field name is declared twice": (replace(GOOD, fields=(Field("name"), Field("name"))), MAKE),
    "name has choices or is none": (replace(GOOD, fields=(Field("name", "choice"),)), MAKE),
    "console.form.trial.person.name is missing in de": (GOOD, MAKE),
    "console.form.trial.person.title is missing in de": (replace(GOOD, fields=()), MAKE),
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_wrong_form_fails_at_start(words: str) -> None:
    form, route = FAULTS[words]
    page = ConsolePage("trial-people", listing_sample.READ, "day", 1, listing=LISTING, form=form)
    with pytest.raises(DeclarationError, match="form trial") as caught:
        freeze((KERNEL, replace(SERVICE, routes=(route,), pages=(page,))))
    assert words in str(caught.value)
