"""Charts as Plotly takes them: plain data with a title, units, and the same in words.

Gains are blue and losses orange, which every eye tells apart; what is meant is also
shown by place, shape or sign. Fonts and colors of text are the page's (board.js).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reports.words import money

GAIN, LOSS, CALM, BAND = "#2a78b8", "#d9711c", "#8a94a3", "rgba(110,130,160,0.22)"
DOLLARS, SHARE = "US dollars", "Share, 100 % is all"
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Chart:
    """One figure of a page.

    Attributes:
        title: What it shows, readable alone.
        told: What it says, in a sentence, for who cannot see it.
        traces: Of Plotly.
        layout: Of Plotly, with axis titles that name units.
        height: Pixels.
        leads_to_days: Whether a click on a point opens its day.
    """

    title: str
    told: str
    traces: list[dict[str, Any]]
    layout: dict[str, Any] = field(default_factory=dict)
    height: int = 320
    leads_to_days: bool = False


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with its title; dollars are whole, shares percentages."""
    formats = {DOLLARS: "$,.0f", SHARE: ".0%"}
    shown = (
        {"tickformat": formats[title], "hoverformat": formats[title]}
        if title in formats
        else {}
    )
    return {"title": {"text": title}} | shown | more


def line(rows: Rows, x: str, y: str, name: str, **more: Any) -> dict[str, Any]:
    """A line through the values of a column."""
    return {
        "type": "scatter", "mode": "lines", "name": name,
        "x": [row[x] for row in rows], "y": [_whole(row[y]) for row in rows],
    } | more  # fmt: skip


def _whole(value: float | None) -> float | None:
    """Dollars of a chart without their cents; what is small keeps its decimals."""
    return round(value) if value is not None and abs(value) >= 100 else value


def equity(rows: Rows, whose: str) -> Chart:
    """Cumulative net P&L, and how far it is below its peak.

    Args:
        rows: date and net_pnl (None if not known), in order.
        whose: For the title.
    """
    total, peak, points = 0.0, 0.0, []
    known = [row for row in rows if row["net_pnl"] is not None]
    for row in known:
        total += row["net_pnl"]
        peak = max(peak, total)
        points.append({"date": row["date"], "total": total, "fall": total - peak})
    worst = min((one["fall"] for one in points), default=0)
    return Chart(
        f"Net P&L of {whose}, added up, and how far below its peak",
        f"{len(known)} days add up to {money(total)}; the largest fall from a peak "
        f"is {money(-worst)}.{_unknown(len(rows) - len(known))}",
        [
            line(
                points, "date", "total", "Net P&L, added up", line={"color": GAIN},
                hovertemplate="%{x|%a %Y-%m-%d}: %{y}<extra></extra>",
            ),
            line(
                points, "date", "fall", "Below the peak", yaxis="y2", fill="tozeroy",
                line={"color": LOSS, "dash": "dot", "width": 1},
                hovertemplate="%{x|%a %Y-%m-%d}: %{y} from the peak<extra></extra>",
            ),
        ],
        {
            "xaxis": axis("Date", anchor="y2"),
            "yaxis": axis(DOLLARS, domain=[0.36, 1]),
            "yaxis2": axis(DOLLARS, domain=[0, 0.26]),
        },
        height=380,
    )  # fmt: skip


