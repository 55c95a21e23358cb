"""Writes the board's pages: all of them, or none."""

import json
import shutil
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

from reports.board import data, figures
from reports.board.figures import Chart
from reports.names import slug
from reports.render import counted, environment
from reports.summary import calls_by_trader, read_summary
from reports.trust import MODEL_WORDS, OUTPUTS, POLICY_WORDS, TARGET_WORDS
from runtime.errors import UserError
from runtime.files import swap_folders
from runtime.home import Home
from runtime.publish.marts_copy import open_published
from runtime.settings import Settings

FOLDER = Path(__file__).parent
_SHARE = "Ratio, 1 is all"
# Columns, title and unit of each chart of behaviour.
BEHAVIOUR = (
    ({"closed_trips_count": "trades"}, "Trades closed a day", "Trades"),
    ({"trip_win_ratio": "won"}, "Share of the trades that won", _SHARE),
    (
        {
            "mean_winner_holding_minutes": "winners",
            "mean_loser_holding_minutes": "losers",
        },
        "Holding time of winners and losers",
        "Minutes",
    ),
    (
        {"notional_vs_20d_ratio": "turnover"},
        "Turnover against the days before",
        "Multiple, 1 is usual",
    ),
    (
        {"past_stop_fills_ratio": "fills"},
        "Fills after the usual stop was passed",
        _SHARE,
    ),
    (
        {"reentry_after_loss_ratio": "re-entries"},
        "Losers followed by a quick re-entry",
        _SHARE,
    ),
    ({"give_back_ratio": "given back"}, "Given back of the day's peak", _SHARE),
    ({"fee_share_of_gross": "fees"}, "Fees against gross P&L", _SHARE),
)


def write_board(settings: Settings, home: Home) -> str:
    """Write every page and swap the folder in.

    Returns:
        A sentence for people.

    Raises:
        UserError: Nothing is published.
    """
    partial = home.root / ".board.partial"
    shutil.rmtree(partial, ignore_errors=True)
    with open_published(home) as connection:
        summary = read_summary(settings, connection)
        (partial / "traders").mkdir(parents=True)
        (partial / "assets").mkdir()
        # Not with their modes: what a run writes is its owner's alone.
        for asset in (*(FOLDER / "assets").iterdir(), _plotly()):
            shutil.copyfile(asset, partial / "assets" / asset.name)
        pages = _Pages(partial, home, summary)
        pages.desk(connection)
        count = pages.traders(connection)
        pages.models(connection)
        pages.quality(connection)
    swap_folders(partial, home.board)
    where = settings.board_url or home.board / "index.html"
    return f"{counted(count, 'trader')} and {counted(3, 'page')} more; open {where}"


