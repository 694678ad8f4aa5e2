"""Numbers for Prometheus: requests by route and status class, durations, what is in flight. Never addresses or ids."""

from bisect import bisect_left
from collections.abc import Callable, Mapping

_SOCKETS = (
    ("praxisd_sockets_open", "WebSockets open now.", "gauge", 0),
    ("praxisd_socket_messages_total", "Messages heard by WebSockets.", "counter", 1),
)
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counters of one process. Only touched on the event loop, so they need no lock."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.waiting = 0
        """Requests handed to the pool that no thread has taken up or finished yet."""
        self.sockets: Callable[[], Mapping[str, tuple[int, int]]] = dict
        """WebSockets by name: how many are open, and how many messages were heard."""
        self._requests: dict[tuple[str, int], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def count(self, route: str, status: int, seconds: float) -> None:
        """Note one finished request; `route` is a declared name, never a path."""
        key = (route, status // 100)
        self._requests[key] = self._requests.get(key, 0) + 1
        buckets = self._buckets.get(route)
        if buckets is None:
            buckets = self._buckets[route] = [0] * (len(BUCKETS_S) + 1)
            self._seconds[route] = 0.0
        buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds[route] += seconds

    def lines(self) -> list[str]:
        """The counters in Prometheus' text format."""
        out = [
            "# HELP praxisd_http_requests_total Finished requests by route and status class.",
            "# TYPE praxisd_http_requests_total counter",
        ]
        for (route, group), number in sorted(self._requests.items()):
            out.append(f'praxisd_http_requests_total{{route="{route}",status="{group}xx"}} {number}')
        name = "praxisd_http_request_duration_seconds"
        out += [f"# HELP {name} Time from request to answer.", f"# TYPE {name} histogram"]
        for route, buckets in sorted(self._buckets.items()):
            total = 0
            for bound, number in zip((*BUCKETS_S, "+Inf"), buckets, strict=True):
                total += number
                out.append(f'{name}_bucket{{route="{route}",le="{bound}"}} {total}')
            out.append(f'{name}_sum{{route="{route}"}} {self._seconds[route]:.6f}')
            out.append(f'{name}_count{{route="{route}"}} {total}')
        out += gauge("praxisd_http_in_flight", "Requests being answered now.", self.in_flight)
        out += gauge("praxisd_http_pool_waiting", "Requests handed to the thread pool.", self.waiting)
        found = self.sockets()
        for name, words, kind, at in _SOCKETS if found else ():
            out += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
            out += [f'{name}{{socket="{socket}"}} {numbers[at]}' for socket, numbers in found.items()]
        return out


def gauge(name: str, words: str, value: float, labels: str = "") -> list[str]:
    """One gauge with its help line."""
    return [f"# HELP {name} {words}", f"# TYPE {name} gauge", f"{name}{labels} {value:g}"]
