"""Turns a summary into the HTML and the text of the report, and its charts."""

import base64
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.charts import HEIGHT, WIDTH, bars
from reports.names import slug

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"
# Gmail shows the first 102 kB of a mail: beyond so many cards the others get a line.
CARDS = 25
# Facts that need attention, before one has to scroll.
ATTENTION_LINES = 7
# Of each level, for colour is never the only sign.
SIGNS = {
    "High": "▲", "Elevated": "◆", "Normal": "●", "Medium": "◆", "Low": "●",
    "Unknown": "?",
}  # fmt: skip
TEXT_WIDTH = 78
# Around a name written from right to left, so that it does not turn what follows.
_ISOLATE, _END = "\u2068", "\u2069"


@dataclass(frozen=True)
class Rendered:
    """A report ready to be mailed.

    Attributes:
        subject: The subject line.
        html: With its styles inlined; charts are at cid:<name>.
        text: The same in plain text.
        images: PNG of each chart, by name.
    """

    subject: str
    html: str
    text: str
    images: Mapping[str, bytes]

    def page(self) -> str:
        """The HTML as a page of its own, its charts in it."""
        html = self.html
        for name, png in self.images.items():
            data = base64.b64encode(png).decode()
            html = html.replace(f'"cid:{name}"', f'"data:image/png;base64,{data}"')
        return html


def render(summary: dict[str, Any], board_url: str | None = None) -> Rendered:
    """The desk's report.

    Args:
        summary: As `summarise` gives it.
        board_url: Where the desk reaches the board; None leaves out the links.
    """
    cards = summary["calls"]["High"][:CARDS]
    return _rendered("daily", subject_line(summary), summary, cards, board_url)


