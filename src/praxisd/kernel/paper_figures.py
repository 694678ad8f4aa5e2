"""What is drawn on paper beside words and tables: a plot, and an empty frame for a stamp. Called by `paper_drawing`."""

from typing import Any

from reportlab.lib import colors  # type: ignore[import-untyped]
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.platypus import Flowable  # type: ignore[import-untyped]

from praxisd.kernel import plot

_WORDS, _FAINT = colors.HexColor("#4b545e"), colors.HexColor("#c9ced4")


class Picture(Flowable):  # type: ignore[misc]
    """A plot over the width of the sheet, its title above it. `font` and `clean` are those of the sheet."""

    TITLE = 7 * mm

    def __init__(self, shown: plot.Plot, lang: str, font: str, clean: Any) -> None:
        super().__init__()
        self._title = shown.title
        self._parts = plot.parts(shown, lang)
        self._font, self._clean = font, clean

    def wrap(self, wide: float, high: float) -> tuple[float, float]:
        """Its size in points."""
        self._scale = wide / plot.WIDTH
        self.width, self.height = wide, plot.HEIGHT * self._scale + self.TITLE + 2 * mm
        return self.width, self.height

    def draw(self) -> None:
        """Line by line, from the top down."""
        canvas = self.canv
        canvas.saveState()
        canvas.setFont(self._font, 10)
        canvas.drawString(0, self.height - 4 * mm, self._clean(self._title))
        canvas.translate(0, self.height - self.TITLE)
        canvas.scale(self._scale, self._scale)
        for one in self._parts:
            if isinstance(one, plot.Word):
                self._word(canvas, one)
            elif isinstance(one, plot.Stroke):
                self._stroke(canvas, one)
            else:
                _mark(canvas, one)
        canvas.restoreState()

    def _word(self, canvas: Any, one: plot.Word) -> None:
        canvas.setFillColor(_WORDS)
        canvas.setFont(self._font, plot.SIZE)
        text = self._clean(one.text)
        draw = {"start": canvas.drawString, "middle": canvas.drawCentredString, "end": canvas.drawRightString}
        draw[one.at](one.x, -one.y, text)

    def _stroke(self, canvas: Any, one: plot.Stroke) -> None:
        canvas.setStrokeColor(colors.HexColor(one.colour) if one.colour else _FAINT)
        canvas.setLineWidth(1.6 if one.colour else 0.8)
        canvas.setDash(list(one.dash))
        path = canvas.beginPath()
        for number, (x, y) in enumerate(one.points):
            (path.lineTo if number else path.moveTo)(x, -y)
        canvas.drawPath(path, stroke=1, fill=0)
        canvas.setDash([])


def _mark(canvas: Any, one: plot.Mark) -> None:
    colour = colors.HexColor(one.colour)
    canvas.setStrokeColor(colour)
    canvas.setFillColor(colour)
    canvas.setLineWidth(1.4)
    x, y = one.x, -one.y
    if one.kind == "square":
        canvas.rect(x - 3, y - 3, 6, 6, stroke=0, fill=1)
    elif one.kind == "triangle":
        path = canvas.beginPath()
        path.moveTo(x, y + 3.8)
        path.lineTo(x + 3.6, y - 2.6)
        path.lineTo(x - 3.6, y - 2.6)
        path.close()
        canvas.drawPath(path, stroke=0, fill=1)
    else:
        canvas.circle(x, y, 3, stroke=1, fill=int(one.kind == "dot"))


class Stamp(Flowable):  # type: ignore[misc]
    """An empty frame with small words in it: room for a stamp."""

    def __init__(self, label: Any) -> None:
        super().__init__()
        self._label = label

    def wrap(self, wide: float, high: float) -> tuple[float, float]:
        """Its size in points."""
        self.width, self.height = min(wide, 80 * mm), 34 * mm
        return self.width, self.height

    def draw(self) -> None:
        """The frame, and what it is for in its upper corner."""
        self.canv.setLineWidth(0.6)
        self.canv.rect(0, 2 * mm, self.width, self.height - 4 * mm)
        below = self._label.wrap(self.width - 4 * mm, self.height)[1]
        self._label.drawOn(self.canv, 2 * mm, self.height - 3 * mm - below)