def against_outcomes(
    rows: Rows, low: str, high: str, middle: str, names: tuple[str, str], title: str
) -> Chart:
    """What was said beforehand as a band, what happened as signs.

    Args:
        rows: prediction_date, is_replayed, actual_net_pnl, and the columns named.
        names: Of the band, and of the line within it.
    """
    inside = [
        row for row in rows
        if row[low] is not None and row[low] <= row["actual_net_pnl"] <= row[high]
    ]  # fmt: skip
    known = [row for row in rows if row[low] is not None]
    traces = [
        line(
            known, "prediction_date", high, names[0], line={"width": 0},
            showlegend=False, hoverinfo="skip",
        ),
        line(
            known, "prediction_date", low, names[0], line={"width": 0},
            fill="tonexty", fillcolor=BAND, hoverinfo="skip",
        ),
        line(
            known, "prediction_date", middle, names[1],
            line={"color": CALM, "width": 1.5}, hoverinfo="skip",
        ),
    ]  # fmt: skip
    for is_replayed, how in ((True, "simulated"), (False, "forecasted")):
        for is_loss, what, color, sign in (
            (False, "gain", GAIN, "triangle-up"),
            (True, "loss", LOSS, "triangle-down"),
        ):
            part = [
                row
                for row in rows
                if row["is_replayed"] == is_replayed
                and (row["actual_net_pnl"] < 0) == is_loss
            ]
            if part:
                traces.append(
                    line(
                        part,
                        "prediction_date",
                        "actual_net_pnl",
                        f"{what.capitalize()}, {how}",
                        mode="markers",
                        marker={
                            "color": color,
                            "size": 8,
                            "symbol": sign + ("-open" if is_replayed else ""),
                        },
                        hovertemplate="%{x|%a %Y-%m-%d}: %{y}<extra></extra>",
                    )
                )
    return Chart(
        title,
        f"{len(inside)} of {len(known)} outcomes lie inside the band."
        f"{_shown(len(rows))}",
        traces,
        {
            "xaxis": _lately(axis("Session"), [row["prediction_date"] for row in rows]),
            "yaxis": axis(DOLLARS),
        },
        height=380,
        leads_to_days=True,
    )


def quantiles(forecast: dict[str, Any]) -> Chart:
    """What the next session may bring: quantiles, the limit, the expected P&L.

    Args:
        forecast: With its quantiles; amounts as numbers or text.
    """
    shown = {
        "5 %": "predicted_pnl_p05", "25 %": "predicted_pnl_p25",
        "median": "predicted_pnl_p50", "75 %": "predicted_pnl_p75",
        "95 %": "predicted_pnl_p95",
    }  # fmt: skip
    values = {name: float(forecast[column]) for name, column in shown.items()}
    limit = -float(forecast["daily_loss_limit_amount"])
    return Chart(
        "What the next session may bring, of twenty like it",
        "; ".join(f"{name}: {money(value)}" for name, value in values.items())
        + f". The daily loss limit is at {money(limit)}.",
        [
            {
                "type": "bar", "orientation": "h", "y": [name], "x": [wide],
                "base": [start], "name": name, "showlegend": False,
                "marker": {"color": color}, "width": [width],
                "hovertemplate": f"{money(start)} to {money(start + wide)}"
                "<extra></extra>",
            }
            for name, color, width, start, wide in (
                ("18 of 20", BAND, 0.8, values["5 %"], values["95 %"] - values["5 %"]),
                ("10 of 20", CALM, 0.8, values["25 %"],
                 values["75 %"] - values["25 %"]),
            )
        ]
        + [
            {
                "type": "scatter", "mode": "markers", "name": name,
                "x": [x] * 2, "y": ["18 of 20", "10 of 20"],
                "marker": {"color": color, "symbol": sign, "size": 14},
            }
            for name, x, color, sign in (
                ("Limit", limit, LOSS, "line-ns-open"),
                ("Median", values["median"], GAIN, "line-ns-open"),
                ("Expected", float(forecast["predicted_pnl"]), GAIN, "diamond-open"),
            )
        ],
        {"xaxis": axis(DOLLARS), "yaxis": axis("Sessions within", automargin=True)},
        height=230,
    )  # fmt: skip


def _unknown(days: int) -> str:
    if not days:
        return ""
    return f" {days} {'day is' if days == 1 else 'days are'} not known, and not in it."