def render_trader(
    summary: dict[str, Any], call: dict[str, Any], board_url: str | None = None
) -> Rendered:
    """One trader's own page, with nothing in it of anybody else.

    Args:
        summary: As `summarise` gives it.
        call: One of its calls.
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
        )
    }
    outcomes = [
        one for one in summary["outcomes"] if one["trader_id"] == call["trader_id"]
    ]
    own |= {"call": call, "outcome": outcomes[0] if outcomes else None}
    own |= {"outcomes_date": summary["outcomes_date"]}
    subject = f"{_first_of_all(summary)}Your risk for {day(summary['prediction_date'])}"
    return _rendered("trader", subject, own, [call], board_url)


def subject_line(summary: dict[str, Any]) -> str:
    """How many are at high risk, for which session, and whether to trust it."""
    count, problems = len(summary["calls"]["High"]), len(summary["problems"])
    text = f"{counted(count, 'trader')} at high risk"
    if summary["is_by_limit_risk"]:
        text += " of passing the limit"
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
    charted: list[dict[str, Any]],
    board_url: str | None,
) -> Rendered:
    import css_inline

    images, charts = {}, {}
    for number, call in enumerate(charted, start=1):
        net = [one["net_pnl"] for one in call["recent_days"]]
        if len(net) > 1:
            name = f"days-{number}"
            images[name] = bars(net)
            charts[call["trader_id"]] = {
                "name": name, "width": WIDTH, "height": HEIGHT, "days_count": len(net),
                "losses_count": sum(amount < 0 for amount in net),
                "worst": min(net), "best": max(net),
            }  # fmt: skip
    context = values | {
        "subject": subject, "charts": charts, "cards": CARDS, "board_url": board_url,
        "attention_lines": ATTENTION_LINES,
    }  # fmt: skip
    html = environment(TEMPLATES).get_template(f"{template}.html.j2").render(context)
    text = environment(TEMPLATES).get_template(f"{template}.txt.j2").render(context)
    # Phones and dark mode need the rules that cannot be inlined.
    html = css_inline.inline(html, keep_at_rules=True)
    return Rendered(subject, html, text, images)


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
        rare_said, flags_said, capitalized, fact_said,
    )  # fmt: skip
    made.filters |= {one.__name__: one for one in filters}
    made.globals["signs"] = SIGNS
    return made


def money(value: Decimal | float | str | None) -> str:
    """Whole dollars with a sign, rounded half up; a dash where unknown."""
    if value is None:
        return "–"
    whole = Decimal(str(value)).quantize(Decimal(1), ROUND_HALF_UP)
    return f"{'−' if whole < 0 else ''}${abs(whole):,}"


def dollars(value: Decimal | None) -> str:
    """Dollars and cents with a sign, rounded half up; says so where unknown."""
    if value is None:
        return "not known"
    cents = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{'−' if cents < 0 else ''}${abs(cents):,}"


def fact_said(fact: dict[str, Any]) -> str:
    """A fact that needs attention, with its date and what it is held against."""
    at = f", {fact['occurred_at_et']} ET" if fact["occurred_at_et"] else ""
    text = f"{fact['fact']} ({day(fact['trade_date'])}{at})"
    if fact["comparison"]:
        text += f": {fact['comparison']}"
    more = fact["further_count"]
    return f"{text}; {more} more" if more else text


def actual(outcome: dict[str, Any]) -> str:
    """What became of a call: its P&L, whether traded or not, else why there is none."""
    if outcome["actual_net_pnl"] is not None:
        return money(outcome["actual_net_pnl"])
    return "not known" if outcome["has_traded"] is None else "did not trade"


def total(outcome: dict[str, Any]) -> str:
    """P&L with adjustments and unrealized, or what is known; a dash without a day."""
    if outcome["total_pnl"] is None and outcome["pnl_basis"]:
        return outcome["pnl_basis"].replace("_", " ")
    return money(outcome["total_pnl"])


def last_day_said(last_day: dict[str, Any]) -> str:
    """What the desk made on its last day, or that it is not known, as a sentence."""
    made = (
        "what it made net is not known: an exchange rate is missing,"
        if last_day["net_pnl"] is None
        else f"it made {money(last_day['net_pnl'])} net"
    )
    fills = counted(last_day["fills_count"], "fill")
    return f"On {day(last_day['trade_date'])} {made} with {fills}{in_all(last_day)}."


def in_all(made: dict[str, Any]) -> str:
    """What follows a realised P&L: the total, or of whom it is not known and why."""
    if made["pnl_basis"] is None:
        return ""
    if made["total_pnl"] is not None:
        told = f", {money(made['total_pnl'])} in all with adjustments and unrealized"
    else:
        words = {
            "realised_only": "realised only: the total is not known of",
            "incomplete": "incomplete: not all is known of",
        }[made["pnl_basis"]]
        told = f", {words} {made['unknown_parts']}"
    carried = int(made["stale_marks_count"])
    if carried:
        age = counted(made["oldest_mark_age_sessions_count"], "session")
        told += f"; {counted(carried, 'mark')} carried forward, the oldest {age} old"
    return told


def limit_said(call: dict[str, Any]) -> str:
    """The daily loss limit, and that it is the default where the desk set none."""
    limit = money(call["daily_loss_limit_amount"])
    return f"{limit} (default, not set)" if call["is_limit_set"] is False else limit


def rare_said(desk: dict[str, Any]) -> str:
    """How bad one session in a hundred may be, by what is known of so rare ones."""
    low, high = desk["one_in_hundred_low"], desk["one_in_hundred_high"]
    if low is not None:
        return f"90 % between {money(low)} and {money(high)}"
    return (
        f"no better than {money(high)}; {desk['scenarios_count']} past sessions are "
        "too few to say how much worse"
    )


def flags_said(score: dict[str, Any]) -> str:
    """How calls of High or Elevated limit risk turned out, as sentences."""
    flagged, passed = score["flagged_count"], score["breaches_count"]
    caught, count = score["breaches_caught_count"], score["forecasts_count"]
    text = (
        f"{flagged:,} of {counted(count, 'call')} were flagged (High or Elevated). "
        f"The limit was passed after {counted(passed, 'call')}, {passed / count:.1%}"
    )
    if flagged:
        text += f"; of the flagged ones after {caught / flagged:.1%}"
    if not passed:
        return f"{text}."
    return f"{text}. {caught:,} of those {passed:,} had been flagged."


def chance(value: float | None) -> str:
    """A probability, with a decimal where it is small; a dash where unknown."""
    if value is None:
        return "–"
    return f"{value:.1%}" if round(value, 3) < 0.1 else f"{value:.0%}"


def figure(value: float | None, measure: dict[str, Any]) -> str:
    """A figure of a measure: a share as a percentage, any other as a number."""
    if value is None or value != value:
        return "–"
    return f"{value:.1%}" if measure["is_share"] else number(value)


def percent(value: float | None) -> str:
    """A ratio as a whole percentage; a dash where unknown."""
    return "–" if value is None else f"{value:.0%}"


def number(value: float | None) -> str:
    """Three decimals below ten, none above; a dash where unknown."""
    if value is None or value != value:
        return "–"
    return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.0f}"


def multiplier(value: float | None) -> str:
    """The advised size, as a multiple of the usual one; a dash where there is none."""
    return "–" if value is None else f"×\N{NO-BREAK SPACE}{value:g}"


def counted(count: int, one: str, several: str | None = None) -> str:
    """A count with its noun; the plural takes an s if nothing else is said."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def wrapped(text: str, indent: int = 0, first: int | None = None) -> str:
    """A paragraph in lines of plain text.

    Args:
        indent: Blanks before each line.
        first: Blanks before the first one, if others.
    """
    return textwrap.fill(
        " ".join(text.split()),
        width=TEXT_WIDTH,
        initial_indent=" " * (indent if first is None else first),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def capitalized(text: str) -> str:
    """With a capital first, the rest as it is."""
    return text[:1].upper() + text[1:]


def day(value: date | str | None) -> str:
    """A date with its weekday."""
    if isinstance(value, str):
        value = date.fromisoformat(value)
    return "–" if value is None else f"{value:%a} {value:%Y-%m-%d}"


def isolated(name: str) -> str:
    """A name for plain text that leaves the order of what follows as it is."""
    turns = any(unicodedata.bidirectional(sign) in ("R", "AL", "AN") for sign in name)
    return f"{_ISOLATE}{name}{_END}" if turns else name
