"""How long a node that drains waits for its load balancer: as long as that needs for three checks, by its own pace."""

from praxisd.web.health import DRAIN_MOST_S, Askers


def _asked(every_s: float, times: int = 5, address: str = "10.0.0.1", into: Askers | None = None) -> Askers:
    found = into or Askers()
    for n in range(times):
        found.heard(address, n * every_s)
    return found


def test_three_checks_and_a_margin() -> None:
    assert _asked(1.0).wait_s(4.5) == 3.5
    assert _asked(0.5).wait_s(2.1) == 2.0


def test_never_longer_than_a_drain_may_last() -> None:
    assert _asked(5.0).wait_s(21.0) == DRAIN_MOST_S


def test_the_slowest_of_several_balancers_counts() -> None:
    both = _asked(2.0, address="10.0.0.2", into=_asked(0.5, times=17))
    assert both.wait_s(8.5) == 6.5


def test_who_asks_seldom_once_or_no_more_is_waited_for_by_nobody() -> None:
    assert Askers().wait_s(0.0) == 0.0
    assert _asked(1.0, times=2).wait_s(2.0) == 0.0
    assert _asked(15.0).wait_s(61.0) == 0.0
    assert _asked(1.0).wait_s(60.0) == 0.0


def test_a_thousand_addresses_are_not_remembered() -> None:
    askers = Askers()
    for n in range(1_000):
        askers.heard(f"10.0.{n // 250}.{n % 250}", float(n))
    assert len(askers._asked) <= 32
