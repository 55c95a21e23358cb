"""The backtest as one readable page with plots; opens offline."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np

from ml.backtest.walk import Backtest
from runtime.home import Home
from runtime.warehouse import read_run_context

TEMPLATES = Path(__file__).parent / "templates"
_BLUE, _GREY, _ORANGE = "#1f4e79", "#8a94a0", "#c8641b"
_BINS = 10


def write_page(home: Home, done: Backtest, figures: dict[str, Any]) -> Path:
    """Write `backtest/index.html` in the home, and return its path."""
    import jinja2

    context = read_run_context(home)
    assert context is not None, "the days of the backtest were read there"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"figure": _figure, "dollars": _dollars, "words": _words}
    html = environment.get_template("backtest.html.j2").render(
        firm=context.firm_name,
        is_sample=context.is_sample,
        plots=_plots(done),
        **figures,
    )
    page = home.backtest / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(html, encoding="utf-8")
    return page


def _plots(done: Backtest) -> list[dict[str, str]]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawn = []
    for title, alternative, draw in (
        (
            "Calibration of the champion's loss probability",
            "Share of losing days against the predicted probability, in ten bins",
            _draw_calibration,
        ),
        (
            "AUC by month",
            "AUC of champion and daily base rate, month by month",
            _draw_months,
        ),
        (
            "What each policy would have changed",
            "Cumulative net P&L improvement of each policy, dollars",
            _draw_policies,
        ),
    ):
        figure, axes = pyplot.subplots(figsize=(7.2, 3.4), dpi=110)
        draw(axes, done)
        axes.set_title(title, loc="left", fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        pyplot.close(figure)
        image = base64.b64encode(buffer.getvalue()).decode()
        drawn.append({"image": image, "alternative": alternative})
    return drawn


def _draw_calibration(axes: Any, done: Backtest) -> None:
    probability = done.record.loss["champion"]
    is_loss = done.record.pnl < 0
    order = np.argsort(probability, kind="stable")
    bins = [part for part in np.array_split(order, _BINS) if len(part)]
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--")
    axes.plot(
        [probability[part].mean() for part in bins],
        [is_loss[part].mean() for part in bins],
        color=_BLUE,
        marker="o",
    )
    axes.set(
        xlabel="predicted probability of a loss (mean of a tenth of the days)",
        ylabel="share of losing days",
        xlim=(0, 1),
        ylim=(0, 1),
    )


def _draw_months(axes: Any, done: Backtest) -> None:
    for model, colour, name in (
        ("champion", _BLUE, "champion"),
        ("base_rate_daily", _ORANGE, "daily base rate"),
    ):
        # A month of too few days has no figure.
        found = {
            metric.period: metric.value
            for metric in done.metrics
            if metric.model == model
            and metric.metric == "auc"
            and len(metric.period) == len("2024-01")
        }
        axes.plot(
            list(found), list(found.values()), color=colour, marker="o", label=name
        )
    axes.axhline(0.5, color=_GREY, linewidth=1, linestyle="--")
    axes.set(ylabel="AUC (0.5 is a coin)", xlabel="month of the features")
    axes.tick_params(axis="x", rotation=45, labelsize=8)
    axes.legend(frameon=False)


def _draw_policies(axes: Any, done: Backtest) -> None:
    dates, numbers = np.unique(done.record.label_dates, return_inverse=True)
    for (policy, multiplier), colour in zip(
        done.multipliers.items(), (_BLUE, _ORANGE, "#3a7d44", _GREY), strict=True
    ):
        effect = np.bincount(numbers, weights=(multiplier - 1) * done.record.pnl)
        axes.plot(
            dates.astype("datetime64[D]"),
            np.cumsum(effect),
            color=colour,
            label=_words(policy),
        )
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(ylabel="dollars, against the usual size", xlabel="date")
    axes.tick_params(axis="x", rotation=30, labelsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: _dollars(value))
    axes.legend(frameon=False)


def _figure(value: float | None) -> str:
    """Three decimals below ten, none above; a dash where unknown."""
    if value is None:
        return "–"
    return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.0f}"


def _dollars(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{'−' if round(value) < 0 else ''}${abs(value):,.0f}"


def _words(name: str) -> str:
    return name.replace("_", " ")
