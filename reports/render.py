"""Turns a summary into the HTML and the text of the report, and its charts."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reports.charts import HEIGHT, WIDTH, bars
from reports.names import slug
from reports.sentences import (
    actual,
    fact_said,
    flags_said,
    from_peak,
    headline_said,
    in_all,
    known,
    last_date,
    last_day_said,
    limit_said,
    limit_used,
    made_said,
    outcomes_said,
    rare_said,
    tail_said,
    total,
    why_said,
)
from reports.words import (
    NO_BREAK,
    capitalized,
    chance,
    counted,
    day,
    dollars,
    figure,
    isolated,
    money,
    multiplier,
    number,
    percent,
    wrapped,
)

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"
# Gmail shows the first 102 kB of a mail: so many traders are in its table, so many are
# named in its details; its text has all of them.
ROWS, NAMED = 100, 25
# Facts that need attention, before one has to scroll.
ATTENTION_LINES = 7
# From where the report lies on disk to the board.
BOARD_FROM_DISK = "../../board"
# Of each level, for color is never the only sign.
SIGNS = {
    "High": "▲", "Elevated": "◆", "Normal": "●", "Medium": "◆", "Low": "●",
    "Unknown": "?",
}  # fmt: skip
# An amount with its sign, which a line may part: a minus is no letter.
_SIGNED = re.compile(r"[−+]\$[\d,.]*\d")
_NO_WRAP = r'<span style="white-space: nowrap">\g<0></span>'


@dataclass(frozen=True)
class Rendered:
    """A report ready to be mailed.

    Attributes:
        subject: The subject line.
        html: With its styles inlined; charts are at cid:<name>.
        text: The same in plain text.
        images: PNG of each chart, by name.
        on_disk: The HTML with links to the board that lies beside it.
    """

    subject: str
    html: str
    text: str
    images: Mapping[str, bytes]
    on_disk: str

    def page(self) -> str:
        """The HTML as a page of its own, its charts in it."""
        html = self.on_disk
        for name, png in self.images.items():
            data = base64.b64encode(png).decode()
            html = html.replace(f'"cid:{name}"', f'"data:image/png;base64,{data}"')
        return html


def render(summary: dict[str, Any], board_url: str | None = None) -> Rendered:
    """The desk's report.

    Args:
        summary: As `summarise` gives it.
        board_url: Where the desk reaches the board; None leaves out the links of the
            mail. The page on disk links to the board that lies beside it.
    """
    values = summary | {
        "headline": headline_said(summary),
        "last_date": last_date(summary),
    }
    return _rendered("daily", subject_line(summary), values, board_url)


def render_trader(
    summary: dict[str, Any], forecast: dict[str, Any], board_url: str | None = None
) -> Rendered:
    """One trader's own page, with nothing in it of anybody else.

    Args:
        summary: As `summarise` gives it.
        forecast: One of its forecasts.
        board_url: Where the trader reaches the board; None leaves out the link.
    """
    own = {
        name: summary[name]
        for name in (
            "firm",
            "is_sample",
            "as_of",
            "prediction_date",
            "stale",
            "is_past_morning",
            "trust",
            "outcomes_date",
        )
    }
    outcomes = [
        one for one in summary["outcomes"] if one["trader_id"] == forecast["trader_id"]
    ]
    chart, images = _chart(forecast)
    own |= {
        "forecast": forecast,
        "chart": chart,
        "outcome": outcomes[0] if outcomes else None,
        "last_date": last_date(summary),
    }
    subject = f"{_first_of_all(summary)}Your risk for {day(summary['prediction_date'])}"
    return _rendered("trader", subject, own, board_url, images)


def subject_line(summary: dict[str, Any]) -> str:
    """How many are at high risk, for which session, and whether to trust it."""
    count, problems = len(summary["forecasts"]["High"]), len(summary["problems"])
    text = f"{counted(count, 'trader')} at high risk"
    if summary["is_by_limit_risk"]:
        text += " of a limit breach"
    urgent = sum(fact["severity"] == 1 for fact in summary["attention"] or [])
    if urgent:
        text = f"{urgent} to see before the open, {text}"
    if problems:
        text += f", {counted(problems, 'problem')} to look at first"
    return f"{_first_of_all(summary)}Risk for {day(summary['prediction_date'])}: {text}"


def _first_of_all(summary: dict[str, Any]) -> str:
    """What nobody may overlook, before anything else is said."""
    if summary["is_sample"]:
        return "SAMPLE DATA - "
    return "STALE - " if summary["stale"] else ""


def _rendered(
    template: str,
    subject: str,
    values: dict[str, Any],
    board_url: str | None,
    images: Mapping[str, bytes] = MappingProxyType({}),
) -> Rendered:
    import css_inline

    context = values | {
        "subject": subject, "rows": ROWS, "named": NAMED,
        "attention_lines": ATTENTION_LINES, "board_url": board_url,
    }  # fmt: skip
    page = environment(TEMPLATES).get_template(f"{template}.html.j2")
    text = environment(TEMPLATES).get_template(f"{template}.txt.j2").render(context)
    # Phones and dark mode need the rules that cannot be inlined.
    html, on_disk = (
        unbroken(
            css_inline.inline(page.render(context, board=board), keep_at_rules=True)
        )
        for board in (board_url, BOARD_FROM_DISK)
    )
    return Rendered(subject, html, text, images, on_disk)


def _chart(forecast: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, bytes]]:
    """A trader's last days: what is said of the chart, and its PNG by name."""
    net = [one["net_pnl"] for one in forecast["recent_days"]]
    if len(net) < 2:
        return None, {}
    said = {
        "name": "days", "width": WIDTH, "height": HEIGHT, "days_count": len(net),
        "losses_count": sum(amount < 0 for amount in net),
        "worst": min(net), "best": max(net),
    }  # fmt: skip
    return said, {"days": bars(net)}


def unbroken(html: str) -> str:
    """A page in which no line parts a sign from its amount, or a figure from its %."""
    parts = re.split(r"(<[^>]*>)", html)
    parts[::2] = [
        _SIGNED.sub(_NO_WRAP, re.sub(r"(?<=\d) %", f"{NO_BREAK}%", text))
        for text in parts[::2]
    ]
    return "".join(parts)


@cache
def environment(folder: Path) -> "jinja2.Environment":
    """Templates of report and board: the same words, signs and figures in both."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        # Names come from a back office: the HTML escapes them, the text must not.
        autoescape=lambda name: ".html" in (name or ""),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    filters = (
        money, dollars, percent, day, number, counted, isolated, multiplier, wrapped,
        slug, actual, total, in_all, last_day_said, chance, figure, limit_said,
        rare_said, flags_said, capitalized, fact_said, known, tail_said, why_said,
        made_said, from_peak, limit_used, outcomes_said,
    )  # fmt: skip
    made.filters |= {one.__name__: one for one in filters}
    made.globals["signs"] = SIGNS
    return made
