"""Charts as Plotly takes them: plain data with a title, units, and the same in words.

Gains are blue and losses orange, which every eye tells apart; what is meant is also
told by place, shape or sign. Fonts and colours of text are the page's (board.js).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

GAIN, LOSS, CALM, BAND = "#2a78b8", "#d9711c", "#8a94a3", "rgba(110,130,160,0.22)"
# Lowest orange, highest blue, nothing in between a light grey.
DIVERGING = [[0, "#b3520b"], [0.5, "#e9ecf0"], [1, "#12568f"]]
DOLLARS = "US dollars"
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
    """

    title: str
    told: str
    traces: list[dict[str, Any]]
    layout: dict[str, Any] = field(default_factory=dict)
    height: int = 320


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with its title."""
    return {"title": {"text": title}} | more


def line(rows: Rows, x: str, y: str, name: str, **more: Any) -> dict[str, Any]:
    """A line through the values of a column."""
    return {
        "type": "scatter", "mode": "lines", "name": name,
        "x": [row[x] for row in rows], "y": [row[y] for row in rows],
    } | more  # fmt: skip


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
        f"{len(known)} days add up to {total:,.0f} dollars; the largest fall from a "
        f"peak is {-worst:,.0f} dollars.{_unknown(len(rows) - len(known))}",
        [
            line(points, "date", "total", "Net P&L, added up", line={"color": GAIN}),
            line(
                points, "date", "fall", "Below the peak", yaxis="y2", fill="tozeroy",
                line={"color": LOSS, "dash": "dot", "width": 1},
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
            fill="tonexty", fillcolor=BAND,
        ),
        line(
            known, "prediction_date", middle, names[1],
            line={"color": CALM, "width": 1.5},
        ),
    ]  # fmt: skip
    for is_replayed, how in ((True, "replayed"), (False, "called")):
        for is_loss, what, colour, sign in (
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
                            "color": colour,
                            "size": 8,
                            "symbol": sign + ("-open" if is_replayed else ""),
                        },
                    )
                )
    sessions = axis("Session")
    if rows:
        # The latest half a year first; a double click shows all.
        shown = rows[-120:]
        sessions["range"] = [shown[0]["prediction_date"], shown[-1]["prediction_date"]]
    return Chart(
        title,
        f"{len(inside)} of {len(known)} outcomes lie inside the band.",
        traces,
        {"xaxis": sessions, "yaxis": axis(DOLLARS), "hovermode": "x unified"},
        height=380,
    )


def quantiles(call: dict[str, Any]) -> Chart:
    """What the next session may bring: quantiles, the limit, the expected P&L.

    Args:
        call: With its quantiles; amounts as numbers or text.
    """
    shown = {
        "5 %": "predicted_pnl_p05", "25 %": "predicted_pnl_p25",
        "median": "predicted_pnl_p50", "75 %": "predicted_pnl_p75",
        "95 %": "predicted_pnl_p95",
    }  # fmt: skip
    values = {name: float(call[column]) for name, column in shown.items()}
    limit = -float(call["daily_loss_limit_amount"])
    return Chart(
        "What the next session may bring, of twenty like it",
        "; ".join(f"{name}: {value:,.0f}" for name, value in values.items())
        + f" dollars. The daily limit is at {limit:,.0f}.",
        [
            {
                "type": "bar", "orientation": "h", "y": [name], "x": [wide],
                "base": [start], "name": name, "showlegend": False,
                "marker": {"color": colour}, "width": [width],
                "hovertemplate": f"{start:,.0f} to {start + wide:,.0f}"
                "<extra></extra>",
            }
            for name, colour, width, start, wide in (
                ("18 of 20", BAND, 0.8, values["5 %"], values["95 %"] - values["5 %"]),
                ("10 of 20", CALM, 0.8, values["25 %"],
                 values["75 %"] - values["25 %"]),
            )
        ]
        + [
            {
                "type": "scatter", "mode": "markers", "name": name,
                "x": [x] * 2, "y": ["18 of 20", "10 of 20"],
                "marker": {"color": colour, "symbol": sign, "size": 14},
            }
            for name, x, colour, sign in (
                ("Limit", limit, LOSS, "line-ns-open"),
                ("Median", values["median"], GAIN, "line-ns-open"),
                ("Expected", float(call["predicted_pnl"]), GAIN, "diamond-open"),
            )
        ],
        {"xaxis": axis(DOLLARS), "yaxis": axis("Sessions within", automargin=True)},
        height=230,
    )  # fmt: skip


def calendar(rows: Rows, whose: str) -> Chart:
    """Daily net P&L by week and weekday.

    Args:
        rows: date (ISO text), week (its Monday), weekday (0 is Monday), net_pnl (None
            if not known).
    """
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    used = names[: max((row["weekday"] for row in rows), default=4) + 1]
    used = names[: max(5, len(used))]
    weeks = sorted({row["week"] for row in rows})
    cells = {(row["weekday"], row["week"]): row for row in rows}
    grid = [
        [cells.get((number, week), {}).get("net_pnl") for week in weeks]
        for number in range(len(used))
    ]
    words = [
        [_cell(cells.get((number, week))) for week in weeks]
        for number in range(len(used))
    ]
    known = [row["net_pnl"] for row in rows if row["net_pnl"] is not None]
    sizes = sorted(abs(net) for net in known) or [1.0]
    # A single day far out would leave all others grey.
    limit = sizes[int(0.95 * (len(sizes) - 1))] or 1.0
    losses = sum(net < 0 for net in known)
    return Chart(
        f"Calendar of {whose}: net P&L of each day",
        f"{losses} of {len(known)} days lost.{_unknown(len(rows) - len(known))}",
        [
            {
                "type": "heatmap", "x": weeks, "y": used, "z": grid, "text": words,
                "hovertemplate": "%{text}<extra></extra>", "hoverongaps": False,
                "colorscale": DIVERGING, "zmid": 0, "zmin": -limit, "zmax": limit,
                "xgap": 1, "ygap": 2,
                "colorbar": {
                    "title": {"text": DOLLARS, "side": "right"}, "thickness": 12,
                },
            }
        ],
        {
            "xaxis": axis("Week", type="date"),
            "yaxis": axis("Weekday", autorange="reversed"),
        },
        height=260,
    )  # fmt: skip


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    if row["net_pnl"] is None:
        return f"{row['date']}<br>not known"
    sign = "▼ " if row["net_pnl"] < 0 else "▲ "
    return f"{row['date']}<br>{sign}{row['net_pnl']:,.0f} dollars"


def _unknown(days: int) -> str:
    if not days:
        return ""
    return f" {days} {'day is' if days == 1 else 'days are'} not known, and not in it."


def bars(rows: Rows, x: str, y: str, title: str, units: tuple[str, str]) -> Chart:
    """Amounts as bars, gains and losses told by side and colour; None is unknown."""
    amounts = [row[y] for row in rows]
    return Chart(
        title,
        "; ".join(f"{row[x]}: {_figure(row[y])}" for row in rows[:12]) or "None yet.",
        [
            {
                "type": "bar", "x": [row[x] for row in rows], "y": amounts,
                "marker": {
                    "color": [LOSS if (one or 0) < 0 else GAIN for one in amounts]
                },
            }
        ],
        {"xaxis": _named(units[0], rows, x), "yaxis": axis(units[1])},
        height=300,
    )  # fmt: skip


def _named(title: str, rows: Rows, x: str) -> dict[str, Any]:
    """An axis of names, which stand aslant where there is no room."""
    angle = -40 if sum(len(str(row[x])) for row in rows) > 40 else 0
    return axis(title, type="category", tickangle=angle, automargin="height")


def _figure(value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:,.2f}"


def small(rows: Rows, x: str, columns: dict[str, str], title: str, unit: str) -> Chart:
    """Values through time, one line for each column that is named."""
    colours = iter((GAIN, LOSS))
    dashes = iter(("solid", "dot"))
    traces = [
        line(
            [row for row in rows if row[column] is not None], x, column, name,
            line={"color": next(colours), "dash": next(dashes), "width": 1.3},
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
        f"{len(rows)} groups of {count:,} calls; points on the line are right.",
        [
            {
                "type": "scatter", "mode": "lines", "name": "right", "x": [0, end],
                "y": [0, end], "line": {"color": CALM, "dash": "dash"},
            },
            {
                "type": "scatter", "mode": "markers+text", "name": "calls",
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
            "xaxis": axis(units[0], tickformat=".0%"),
            "yaxis": axis(units[1], tickformat=".0%"),
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
