"""What is drawn on paper to be copied sign by sign: a key in large letters with its QR code. Called by `paper_drawing`."""

from collections.abc import Sequence

from reportlab.graphics.barcode.qr import QrCodeWidget  # type: ignore[import-untyped]
from reportlab.graphics.shapes import Drawing  # type: ignore[import-untyped]
from reportlab.lib import colors  # type: ignore[import-untyped]
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.platypus import Flowable  # type: ignore[import-untyped]
from reportlab.platypus import Table as Grid

CODE = 38 * mm
"""Side of the QR code."""
_FRAME = colors.HexColor("#4b545e")
_ROOM = 12


def framed(rows: Sequence[Flowable], code: str, width: float) -> Grid:
    """The rows in a frame, the QR code at their right. Its error correction is M: a fold or a stain does not matter."""
    widget = QrCodeWidget(code, barLevel="M")
    left, low, right, _ = widget.getBounds()
    scale = CODE / (right - left)
    square = Drawing(CODE, CODE, transform=[scale, 0, 0, scale, -left * scale, -low * scale])
    square.add(widget)
    style = [("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("BOX", (0, 0), (-1, -1), 1, _FRAME)]
    return Grid([[list(rows), square]], colWidths=[width - CODE - _ROOM, CODE + _ROOM], style=style)
