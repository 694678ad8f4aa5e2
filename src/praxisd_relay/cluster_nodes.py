"""The list of hubs: those of the configuration and those that announced themselves. Pure; times in seconds.

A hub that said goodbye goes at once, one that fell silent after three announcements missed. While we hear nobody
because the bus is away, nobody is counted as gone: the list of before is the best there is.
"""

from collections.abc import Iterable

from praxisd_relay.cluster_settings import MOST_NODES, Node, SettingsError, check_node

MISSED = 3.5


class Nodes:
    """The hubs by name, own one included."""

    def __init__(self, own: Node, fixed: Iterable[Node], announce_s: float) -> None:
        self.own = own
        self._fixed = {node.name: node for node in fixed if node.name != own.name}
        self._heard: dict[str, tuple[Node, float]] = {}
        self._left: dict[str, float] = {}
        self._patience = announce_s * MISSED
        self._deaf_since: float | None = None

    def heard(self, node: Node, now: float) -> bool:
        """An announcement. True if the list changed; nonsense and what goes beyond 64 hubs is not taken in."""
        try:
            check_node(node)
        except SettingsError:
            return False
        if node.name == self.own.name:
            return False
        known = self.get(node.name)
        if known is None and len(self._all()) >= MOST_NODES:
            return False
        self._left.pop(node.name, None)
        self._heard[node.name] = (node, now)
        return known != node

    def left(self, name: str, now: float) -> bool:
        """A goodbye. True if the list changed. A fixed hub that says goodbye is back with its next announcement."""
        known = self.get(name)
        self._heard.pop(name, None)
        if name in self._fixed:
            self._left[name] = now
        return known is not None and self.get(name) is None

    def deaf(self, now: float) -> None:
        """The bus is away: from now on silence says nothing about the others."""
        if self._deaf_since is None:
            self._deaf_since = now

    def hearing(self, now: float) -> None:
        """The bus is back: everybody gets the time again that they could not be heard in."""
        if self._deaf_since is None:
            return
        self._heard = {name: (node, now) for name, (node, _) in self._heard.items()}
        self._deaf_since = None

    def expire(self, now: float, linked: Iterable[str] = ()) -> list[str]:
        """Drop who fell silent, but not whom we have a link with; the names dropped."""
        if self._deaf_since is not None:
            return []
        here = set(linked)
        gone = [
            name
            for name, (_, at) in self._heard.items()
            if now - at > self._patience and name not in here and name not in self._fixed
        ]
        for name in gone:
            del self._heard[name]
        return gone

    def get(self, name: str) -> Node | None:
        """The hub of that name, or None. What it announced counts more than what the configuration says."""
        if name == self.own.name:
            return self.own
        return self._others().get(name)

    def names(self) -> list[str]:
        """All names, own one included, in order."""
        return sorted(self._all())

    def others(self) -> list[Node]:
        """All but ourselves, in order of their names."""
        return [node for _, node in sorted(self._others().items())]

    def _others(self) -> dict[str, Node]:
        fixed = {name: node for name, node in self._fixed.items() if name not in self._left}
        return fixed | {name: node for name, (node, _) in self._heard.items()}

    def _all(self) -> dict[str, Node]:
        return {**self._others(), self.own.name: self.own}