def daily(rows: Rows) -> Chart:
    """Net P&L of each day beside the daily loss limit; a click opens the day.

    Args:
        rows: date, net_pnl (None if not known), limit_amount, is_breached (None if no
            limit is set).
    """
    known = [row for row in rows if row["net_pnl"] is not None]
    past = sum(row["net_pnl"] < -row["limit_amount"] for row in known)
    lost = sum(row["net_pnl"] < 0 for row in known)
    return Chart(
        "Net P&L of each day, and the daily loss limit; a click opens the day",
        f"Of all {len(known)} days {lost} lost, {past} of them closed beyond the "
        f"limit.{_unknown(len(rows) - len(known))}{_shown(len(rows))}",
        [
            *(
                {
                    "type": "bar", "name": name, "showlegend": False,
                    "x": [row["date"] for row in part],
                    "y": [row["net_pnl"] for row in part],
                    "marker": {"color": color},
                    "hovertemplate": "%{x|%a %Y-%m-%d}: %{y}<extra></extra>",
                }
                for name, color, part in (
                    ("Gain", GAIN, [row for row in known if row["net_pnl"] >= 0]),
                    ("Loss", LOSS, [row for row in known if row["net_pnl"] < 0]),
                )
            ),
            line(
                [
                    {**row, "line": -row["limit_amount"]}
                    for place, row in enumerate(rows)
                    # It steps where it changes.
                    if place in (0, len(rows) - 1)
                    or row["limit_amount"] != rows[place - 1]["limit_amount"]
                ],
                "date", "line", "Daily loss limit", hoverinfo="skip",
                line={"color": CALM, "dash": "dash", "shape": "hv", "width": 1.5},
            ),
        ],
        {
            "xaxis": _lately(axis("Session"), [row["date"] for row in rows]),
            "yaxis": axis(DOLLARS), "bargap": 0.15, "barmode": "overlay",
        },
        height=300,
        leads_to_days=True,
    )  # fmt: skip


def drawdowns(rows: Rows) -> list[dict[str, Any]]:
    """Falls of the added-up net P&L from a peak until it is reached again, worst first.

    Args:
        rows: date and net_pnl (known), in order.

    Returns:
        depth (dollars), peak_date (None: the beginning), trough_date, and end_date
        (None if the peak is not reached again yet).
    """
    found: list[dict[str, Any]] = []
    total = peak = 0.0
    peak_date = None
    now: dict[str, Any] | None = None
    for row in rows:
        total += row["net_pnl"]
        if total >= peak:
            if now:
                now["end_date"] = row["date"]
            now, peak, peak_date = None, total, row["date"]
            continue
        if now is None:
            now = {
                "depth": 0.0, "peak_date": peak_date, "trough_date": row["date"],
                "end_date": None,
            }  # fmt: skip
            found.append(now)
        if peak - total > now["depth"]:
            now |= {"depth": peak - total, "trough_date": row["date"]}
    return sorted(found, key=lambda one: -one["depth"])


SHOWN_SESSIONS = 120


def _shown(count: int) -> str:
    """That a chart begins with the last sessions, where there are more."""
    if count <= SHOWN_SESSIONS:
        return ""
    return f" Shown are the last {SHOWN_SESSIONS}; a double click shows all."


def _lately(sessions: dict[str, Any], dates: Sequence[str]) -> dict[str, Any]:
    """The last half a year first; a double click shows all."""
    shown = dates[-SHOWN_SESSIONS:]
    return sessions | ({"range": [shown[0], shown[-1]]} if len(shown) > 1 else {})


def bars(rows: Rows, x: str, y: str, title: str, unit: str) -> Chart:
    """Dollars as bars, gains and losses shown by side and color; None is unknown."""
    amounts = [row[y] for row in rows]
    return Chart(
        title,
        "; ".join(f"{row[x]}: {_figure(row[y])}" for row in rows) or "None yet.",
        [
            {
                "type": "bar", "x": [row[x] for row in rows], "y": amounts,
                "marker": {"color": _colors(amounts)},
                "hovertemplate": "%{x}: %{y}<extra></extra>",
            }
        ],
        {"xaxis": _named(unit, rows, x), "yaxis": axis(DOLLARS)},
        height=300,
    )  # fmt: skip


def ranked(
    rows: Rows,
    name: str,
    amount: str,
    title: str,
    interval: tuple[str, str] | None = None,
) -> Chart:
    """Dollars by name, lying, the largest loss on top; None is unknown.

    Args:
        interval: Columns of its ends, drawn as a line at each bar.
    """
    shown = [row for row in rows if row[amount] is not None]
    amounts = [row[amount] for row in shown]
    unknown = len(rows) - len(shown)
    told = "; ".join(f"{row[name]}: {_figure(row[amount])}" for row in shown[:5])
    bar: dict[str, Any] = {}
    if interval:
        low, high = interval
        bar["error_x"] = {
            "symmetric": False, "color": CALM, "thickness": 1.5,
            "array": [row[high] - row[amount] for row in shown],
            "arrayminus": [row[amount] - row[low] for row in shown],
        }  # fmt: skip
    return Chart(
        title,
        (f"Lowest first: {told}." if shown else "None yet.")
        + (f" {unknown} not known." if unknown else ""),
        [
            {
                "type": "bar", "orientation": "h",
                **bar, "y": [row[name] for row in shown], "x": amounts,
                "marker": {"color": _colors(amounts)},
                "hovertemplate": "%{y}: %{x}<extra></extra>",
            }
        ],
        {
            "xaxis": axis(DOLLARS),
            "yaxis": axis(
                name.removesuffix("_id").capitalize(), type="category",
                autorange="reversed", automargin=True, dtick=1,
            ),
        },
        height=110 + 19 * len(shown),
    )  # fmt: skip