class _Pages:
    """The pages of one morning."""

    def __init__(self, folder: Path, home: Home, summary: dict[str, Any]) -> None:
        self._folder = folder
        self._home = home
        self._summary = summary
        self._calls = calls_by_trader(summary)
        self._desk: dict[str, Any] = {}
        self._environment = environment(FOLDER / "templates")

    def desk(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._desk = found = data.desk(connection)
        effect, total = [], 0.0
        for row in found["record"]:
            total += row["advised_size_effect"] or 0
            effect.append({"date": row["prediction_date"], "effect": total})
        charts = [
            figures.equity(found["days"], "the desk"),
            figures.against_outcomes(
                found["record"],
                "worst_case_pnl",
                "best_case_pnl",
                "median_pnl",
                ("from worst to best case, 90 %", "median"),
                "The desk's worst and best case against what it made",
            ),
            figures.Chart(
                "What trading at the advised size would have changed, added up",
                f"{total:,.0f} dollars over {len(effect)} sessions.",
                [figures.line(effect, "date", "effect", "effect")],
                {
                    "xaxis": figures.axis("Session"),
                    "yaxis": figures.axis(figures.DOLLARS),
                },
            ),
            figures.bars(
                found["concentration"],
                "trader_id",
                "net_pnl",
                "Who made and lost the last 90 days",
                ("Trader", figures.DOLLARS),
            ),
        ]
        self._write(
            "index.html",
            "desk",
            charts,
            score=found["score"],
            scores=found["scores"],
            last_days=found["last_days"],
        )

    def traders(self, connection: duckdb.DuckDBPyConnection) -> int:
        found = data.traders(connection)
        for status in self._desk["status"]:
            trader = status["trader_id"]
            own = {name: part.get(trader, []) for name, part in found.items()}
            self._write(
                f"traders/{slug(trader)}.html",
                "trader",
                _trader_charts(own, self._calls.get(trader)),
                behaviour=_behaviour_charts(own["days"]),
                status=status,
                call=self._calls.get(trader),
                score=self._desk["scores"].get(trader),
                own_last_day=self._desk["last_days"].get(trader),
                neighbours=own["neighbours"],
                accounts=own["accounts"],
                record=own["record"][-20:][::-1],
                breaches=own["breaches"],
                behaviour_scores=own["behaviour_scores"],
            )
        return len(self._desk["status"])

    def models(self, connection: duckdb.DuckDBPyConnection) -> None:
        found = data.models(connection, self._summary["model_version"])
        charts = [
            figures.calibration(
                found["limit_calibration"],
                "Are the chances of passing the limit right? Against what happened",
                ("Chance of losing more than the limit, %", "Share that did, %"),
            ),
            figures.calibration(
                found["calibration"],
                "Are the loss probabilities right? Predicted against what happened",
                ("Predicted probability of a loss, %", "Share that lost, %"),
            ),
        ]
        if found["months"]:
            charts.append(
                figures.small(
                    found["months"],
                    "period",
                    {"metric_value": "AUC"},
                    "How well sessions past the limit were told from others, by month",
                    "AUC, 0.5 is a coin",
                )
            )
        charts.append(
            figures.bars(
                found["drift"],
                "feature",
                "stability_index",
                "Features that moved most from what the models learned from",
                ("Feature", "Stability index"),
            )
        )
        self._write(
            "models.html",
            "models",
            charts,
            **found,
            outputs=OUTPUTS,
            model_words=MODEL_WORDS,
            target_words=TARGET_WORDS,
            policy_words=POLICY_WORDS,
        )

    def quality(self, connection: duckdb.DuckDBPyConnection) -> None:
        found = data.quality(connection)
        months, classes = _pivot(
            found["classes"], ("month",), "difference_class", "days_count"
        )
        charts = [
            figures.stacked(
                months,
                "month",
                {name: name.replace("_", " ") for name in sorted(classes)},
                "Account-days against the broker's own summary, by month",
                ("Month", "Account-days"),
            )
        ]
        if found["corrections"]:
            charts.append(
                figures.bars(
                    found["corrections"],
                    "date",
                    "days_count",
                    "Account-days that were corrected, by when it became known",
                    ("Date", "Account-days"),
                )
            )
        if found["seconds"]:
            charts.append(_seconds(found["seconds"]))
        self._write("data.html", "data", charts, **found)

    def _write(
        self, name: str, template: str, charts: list[Chart], **more: Any
    ) -> None:
        up = "../" if "/" in name else ""
        linked = {
            "docs": self._home.docs / "index.html",
            "gate": self._home.data_docs / "index.html",
            "report": self._home.reports / self._summary["as_of"] / "report.html",
            "backtest": self._home.backtest / "index.html",
        }
        text = self._environment.get_template(f"{template}.html.j2").render(
            {
                **self._summary,
                "page": template,
                "up": up,
                "links": {
                    key: f"{up}../{path.relative_to(self._home.root).as_posix()}"
                    for key, path in linked.items()
                    if path.exists()
                },
                "everybody": self._desk["status"],
                "charts": charts,
                "inline_json": inline_json,
                "written_at": datetime.now(UTC),
                **more,
            }
        )
        (self._folder / name).write_text(text, encoding="utf-8")


def _trader_charts(
    own: dict[str, list[data.Row]], call: dict[str, Any] | None
) -> list[Chart]:
    has_quantiles = call is not None and call["predicted_pnl_p05"] is not None
    return [
        *([figures.quantiles(call)] if call and has_quantiles else []),
        figures.equity(own["days"], "the trader"),
        figures.against_outcomes(
            own["record"],
            "predicted_pnl_p05",
            "predicted_pnl_p95",
            "predicted_pnl",
            ("90 % interval", "expected"),
            "Predictions against what happened",
        ),
        figures.calendar(own["days"], "the trader"),
        figures.bars(
            own["hours"],
            "hour",
            "net_pnl",
            "Net P&L by the hour in which it was realized",
            ("Hour, Eastern", figures.DOLLARS),
        ),
        figures.bars(
            own["symbols"],
            "symbol",
            "net_pnl",
            "Net P&L of closed trades by symbol, the largest twelve",
            ("Symbol", figures.DOLLARS),
        ),
    ]


def _behaviour_charts(days: list[data.Row]) -> list[Chart]:
    return [
        figures.small(days, "date", columns, title, unit)
        for columns, title, unit in BEHAVIOUR
    ]


def _seconds(found: list[data.Row]) -> Chart:
    """How long each step took, a bar a morning."""
    mornings, steps = _pivot(found, ("run_id", "started_at"), "step", "seconds")
    return figures.stacked(
        mornings,
        "started_at",
        {step: step for step in steps},
        "How long the steps of each morning took",
        ("Morning (UTC)", "Seconds"),
    )


def _pivot(
    found: list[data.Row], keys: tuple[str, ...], name: str, value: str
) -> tuple[list[data.Row], list[str]]:
    """One row for each key, a column for each name, 0 where there is no value.

    Returns:
        The rows, and the names in the order in which they came.
    """
    names = list(dict.fromkeys(row[name] for row in found))
    wide: dict[tuple, data.Row] = {}
    for row in found:
        key = tuple(row[one] for one in keys)
        filled = dict(zip(keys, key, strict=True)) | dict.fromkeys(names, 0)
        wide.setdefault(key, filled)[row[name]] = row[value]
    return list(wide.values()), names


def inline_json(chart: Chart) -> Any:
    """A chart's data within a page: no text in it may end the script it stands in."""
    import markupsafe

    value = {"data": chart.traces, "layout": chart.layout, "height": chart.height}
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return markupsafe.Markup(text.replace("<", "\\u003c"))


def _plotly() -> Path:
    # Found, not imported: only its script is wanted.
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise UserError("plotly is not installed. Run `make setup`.")
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"
