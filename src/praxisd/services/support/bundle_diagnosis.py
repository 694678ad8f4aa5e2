"""What a support package tells of the diagnosis: ServiceProviders by codes, requirements and ports by counts."""

from collections.abc import Iterator

from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.serviceprovider import api as serviceprovider
from praxisd.services.support.bundle_known import Look
from praxisd.services.support.bundle_values import Row, ident, number, version, word, words


def serviceproviders(look: Look) -> Iterator[Row]:
    """State, version and codes of each ServiceProvider; of its files only how far they were read."""
    known = serviceprovider.KNOWN
    for one in serviceprovider.told(look.house):
        yield Row(
            "serviceprovider",
            {
                "software": ident(one.software),
                "product": word(one.product, look.known),
                "state": word(one.state, known),
                "version": version(one.version),
                "setup_version": version(one.setup_version),
                "own": number(one.own),
                "pvs_file": word(one.pvs_file, known),
                "install_file": word(one.install_file, known),
                "codes": words(one.codes, known),
                "pvs": words(one.pvs, known) or None,
                "install": words(one.install, known) or None,
                "undetermined": words(one.unseen, known) or None,
            },
        )


def requirements(look: Look) -> Iterator[Row]:
    """How many requirements of each product are met on each computer, and the kinds of those that are not."""
    for one in diagnosis.requirement_counts(look.house):
        yield Row(
            "requirements",
            {
                "product": word(one.product, look.known),
                "role": word(one.role, look.known),
                "here": number(one.here),
                **{state: number(one.states.get(state, 0)) for state in diagnosis.STATES},
                "missed": words(one.missed, diagnosis.KINDS) or None,
            },
        )


def ports(look: Look) -> Iterator[Row]:
    """How many port rows of each product are in which state."""
    for one in diagnosis.port_counts(look.house):
        yield Row(
            "ports",
            {
                "product": word(one.product, look.known | {"praxisd"}),
                **{
                    state: number(one.states[state])
                    for state in diagnosis.PORT_STATES
                    if one.states.get(state)
                },
            },
        )