def _colors(amounts: Sequence[float | None]) -> list[str]:
    return [LOSS if (one or 0) < 0 else GAIN for one in amounts]


def _named(title: str, rows: Rows, x: str) -> dict[str, Any]:
    """An axis of names, which stand aslant where there is no room."""
    angle = -40 if sum(len(str(row[x])) for row in rows) > 40 else 0
    return axis(title, type="category", tickangle=angle, automargin="height")


def _figure(value: float | None) -> str:
    return "not known" if value is None else money(value)


def small(rows: Rows, x: str, columns: dict[str, str], title: str, unit: str) -> Chart:
    """Values through time, one line for each column that is named."""
    colors = iter((GAIN, LOSS))
    dashes = iter(("solid", "dot"))
    traces = [
        line(
            [row for row in rows if row[column] is not None], x, column, name,
            line={"color": next(colors), "dash": next(dashes), "width": 1.3},
        )
        for column, name in columns.items()
    ]  # fmt: skip
    last = next(
        (row for row in reversed(rows) if row[next(iter(columns))] is not None), None
    )
    told = (
        f"Latest: {last[next(iter(columns))]:,.2f}." if last else "Nothing known yet."
    )
    return Chart(
        title,
        told,
        traces,
        {
            "xaxis": axis("Date"),
            "yaxis": axis(unit),
            "showlegend": len(columns) > 1,
        },
        height=230,
    )


def calibration(rows: Rows, title: str, units: tuple[str, str]) -> Chart:
    """Predicted against observed share of an event.

    Args:
        rows: predicted and observed (ratios) and forecasts_count, of each bin.
    """
    count = sum(row["forecasts_count"] for row in rows)
    largest = max((row["forecasts_count"] for row in rows), default=1)
    end = max((max(row["predicted"], row["observed"]) for row in rows), default=1.0)
    return Chart(
        title,
        f"{len(rows)} groups of {count:,} forecasts; points on the line are right.",
        [
            {
                "type": "scatter", "mode": "lines", "name": "right", "x": [0, end],
                "y": [0, end], "line": {"color": CALM, "dash": "dash"},
            },
            {
                "type": "scatter", "mode": "markers+text", "name": "forecasts",
                "x": [row["predicted"] for row in rows],
                "y": [row["observed"] for row in rows],
                "text": [f"{row['forecasts_count']:,}" for row in rows],
                "textposition": "top center",
                "marker": {
                    "color": GAIN, "sizemode": "area", "sizeref": largest / 600,
                    "size": [row["forecasts_count"] for row in rows], "sizemin": 4,
                },
            },
        ],
        {
            "xaxis": axis(units[0], tickformat=".0%", hoverformat=".1%"),
            "yaxis": axis(units[1], tickformat=".0%", hoverformat=".1%"),
        },
        height=380,
    )  # fmt: skip


def stacked(
    rows: Rows, x: str, columns: dict[str, str], title: str, units: tuple[str, str]
) -> Chart:
    """Counts as bars on top of one another, each with its name."""
    total = {name: sum(row[column] for row in rows) for column, name in columns.items()}
    patterns = ("", "/", "x", ".", "\\", "-", "+", "|", "")
    return Chart(
        title,
        "; ".join(f"{name}: {count:,.0f}" for name, count in total.items()) or "None.",
        [
            {
                "type": "bar", "name": name, "x": [row[x] for row in rows],
                "y": [row[column] for row in rows],
                "marker": {"pattern": {"shape": patterns[place % len(patterns)]}},
            }
            for place, (column, name) in enumerate(columns.items())
        ],
        {
            "barmode": "stack",
            "xaxis": _named(units[0], rows, x),
            "yaxis": axis(units[1]),
        },
        height=320,
    )  # fmt: skip
