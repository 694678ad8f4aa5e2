"""What the guard's stand-in needs to answer guests while this server is not there: `DIR/run/standin.json` (SPEC 6.3, 7.2).

Written only under a guard, and only by a server that is the installation's only one: where several share a database the
next one takes the link over anyway, and a stand-in would take it from that one. The file holds the keys of the link and of
the certificate as they are (0600, beside the vault's own key); it goes when the relay is switched off or left.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd import __version__
from praxisd.kernel.control import write_private
from praxisd.services.relay import probe
from praxisd_relay.standin_note import Note

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.services.relay.certificates import Held
    from praxisd_relay.agent import Agent


def place(house: "House") -> Path:
    """Where the guard looks for it."""
    return house.folder / "run" / "standin.json"


def keep(house: "House", agent: "Agent", held: "Held", names: frozenset[str], proxy: str) -> None:
    """Have the file say what is true now; nothing is written where it does already. Call while a link is up."""
    if house.guard is None or not house.store.alone:
        forget(house)
        return
    state = agent.state
    up = {one.hub for one in state.links if one.phase == "up"}
    hubs = sorted(agent.hubs, key=lambda one: one.text not in up)
    note = Note(
        agent.identity,
        tuple((one, probe.proxy_of(proxy, one.host)) for one in hubs),
        names | {state.host},
        held.chain,
        held.key,
        __version__,
    )
    text, file = note.encoded().decode(), place(house)
    try:
        if file.read_text(encoding="utf-8") == text:
            return
    except (OSError, ValueError):
        pass  # not there, or not ours: it is written anew
    with suppress(OSError):  # a full disk is somebody else's to tell; the next look tries again
        write_private(file, text)


def forget(house: "House") -> None:
    """No link is wanted: nobody is to stand in."""
    place(house).unlink(missing_ok=True)
