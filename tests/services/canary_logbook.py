"""The logbook in the house of canaries: what its operations are asked with on the tour."""

from typing import Any

BODIES: dict[str, Any] = {
    "logbook.write": {
        "entries": [{"seq": 1, "at": "2026-11-23T08:00:00Z", "level": "info", "code": "printer.paper_out"}]
    },
    "logbook.diagnose": {"hours": 0},
    "logPackage.send": {"sha256": "0" * 64},
    "logOrder.give": {"until": "2026-12-01T00:00:00Z"},
}
