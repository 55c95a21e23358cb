"""Turns a summary into the HTML and the text of the report."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"


def render(summary: dict[str, Any]) -> tuple[str, str, str]:
    """The report's subject line, HTML with its styles inlined, and plain text."""
    import css_inline
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        # Names come from a back office: the HTML escapes them, the text must not.
        autoescape=lambda name: ".html" in (name or ""),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "money": money, "percent": percent, "day": day, "number": number,
    }  # fmt: skip
    subject = subject_line(summary)
    html = environment.get_template("daily.html.j2").render(subject=subject, **summary)
    text = environment.get_template("daily.txt.j2").render(subject=subject, **summary)
    # Phones and dark mode need the rules that cannot be inlined.
    return subject, css_inline.inline(html, keep_at_rules=True), text


def subject_line(summary: dict[str, Any]) -> str:
    """How many are at high risk, and for which session."""
    count = len(summary["calls"]["High"])
    who = f"{count} trader{'' if count == 1 else 's'} at high risk"
    sample = "SAMPLE DATA - " if summary["is_sample"] else ""
    return f"{sample}Risk for {day(summary['prediction_date'])}: {who}"


def money(value: Decimal | float | None) -> str:
    """Whole dollars with a sign, rounded half up; a dash where unknown."""
    if value is None:
        return "–"
    whole = Decimal(str(value)).quantize(Decimal(1), ROUND_HALF_UP)
    return f"{'−' if whole < 0 else ''}${abs(whole):,}"


def percent(value: float | None) -> str:
    """A ratio as a whole percentage; a dash where unknown."""
    return "–" if value is None else f"{value:.0%}"


def number(value: float | None) -> str:
    """Three decimals below ten, none above; a dash where unknown."""
    if value is None or value != value:
        return "–"
    return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.0f}"


def day(value: date | None) -> str:
    """A date with its weekday."""
    return "–" if value is None else f"{value:%a} {value:%Y-%m-%d}"
