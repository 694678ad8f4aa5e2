"""Windows: they grow only when they are the limit, and only as far as the budgets go."""

from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay import flow
from praxisd_relay.flow import Budget, Window

KB, MB = 1024, 1024 * 1024


def moved(window: Window, count: int, now: float, rtt: float | None) -> int:
    """`count` bytes came in pieces of an eighth; what was credited."""
    given_back = 0
    step = window.size // 8
    for _ in range(count // step):
        window.left -= step
        window.due += step
        given_back += window.credit(now, rtt)
    return given_back


def test_a_window_that_is_the_limit_doubles_each_round_trip_up_to_its_most() -> None:
    window, now = Window(256 * KB, Budget(16 * MB)), 100.0
    sizes = []
    window.credit(now, 0.1)
    for _ in range(8):
        now += 0.1
        moved(window, window.size, now, 0.1)
        sizes.append(window.size // KB)
    assert sizes[:4] == [512, 1024, 2048, 4096]
    assert set(sizes[4:]) == {4096}
    assert window.left == 4 * MB


def test_a_line_slower_than_the_window_makes_it_grow_no_further() -> None:
    window, now = Window(256 * KB, Budget(16 * MB)), 100.0
    for _ in range(500):  # 1 MB/s at 30 ms: 30 KB under way
        now += 0.032
        moved(window, 32 * KB, now, 0.03)
    assert window.size == 256 * KB


def test_without_a_known_round_trip_nothing_grows() -> None:
    window = Window(256 * KB, Budget(16 * MB))
    assert moved(window, 8 * MB, 1.0, None) == 8 * MB
    assert window.size == 256 * KB


def test_the_process_budget_stops_growth_of_all_links() -> None:
    process = Budget(MB)
    links = [Budget(16 * MB, process) for _ in range(2)]
    windows = []
    for link in links:
        assert link.take(256 * KB)
        windows.append(Window(256 * KB, link))
    now = 1.0
    for _ in range(10):
        now += 0.1
        for window in windows:
            moved(window, window.size, now, 0.1)
    assert process.used == sum(window.size for window in windows) <= MB
    for window in windows:
        window.close()
    assert process.used == 0 == links[0].used


def test_new_streams_get_less_when_little_is_left_and_never_nothing() -> None:
    process = Budget(MB)
    link = Budget(16 * MB, process)
    sizes = [link.first() for _ in range(20)]
    assert sizes[0] == 256 * KB
    assert min(sizes) == flow.LEAST_WINDOW == sizes[-1]
    assert sizes == sorted(sizes, reverse=True)
    assert link.used == process.used == sum(sizes)


@given(
    st.lists(st.tuples(st.integers(1, 64 * KB), st.floats(0, 0.5)), max_size=200),
    st.none() | st.floats(0.0001, 0.3),
)
def test_credit_is_what_was_taken_and_what_the_window_grew(
    came: list[tuple[int, float]], rtt: float | None
) -> None:
    budget = Budget(2 * MB)
    assert budget.take(256 * KB)
    window, now, total, credited = Window(256 * KB, budget), 0.0, 0, 0
    for count, later in came:
        now += later
        count = min(count, window.left)
        window.left -= count
        window.due += count
        total += count
        if window.due * 8 >= window.size:
            credited += window.credit(now, rtt)
        # What the other side may have under way never exceeds the window.
        assert window.left + window.due == window.size
        assert credited == total - window.due + window.size - 256 * KB
        assert window.size == budget.used <= 2 * MB


def test_the_queue_is_ten_milliseconds_of_the_line_within_its_bounds() -> None:
    most = 128 * KB
    assert flow.queue(100_000, most) == flow.queue(2_500_000, most) == 32 * KB  # 20 Mbit/s
    assert flow.queue(6_250_000, most) == 62_500  # 50 Mbit/s
    assert flow.queue(1e9, most) == most
