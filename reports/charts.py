"""Small charts for the mail: PNG, for mail clients drop SVG."""

import io
from collections.abc import Sequence

# Twice as many pixels as shown, so that phones show it sharp.
WIDTH, HEIGHT = 280, 56
# Of middling brightness, to be seen on white and on black.
_GAIN, _LOSS, _ZERO = "#2f8f5b", "#d0473a", "#8a94a3"


def bars(amounts: Sequence[float]) -> bytes:
    """Amounts as bars, up for gains and down for losses, the first one left.

    Returns:
        A transparent PNG of 2 x `WIDTH` times 2 x `HEIGHT` pixels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=144)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    colors = [_LOSS if amount < 0 else _GAIN for amount in amounts]
    axes.bar(range(len(amounts)), amounts, width=0.72, color=colors)
    axes.axhline(0, color=_ZERO, linewidth=0.8)
    axes.margins(x=0.01, y=0.08)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", transparent=True)
    return picture.getvalue()
