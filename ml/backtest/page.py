"""The backtest as one readable page with plots; opens offline."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np

from ml.backtest.walk import Backtest
from reports.trust import trust_of
from runtime.home import Home
from runtime.warehouse import read_run_context

TEMPLATES = Path(__file__).parent / "templates"
_BLUE, _GREY, _ORANGE = "#1f4e79", "#8a94a0", "#c8641b"
_OF_POLICIES = ("#b8bfc6", _BLUE, _ORANGE, "#3a7d44", _GREY, "#8a1f5c")
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
    environment.filters |= {
        "figure": _figure,
        "precise": _precise,
        "share": _share,
        "dollars": _dollars,
        "words": _words,
    }
    html = environment.get_template("backtest.html.j2").render(
        firm=context.firm_name,
        is_sample=context.is_sample,
        plots=_plots(done),
        trust=trust_of(done.metrics),
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
            "Calibration of the chance of breaching the limit",
            "Share of days that breached it against the predicted chance, in ten bins",
            _draw_calibration,
        ),
        (
            "AUC by month",
            "AUC for breaching the limit, of what is selected and of the trader's own "
            "rate, month by month",
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
    probability = done.record.made["breach.champion"]
    is_breach = done.record.is_event("breach")
    order = np.argsort(probability, kind="stable")
    bins = [part for part in np.array_split(order, _BINS) if len(part)]
    predicted = [probability[part].mean() for part in bins]
    happened = [is_breach[part].mean() for part in bins]
    end = max(*predicted, *happened, 0.01) * 1.05
    axes.plot([0, end], [0, end], color=_GREY, linewidth=1, linestyle="--")
    axes.plot(predicted, happened, color=_BLUE, marker="o")
    axes.set(
        xlabel="predicted chance of breaching the limit (mean of a tenth of the days)",
        ylabel="share of days that did",
        xlim=(0, end),
        ylim=(0, end),
    )


def _draw_months(axes: Any, done: Backtest) -> None:
    for model, color, name in (
        ("champion", _BLUE, "what is selected"),
        ("own_rate", _ORANGE, "the trader's own rate"),
    ):
        # A month of too few days has no figure.
        found = {
            metric.period: metric.value
            for metric in done.metrics
            if metric.model == model
            and metric.target == "breach"
            and metric.metric == "auc"
            and len(metric.period) == len("2024-01")
        }
        axes.plot(
            list(found), list(found.values()), color=color, marker="o", label=name
        )
    axes.axhline(0.5, color=_GREY, linewidth=1, linestyle="--")
    axes.set(ylabel="AUC (0.5 is a coin toss)", xlabel="month of the features")
    axes.tick_params(axis="x", rotation=45, labelsize=8)
    axes.legend(frameon=False)


def _draw_policies(axes: Any, done: Backtest) -> None:
    dates, numbers = np.unique(done.record.label_dates, return_inverse=True)
    for (policy, multiplier), color in zip(
        done.multipliers.items(), _OF_POLICIES, strict=True
    ):
        effect = np.bincount(numbers, weights=(multiplier - 1) * done.record.pnl)
        axes.plot(
            dates.astype("datetime64[D]"),
            np.cumsum(effect),
            color=color,
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


def _precise(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _dollars(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{'−' if round(value) < 0 else ''}${abs(value):,.0f}"


def _words(name: str) -> str:
    return name.replace("_", " ")
