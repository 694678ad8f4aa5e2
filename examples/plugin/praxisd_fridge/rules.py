"""What is right and wrong about a temperature. Pure: no I/O, so it is tested without a server."""


def verdict(tenths: int, lowest: int, highest: int) -> str:
    """`cold`, `warm` or `good`. The reading is in tenths of a degree Celsius, the limits in degrees."""
    if tenths < lowest * 10:
        return "cold"
    return "warm" if tenths > highest * 10 else "good"


def overdue(last: int, now: int, hours: int) -> bool:
    """True if the last reading is older than so many hours. Times are epoch seconds."""
    return now - last > hours * 3600
