"""What could not be looked at: where nothing is wrong, that is not yet good (SPEC 7.6 "never guessed"). Pure."""

from collections.abc import Iterator

from praxisd.services.serviceprovider.seen import Seen

WORDS = (
    "place", "late", "away", "pvs_file", "service", "dotnet", "program_folder", "version", "data_path", "answer", "others",
)  # fmt: skip
"""All there may be; texts `serviceprovider.unseen.<word>`."""


def unseen(seen: Seen) -> Iterator[str]:
    """What of a ServiceProvider nobody could tell."""
    if seen.late or seen.away:
        yield "away" if seen.away else "late"
        return
    if not seen.machine and seen.pvs.state == "unseen" and not seen.installs:
        yield "place"
        return
    if seen.pvs.state == "unseen":
        yield "pvs_file"
    if not seen.own:
        yield from _installation(seen)
    if seen.asked.state == "not_asked":
        yield "answer"
    elif (
        seen.asked.state == "open"
        and seen.here
        and seen.devices != 1
        and seen.asked.address.startswith("127.")
    ):
        yield "others"


def _installation(seen: Seen) -> Iterator[str]:
    install = seen.install
    if seen.services is None:
        yield "service"
    if seen.dotnet is None:
        yield "dotnet"
    if install is None and not seen.roots_seen:
        yield "program_folder"
    if install is not None and seen.path_state == "unseen" and not seen.path_mapped:
        yield "data_path"
    told = (seen.asked.version if seen.claimed else "") or (install.version if install is not None else "")
    if not told or not seen.setup_version:
        yield "version"


def from_here(seen: Seen) -> bool:
    """It was asked from its own computer, and others have to find it too: their way through a firewall was not tried."""
    return seen.here and seen.devices != 1 and seen.asked.state == "open"
