"""The report as a person reads it: in a mail, on a phone, in plain text."""

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from html import escape, unescape
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Comment

from reports.names import slug
from reports.render import ROWS, Rendered, money, render, render_trader, unbroken
from reports.substance import desk_substance
from reports.summary import is_kept, keep, read_kept, summarise
from reports.trust import size_said, trust_said
from runtime.errors import UserError
from runtime.home import Home
from tests.browser import browse, needs_browser
from tests.conftest import SampleRun, make_settings

# What Gmail shows of a mail before it cuts it off.
GMAIL_BYTES = 102_000
# Tags, attributes and styles that Gmail, Outlook and phones all know, or that are no
# loss where they do not (an Outlook of 2016 has no rounded corners, and no max-width).
TAGS = {
    "html", "head", "meta", "title", "style", "body", "table", "tbody", "tr", "td",
    "th", "h1", "h2", "p", "span", "b", "br", "img", "ul", "li", "a",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "dir", "charset", "name", "content", "style", "class", "role", "width",
    "height", "cellpadding", "cellspacing", "border", "align", "valign", "bgcolor",
    "scope", "colspan", "src", "alt", "href",
}  # fmt: skip
STYLES = {
    "background-color", "color", "font-family", "font-size", "font-weight",
    "line-height", "margin", "padding", "padding-left", "padding-right",
    "text-align", "white-space", "border", "border-left", "border-color",
    "display", "max-width",
}  # fmt: skip
DAYS = [
    {"trade_date": str(date(2026, 2, 1) + timedelta(n)), "net_pnl": 100.0 * (n % 5 - 2)}
    for n in range(20)
]


def forecast(trader_id: str, level: str, pnl: str | None, **more) -> dict:
    """A forecast as summarise() gives it, at that level of limit risk."""
    amount = None if pnl is None else Decimal(pnl)
    return {
        "trader_id": trader_id, "display_name": trader_id, "limit_risk": level,
        "risk_level": {"Elevated": "Medium", "Normal": "Low"}.get(level, level),
        "limit_reason": "loses before fees on 40 % of days, about $900",
        "is_limit_set": True,
        "one_in_twenty_amount": "1900.00", "usual_days_amount": "1500.00",
        "days_count": 90, "daily_loss_limit_passed_count": 4,
        "one_in_twenty_passed_count": 5, "usual_days_passed_count": 7,
        "predicted_pnl": None if pnl is None else pnl,
        "predicted_pnl_p05": amount and str(amount - 1000),
        "predicted_pnl_p95": amount and str(amount + 1000),
        "loss_probability": None if pnl is None else 0.61,
        "reasons": "three losing days; large size",
        "limit_loss_probability": None if pnl is None else 0.17,
        "daily_loss_limit_amount": "2500.00", "change_reasons": None,
        "recommendation": "At most 50 % of usual size",
        "position_multiplier": 0.5, "is_newcomer": False, "traded_days_count": 90,
        "model_version": "v1", "recent_days": DAYS, "last_net_pnl": "-3500",
        "has_last_day": True, "five_days_net_pnl": "-900.4", "has_five_days": True,
        "limit_use_ratio": 1.4, "below_peak_amount": "4100", "size_ratio": 2.04,
        "peak_unknown_days_count": 0, "overnight_amount": "0",
    } | more  # fmt: skip


DESK = {
    "traders_count": 4, "worst_case_pnl": "-5000.4", "median_pnl": "310",
    "best_case_pnl": "6000", "one_in_hundred_pnl": "-8000.6",
    "one_in_hundred_low": "-9100", "one_in_hundred_high": "-7000",
    "scenarios_count": 250,
    "evaluated_sessions_count": 240, "breached_sessions_count": 18,
}  # fmt: skip
SCORE = {
    "sessions_count": 60, "forecasts_count": 1000, "replayed_count": 0,
    "flagged_count": 100, "breaches_count": 50, "breaches_caught_count": 20,
    "alarms_count": 30, "losses_count": 40, "hits_count": 18, "false_alarms_count": 12,
    "missed_losses_count": 22, "inside_interval_count": 910, "actual_net_pnl": "9000",
    "avoided_loss_amount": "4000.00", "missed_gain_amount": "1500.00",
    "advised_size_effect": "2500.00", "first_date": "2025-12-01",
    "last_date": "2026-02-27",
}  # fmt: skip
OUTCOME = {
    "trader_id": "T9", "display_name": "T9", "limit_risk": "High",
    "risk_level": "High", "is_limit_breached": False,
    "predicted_pnl": "-1200", "actual_net_pnl": "-800", "has_traded": True,
    "advised_size_effect": 400.0, "total_pnl": "-750", "pnl_basis": "total",
    "unknown_parts": None, "stale_marks_count": 0,
    "oldest_mark_age_sessions_count": None,
}  # fmt: skip


def summary(**more) -> dict:
    """A summary with one trader at each level."""
    levels = {
        "High": [forecast("T1", "High", "-1500.50")],
        "Elevated": [forecast("T2", "Elevated", "-20")],
        "Unknown": [
            forecast(
                "T4", "Unknown", None, recommendation="No prediction",
                position_multiplier=None,
            )
        ],
        "Normal": [
            forecast("T3", "Normal", "300", is_newcomer=True, position_multiplier=1.0)
        ],
    }  # fmt: skip
    return {
        "firm": "Test firm", "source": "files", "is_sample": False,
        "as_of": "2026-03-02", "prediction_date": "2026-03-02", "desk": DESK,
        "last_day": None, "forecasts": levels, "inactive": [], "outcomes": [],
        "outcomes_date": None, "are_outcomes_replayed": False, "score": None,
        "problems": [], "information": [], "measures": [], "model_version": "v1",
        "dollars_are_doubtful": False, "selected_models": [], "learned": None,
        "is_past_morning": False, "stale": None, "is_by_limit_risk": True,
        "limits": {"unset_count": 0, "default_amount": None}, "size_advice": None,
        "attention": [], "facts": None, "live_day": None, "trust": "Trust it so far.",
        "is_size_proven": False,
    } | more  # fmt: skip


def nothing() -> dict:
    """A summary of a firm without a forecast."""
    return summary(
        desk=None,
        forecasts=dict.fromkeys(("High", "Elevated", "Unknown", "Normal"), []),
    )


def desk_of(count: int, high: int) -> dict:
    """A summary of a desk of that many traders, so many of them at high risk."""
    names = [f"Trader Number {number:03d}" for number in range(count)]
    forecasts = {
        "High": [forecast(name, "High", "-1500.50") for name in names[:high]],
        "Elevated": [
            forecast(name, "Elevated", "-20") for name in names[high : 2 * high]
        ],
        "Unknown": [],
        "Normal": [forecast(name, "Normal", "12345.5") for name in names[2 * high :]],
    }
    outcomes = [OUTCOME | {"trader_id": x, "display_name": x} for x in names]
    return summary(forecasts=forecasts, outcomes=outcomes, outcomes_date="2026-02-27")


def page(rendered: Rendered) -> BeautifulSoup:
    """The HTML, read as a mail client reads it."""
    return BeautifulSoup(rendered.html, "html.parser")


def said(rendered: Rendered) -> str:
    """All of the HTML's words, in one line."""
    return " ".join(page(rendered).text.split())


def both(rendered: Rendered) -> tuple[str, str]:
    """The words of the HTML and of the plain text, in one line each."""
    return said(rendered), " ".join(rendered.text.split())


def cells(rendered: Rendered, trader: str) -> list[str]:
    """A trader's line in the table of traders."""
    row = page(rendered).select_one(".figures").find(string=re.compile(trader))
    found = [" ".join(one.text.split()) for one in row.find_parent("tr").select("td")]
    return found


def test_the_subject_counts_who_is_at_high_risk_and_what_is_wrong() -> None:
    assert render(summary()).subject == (
        "Risk for Mon 2026-03-02: 1 trader at high risk of a limit breach"
    )
    check = {"found_count": 3, "finding": "rows", "how_to_fix": "See"}
    assert render(nothing() | {"problems": [check]}).subject == (
        "Risk for Mon 2026-03-02: 0 traders at high risk of a limit breach, "
        "1 problem to look at first"
    )


def test_html_and_text_tell_the_same_of_every_trader() -> None:
    told = render(summary())
    for trader, worst in (("T1", "−$2,501"), ("T2", "−$1,020"), ("T3", "−$700")):
        assert cells(told, trader)[0].startswith(trader)
        line = next(x for x in told.text.splitlines() if x.startswith(trader))
        for figure in ("−$3,500", "−$900", "−$4,100", "140 %", "$0", "17 %", "61 %"):
            assert figure in cells(told, trader)
            assert figure in " ".join(line.split())
        assert cells(told, trader)[-1] == worst
        assert line.split()[-1] == worst
    for text in both(told):
        assert "T4" in text
        assert "No prediction" in text


def test_who_is_most_at_risk_comes_first_under_a_word_and_a_sign() -> None:
    told = render(summary())
    rows = page(told).select(".figures tr")[1:]
    first = [" ".join(row.find(["th", "td"]).text.split()) for row in rows]
    assert first == [
        "▲ High risk of breaching the limit: 1", "T1",
        "◆ Elevated risk of breaching the limit: 1", "T2", "? Unknown: 1", "T4",
        "● Normal risk of breaching the limit: 1", "T3 (new)",
    ]  # fmt: skip
    places = [told.text.index(f"\n{name}") for name in ("T1", "T2", "T4", "T3")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ({"last_net_pnl": None}, ["?", "−$900", "−$4,100", "140 %", "$0"]),
        (
            {"last_net_pnl": None, "has_last_day": False, "limit_use_ratio": None,
             "five_days_net_pnl": None, "has_five_days": False,
             "overnight_amount": None},
            ["–", "–", "−$4,100", "–", "–"],
        ),
        (
            {"peak_unknown_days_count": 2, "is_limit_set": False},
            ["−$3,500", "−$900", "−$4,100?", "140 %*", "$0"],
        ),
        (
            {"below_peak_amount": "0", "limit_use_ratio": None},
            ["−$3,500", "−$900", "$0", "?", "$0"],
        ),
    ],
)  # fmt: skip
def test_what_is_not_known_of_a_trader_is_no_zero(
    known: dict, shown: list[str]
) -> None:
    one = forecast("T1", "High", "-1500", **known)
    told = render(summary(forecasts=summary()["forecasts"] | {"High": [one]}))
    assert cells(told, "T1")[1:6] == shown
    line = next(x for x in told.text.splitlines() if x.startswith("T1"))
    assert " ".join(line.split()).startswith(" ".join(["T1", *shown]))


def test_size_is_a_column_only_where_the_evidence_supports_it() -> None:
    assert "× 0.5" not in said(render(summary()))
    proven = render(summary(is_size_proven=True))
    assert cells(proven, "T1")[-1] == "× 0.5"
    assert "At most 50 % of usual size" in " ".join(proven.text.split())


FACTS = {
    "month_start": "2026-02-01", "month_net_pnl": "5130", "month_total_pnl": "-2451.9",
    "month_incomplete_days_count": 0, "month_unknown_days_count": 0,
    "below_peak_amount": "117226.7", "peak_unknown_days_count": 0,
    "breaches_count": 0, "default_breaches_count": 3, "unknown_traders_count": 0,
}  # fmt: skip
LAST_DAY = {
    "trade_date": "2026-02-27", "accounts_count": 4, "fills_count": 9, "net_pnl": "800",
    "total_pnl": "-120.4", "pnl_basis": "total", "unknown_parts": None,
    "unknown_traders_count": 0, "stale_marks_count": 0,
    "oldest_mark_age_sessions_count": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("last_day", "facts", "sentence"),
    [
        (
            {}, {},
            "Fri 2026-02-27: $800 realized, −$120 in all; February to date −$2,452 in "
            "all; $117,227 below the peak; no set limit breached, 3 traders without "
            "one lost more than the default.",
        ),
        (
            {"total_pnl": None, "pnl_basis": "realised_only",
             "unknown_parts": "A1 (no mark)", "unknown_traders_count": 2},
            {"month_unknown_days_count": 12, "month_total_pnl": None,
             "below_peak_amount": "0", "breaches_count": 2,
             "default_breaches_count": 0},
            "Fri 2026-02-27: $800 realized, in all not known for 2 traders; February "
            "to date $5,130 realized, in all not known on 12 days; at the peak; 2 "
            "limits breached.",
        ),
        (
            {"net_pnl": None, "total_pnl": None, "pnl_basis": "incomplete",
             "unknown_parts": "A1 (x)", "unknown_traders_count": 1},
            {"month_unknown_days_count": 3, "month_incomplete_days_count": 1,
             "peak_unknown_days_count": 1, "breaches_count": 1,
             "unknown_traders_count": 1},
            "Fri 2026-02-27: realized P&L not known, an exchange rate is missing, "
            "incomplete: not all is known of 1 trader; February to date $5,130 "
            "realized, in all not known on 3 days, realized not on 1 of them; "
            "$117,227 below the peak, 1 day not known; 1 limit breached, 3 traders "
            "without one lost more than the default; P&L of 1 trader not known in the "
            "last five sessions.",
        ),
    ],
)  # fmt: skip
def test_what_happened_is_one_sentence_before_everything_else(
    last_day: dict, facts: dict, sentence: str
) -> None:
    told = render(
        summary(
            last_day=LAST_DAY | last_day, facts=FACTS | facts, attention=[fact("T1")]
        )
    )
    for text in both(told):
        assert sentence in text
        assert text.index(sentence) < text.index("$59,527")


def test_what_could_not_be_checked_is_in_that_sentence() -> None:
    check = {"found_count": 3, "finding": "rows", "how_to_fix": "See"}
    told = render(
        summary(
            last_day=LAST_DAY,
            problems=[check],
            limits={"unset_count": 3, "default_amount": "1000"},
        )
    )
    for text in both(told):
        assert (
            "−$120 in all; 3 of 4 traders have no limit set (default $1,000); "
            "1 problem to look at first." in text
        )
    assert "No fill yet." in said(render(nothing()))


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (
            {"stale_marks_count": "3", "oldest_mark_age_sessions_count": 2},
            "On Fri 2026-02-27 it made $800 net with 9 fills, −$120 in all with "
            "adjustments and unrealized; 3 marks carried forward, the oldest 2 "
            "sessions old.",
        ),
        (
            {"stale_marks_count": 1, "oldest_mark_age_sessions_count": 1,
             "total_pnl": None, "pnl_basis": "realised_only",
             "unknown_parts": "A1 (no mark)"},
            "9 fills, realized only: the total is not known of A1 (no mark); "
            "1 mark carried forward, the oldest 1 session old.",
        ),
        (
            {"total_pnl": None, "pnl_basis": "incomplete",
             "unknown_parts": "A1 (fills missing)"},
            "9 fills, incomplete: not all is known of A1 (fills missing).",
        ),
    ],
)  # fmt: skip
def test_a_total_that_is_not_known_is_told_with_its_reason(
    known: dict, sentence: str
) -> None:
    for text in both(render(summary(last_day=LAST_DAY | known))):
        assert sentence in text
    for text in both(render(summary(last_day=LAST_DAY))):
        assert "9 fills" not in text


@pytest.mark.parametrize(
    ("known", "line"),
    [
        (
            {},
            "1-in-20 worst case −$5,000; exceeded on 18 of 240 sessions, 7.5 % (5 % "
            "expected); 1-in-100 −$8,001 (90 % −$9,100 to −$7,000).",
        ),
        (
            {"one_in_hundred_low": None, "evaluated_sessions_count": 0},
            "1-in-20 worst case −$5,000; not tested on any session yet; 1-in-100 "
            "−$8,001 (no better than −$7,000; 250 sessions are too few to say how "
            "much worse).",
        ),
        ({"one_in_hundred_pnl": None}, "7.5 % (5 % expected). Trust"),
        ({"worst_case_pnl": None}, "too few sessions for a 1-in-20 worst case."),
    ],
)
def test_the_desks_tail_is_one_line_with_its_record(known: dict, line: str) -> None:
    for text in both(render(summary(desk=DESK | known))):
        assert line in text


def test_the_verdict_is_told_once() -> None:
    for text in both(render(summary())):
        assert text.count("Trust it so far.") == 1


def test_how_good_the_live_desk_was_is_told_where_it_watched() -> None:
    told = "The live desk: all 9 fills were as PropReports has them."
    for text in both(render(summary(live_day=told))):
        assert text.count(told) == 1
    for text in both(render(summary())):
        assert "live desk" not in text


def test_a_mail_holds_only_what_every_client_knows() -> None:
    check = {"found_count": 3, "finding": "rows <b>", "how_to_fix": "See it"}
    told = render(
        summary(
            problems=[check], information=[check], score=SCORE, outcomes=[OUTCOME],
            outcomes_date="2026-02-27", is_sample=True, attention=[fact("T1")],
            last_day=LAST_DAY, facts=FACTS, is_size_proven=True,
        ),
        "https://board.x.test",
    )  # fmt: skip
    own = render_trader(summary(), summary()["forecasts"]["High"][0])
    for found in (page(told), page(own)):
        for tag in found.find_all(True):
            assert tag.name in TAGS, tag.name
            assert set(tag.attrs) <= ATTRIBUTES, tag
            for style in filter(str.strip, tag.get("style", "").split(";")):
                assert style.split(":")[0].strip() in STYLES, style
            if tag.name == "table":
                # Layout is not read out as a table; a table of figures has headings.
                assert tag.get("role") == "presentation" or tag.find("th", scope="col")
            if tag.name == "img":
                assert tag["src"].startswith("cid:")
                assert tag["alt"]
                assert tag["width"]
                assert tag["height"]
        assert found.html["lang"] == "en"
        assert "@media (prefers-color-scheme: dark)" in found.style.text
        assert found.find("h1")["style"]
        fetched = re.findall(r"url\(|@import|(?:src|href)=\"(?!cid:)[^\"]+", str(found))
        assert {one for one in fetched if "board.x.test" not in one} == set()


def test_outlook_gets_a_width_and_nobody_else_sees_it() -> None:
    comments = page(render(summary())).find_all(string=lambda x: isinstance(x, Comment))
    assert any("[if mso]" in one and 'width="600"' in one for one in comments)


def test_the_board_is_linked_with_and_without_a_setting() -> None:
    facts = [
        fact("T1"),
        fact("desk", scope_type="desk", display_name="The desk"),
    ]
    mailed = render(summary(attention=facts), "https://board.x.test")
    day_of_trader = f"traders/{slug('T1')}.html#2026-02-27"
    links = [one["href"] for one in page(mailed).select("a")]
    assert f"https://board.x.test/{day_of_trader}" in links
    assert links.count("https://board.x.test/index.html") == 2
    assert f"https://board.x.test/{day_of_trader}" in mailed.text
    alone = BeautifulSoup(mailed.page(), "html.parser")
    links = [one["href"] for one in alone.select("a")]
    assert f"../../board/{day_of_trader}" in links
    assert not any("x.test" in link for link in links)
    # A mail without a setting has nothing to lead to.
    assert not page(render(summary(attention=facts))).select("a")
    alone = BeautifulSoup(render(summary(attention=facts)).page(), "html.parser")
    assert f"../../board/{day_of_trader}" in [one["href"] for one in alone.select("a")]


def test_a_traders_chart_is_in_the_mail_and_the_desks_has_none() -> None:
    whole = summary()
    assert not render(whole).images
    told = render_trader(whole, whole["forecasts"]["High"][0])
    sources = [image["src"] for image in page(told).find_all("img")]
    assert sources == [f"cid:{name}" for name in told.images]
    assert len(sources) == 1
    assert all(png.startswith(b"\x89PNG") for png in told.images.values())
    alone = BeautifulSoup(told.page(), "html.parser")
    assert alone.img["src"].startswith("data:image/png;base64,")
    assert "cid:" not in told.page()
    # With images off, and in plain text, the same is said in words.
    words = "Last 20 traded days, net: 8 lost, worst −$200, best $200"
    assert alone.img["alt"] == words
    for text in both(told):
        assert words in text


def test_a_trader_of_one_day_has_no_chart() -> None:
    one = forecast("T1", "High", "-1500", recent_days=DAYS[:1])
    told = render_trader(summary(), one)
    assert not told.images
    assert not page(told).find_all("img")


NAMES = ["<script>alert(1)</script>", "A, B", "😀", "אבג", "T&amp;J", "x" * 60]


@pytest.mark.parametrize("name", NAMES)
def test_a_strange_name_is_shown_and_does_no_harm(name: str) -> None:
    forecasts = summary()["forecasts"] | {"High": [forecast(name, "High", "-2000")]}
    told = render(summary(forecasts=forecasts), "https://board.x.test")
    cell = page(told).select(".figures td")[0]
    assert cell.text.strip() == name
    assert cell.find("span")["dir"] == "auto"
    assert not page(told).find_all("script")
    assert name in told.text


def test_a_name_from_right_to_left_does_not_turn_the_line() -> None:
    forecasts = summary()["forecasts"] | {"Normal": [forecast("אבג", "Normal", "20")]}
    assert "\u2068אבג\u2069" in render(summary(forecasts=forecasts)).text
    assert "\u2068" not in render(summary()).text


def test_the_name_that_the_desk_gives_a_trader_comes_first() -> None:
    named = forecast("SIM01", "High", "-2000", display_name="Opening desk")
    told = render(summary(forecasts=summary()["forecasts"] | {"High": [named]}))
    assert cells(told, "Opening")[0] == "Opening desk (SIM01)"
    assert "Opening desk (SIM01)" in told.text


LOST = [{"trade_date": "2026-02-01", "net_pnl": net} for net in (900.0, -200.0, -400.0)]


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (
            {"recent_days": LOST},
            "lost $600 on the last 2 traded days; size 2.0 × the usual; lost on 2 of "
            "the last 3 days; average win is 3.0 × average loss",
        ),
        (
            {"recent_days": LOST[:2], "size_ratio": 1.2, "overnight_amount": "5000"},
            "lost $200 on the last traded day; $5,000 held overnight; lost on 1 of the "
            "last 2 days; average win is 4.5 × average loss",
        ),
        ({"recent_days": [], "size_ratio": None}, "no traded day yet"),
    ],
)
def test_reasons_are_facts_before_a_forecast(known: dict, why: str) -> None:
    one = forecast("T1", "High", "-1500", **known)
    told = render(summary(forecasts=summary()["forecasts"] | {"High": [one]}))
    for text in both(told):
        assert f"T1 (High): {why}. Forecast: loses before fees on 40 % of" in text
        # What pushes a model is no reason.
        assert "three losing days" not in text


@pytest.mark.parametrize("level", ["High", "Normal"])
def test_a_traders_own_page_says_the_largest_risk_whatever_the_level(
    level: str,
) -> None:
    one = forecast("T1", level, "300", recent_days=LOST, is_limit_set=False)
    own = render_trader(summary(last_day=LAST_DAY), one)
    for text in both(own):
        assert (
            "Fri 2026-02-27: −$3,500 realized, at worst 140 % of the limit lost; last "
            "five sessions: −$900 realized; $4,100 below the peak; $0 held overnight."
            in text
        )
        assert "Lost $600 on the last 2 traded days;" in text
        assert (
            "Chance of breaching the limit of $2,500 (default, not set): 17 %." in text
        )
        assert "Probability of a loss 61 %, 1-in-20 worst case −$700." in text
        assert "Trust it so far." in text


def test_no_forecasts_reads_well() -> None:
    for text in both(render(nothing())):
        assert "No forecasts: no trader has traded lately." in text
        assert "high risk." not in text


def test_what_is_wrong_comes_before_everything_else() -> None:
    check = {
        "found_count": 3,
        "finding": "rows could not be read",
        "how_to_fix": "See it",
    }
    told = render(summary(problems=[check]))
    for text in both(told):
        assert text.index("rows could not be read") < text.index("1-in-20 worst case")
    found = page(told)
    assert found.select_one(".warning").find_next("h1") is found.h1
    assert not page(render(summary())).select(".warning")


def test_what_is_only_told_is_no_banner_and_comes_last() -> None:
    check = {
        "found_count": 1200,
        "finding": "days were corrected",
        "how_to_fix": "None",
    }
    told = render(summary(information=[check]))
    assert not page(told).select(".warning")
    assert "1,200 days were corrected. None." in [
        one.text for one in page(told).select(".told li")
    ]
    assert told.text.index("days were corrected") > told.text.index("DETAILS")
    assert "!" not in told.text


def test_a_file_or_column_with_markup_in_its_name_does_no_harm() -> None:
    check = {"found_count": 1, "finding": "column <b>x</b>", "how_to_fix": "See it"}
    found = page(render(summary(problems=[check], information=[check])))
    assert "<b>x</b>" in found.select_one(".warning").text
    assert "<b>x</b>" in found.select_one(".told").text


def test_old_data_and_a_past_morning_are_told_before_anything_else() -> None:
    told = "the data ends 2026-02-26, 1 session is missing (2026-02-27)"
    stale = render(summary(stale=told))
    own = render_trader(summary(stale=told), forecast("T1", "High", "-1500.50"))
    for one in (stale, own):
        assert one.subject.startswith("STALE - ")
        assert (
            said(one).split("<")[0].strip().startswith(f"{one.subject} STALE: {told}")
        )
        assert " ".join(one.text.split()).startswith(f"*** STALE: {told}")
    past = render(summary(is_past_morning=True))
    assert "STALE" not in past.subject + past.text
    for text in both(past):
        assert "A PAST MORNING, as AS_OF=2026-03-02 asked for" in text


@pytest.mark.parametrize(
    ("outcomes", "are_simulated", "sentence"),
    [
        (
            [{"is_limit_breached": True}, {"is_limit_breached": True,
             "limit_risk": "Normal"}, {}],
            False,
            "Forecasts for Fri 2026-02-27 against what happened: 2 of 3 traders "
            "breached the limit, 1 of them flagged.",
        ),
        (
            [{}], True,
            "Forecasts for Fri 2026-02-27, simulated (out of sample), against what "
            "happened: 0 of 1 trader breached the limit.",
        ),
    ],
)  # fmt: skip
def test_the_last_forecasts_are_held_against_what_happened(
    outcomes: list[dict], are_simulated: bool, sentence: str
) -> None:
    told = render(
        summary(
            outcomes=[OUTCOME | one for one in outcomes], outcomes_date="2026-02-27",
            are_outcomes_replayed=are_simulated,
        )
    )  # fmt: skip
    for text in both(told):
        assert sentence in text


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ({}, "actual −$800, −$750 in all"),
        ({"is_limit_breached": True}, "actual −$800 (limit breached), −$750 in all"),
        (
            {"total_pnl": None, "pnl_basis": "incomplete", "unknown_parts": "A1 (x)"},
            "actual −$800, incomplete: not all is known of A1 (x)",
        ),
        ({"total_pnl": None, "pnl_basis": None}, "actual −$800."),
        ({"actual_net_pnl": None, "has_traded": False}, "you did not trade, −$750 in"),
        ({"actual_net_pnl": None, "has_traded": None}, "is not known yet"),
    ],
)
def test_a_trader_is_told_what_became_of_the_last_forecast(
    known: dict, shown: str
) -> None:
    outcome = OUTCOME | {"trader_id": "T1"} | known
    whole = summary(outcomes=[outcome], outcomes_date="2026-02-27")
    for text in both(render_trader(whole, whole["forecasts"]["High"][0])):
        assert shown in text


def test_the_record_of_the_forecasts_is_one_line() -> None:
    for text in both(render(summary(score=SCORE))):
        assert (
            "The last 60 sessions: The limit was breached on 50 of 1,000 trader-days, "
            "5.0 %, and on 20.0 % of the 100 flagged High or Elevated; 20 of the 50 "
            "had been flagged." in text
        )
        assert "simulated" not in text
    for text in both(render(summary(score=SCORE | {"replayed_count": 40}))):
        assert "40 of the forecasts are simulated (out of sample)." in text


def test_plain_text_fits_a_narrow_window() -> None:
    told = render(
        summary(
            score=SCORE, outcomes=[OUTCOME], outcomes_date="2026-02-27",
            last_day=LAST_DAY, facts=FACTS, attention=[fact("T1")],
            size_advice="Size from " + "a rule of many words " * 5, is_size_proven=True,
            forecasts=summary()["forecasts"]
            | {"High": [forecast("x" * 60, "High", "-2000")]},
        )
    )  # fmt: skip
    assert max(map(len, told.text.splitlines())) <= 80


def test_a_traders_own_page_has_nothing_of_anybody_else() -> None:
    outcomes = [OUTCOME, OUTCOME | {"trader_id": "T1", "actual_net_pnl": "-77"}]
    whole = summary(
        outcomes=outcomes, outcomes_date="2026-02-27", score=SCORE, last_day=LAST_DAY,
        facts=FACTS, attention=[fact("T2")],
    )  # fmt: skip
    told = render_trader(whole, whole["forecasts"]["High"][0])
    assert told.subject == "Your risk for Mon 2026-03-02"
    for text in (told.html, told.text):
        assert "T1" in text
        assert "−$77" in text
        for other in ("T2", "T3", "T4", "T9", "−$5,000", "$800", "$117,227", "$59,527"):
            assert other not in text
    assert list(told.images) == ["days"]


def test_money_rounds_half_up_and_shows_the_unknown() -> None:
    shown = [money(value) for value in ("0.5", -1500.5, None, Decimal("-0.4"))]
    assert shown == ["$1", "−$1,501", "–", "$0"]


@pytest.mark.parametrize(("count", "high"), [(1, 0), (100, 10), (500, 60)])
def test_gmail_shows_the_whole_mail_of_a_large_desk(count: int, high: int) -> None:
    board = "https://board.of.a.desk.example.com/risk"
    told = render(desk_of(count, high), board)
    assert len(told.html.encode()) < GMAIL_BYTES
    table = page(told).select_one(".figures").text
    for number in range(count):
        assert (f"Trader Number {number:03d}" in table) == (number < ROWS)
        assert f"Trader Number {number:03d}\n" in told.text
    if count > ROWS:
        assert f"{count - ROWS} more, at less risk, are on the board" in said(told)


def test_what_was_kept_under_former_names_reads_as_it_did(tmp_path: Path) -> None:
    home, day = Home(tmp_path), date(2026, 3, 2)
    check = {"found_count": 3, "finding": "fills are late", "how_to_fix": "See it"}
    now = summary(
        score=SCORE, desk=DESK, selected_models=["losses"], problems=[check],
        information=[check],
    )  # fmt: skip
    keep(home, now)
    kept = home.reports / str(day) / "summary.json"
    text = kept.read_text()
    for name, former in (
        ("forecasts_count", "calls_count"),
        ("evaluated_sessions_count", "judged_sessions_count"),
        ("how_to_fix", "remedy"),
        ("selected_models", "speakers"),
    ):
        assert f'"{name}"' in text
        text = text.replace(f'"{name}"', f'"{former}"')
    kept.write_text(text)
    assert render(read_kept(home, day)).html == render(now).html


def test_what_was_kept_before_facts_and_totals_were_read_says_nothing_of_them(
    tmp_path: Path,
) -> None:
    home, now = Home(tmp_path), summary(outcomes=[OUTCOME], outcomes_date="2026-02-27")
    named = ("total_pnl", "pnl_basis", "unknown_parts", "unknown_traders_count")
    facts = ("last_net_pnl", "has_last_day", "five_days_net_pnl", "has_five_days",
             "limit_use_ratio", "below_peak_amount", "size_ratio",
             "peak_unknown_days_count", "overnight_amount")  # fmt: skip
    for forecasts in now["forecasts"].values():
        for one in forecasts:
            for name in facts:
                del one[name]
    for name in ("facts", "trust", "is_size_proven", "live_day"):
        del now[name]
    keep(
        home,
        now
        | {
            "last_day": {key: x for key, x in LAST_DAY.items() if key not in named},
            "outcomes": [{key: x for key, x in OUTCOME.items() if key not in named}],
        },
    )
    told = render(read_kept(home, date(2026, 3, 2)))
    for text in both(told):
        assert "Fri 2026-02-27: $800 realized." in text
    assert cells(told, "T1")[1:6] == ["–"] * 5


def former(now: dict) -> dict:
    """The same as a version kept it that forecast by expected P&L alone."""

    def less(one: dict | None, *names: str) -> dict | None:
        return one and {key: x for key, x in one.items() if key not in names}

    calls = {
        level: [
            less(
                one, "limit_risk", "limit_reason", "is_limit_set", "days_count",
                "one_in_twenty_amount", "usual_days_amount", "last_net_pnl",
                "has_last_day", "five_days_net_pnl", "has_five_days",
                "limit_use_ratio", "below_peak_amount", "peak_unknown_days_count",
                "overnight_amount", "size_ratio",
            )
            for one in now["forecasts"][today]
        ]
        for level, today in (
            ("High", "High"), ("Medium", "Elevated"), ("Low", "Normal"),
            ("Unknown", "Unknown"),
        )
    }  # fmt: skip
    desk = less(
        now["desk"], "one_in_hundred_pnl", "one_in_hundred_low", "one_in_hundred_high"
    )
    score = less(now["score"], "flagged_count", "breaches_count")
    return less(
        now, "forecasts", "is_by_limit_risk", "limits", "size_advice", "attention",
        "facts", "trust", "is_size_proven", "live_day",
    ) | {
        "calls": calls, "desk": desk | {"predicted_pnl": "-1220.5"}, "score": score,
        "outcomes": [
            less(one, "limit_risk", "is_limit_breached") for one in now["outcomes"]
        ],
        "measures": [less(one, "is_share") for one in now["measures"]],
    }  # fmt: skip


def fact(trader: str, severity: int = 1, **more: object) -> dict:
    """A fact that needs attention."""
    return {
        "kind": "breach", "severity": severity, "scope_type": "trader",
        "trader_id": trader, "display_name": trader, "trade_date": "2026-02-27",
        "fact": "down $59,527 in the day", "comparison": "limit $1,000",
        "what_to_do": "Speak with the trader", "amount": "59527",
        "occurred_at_et": "10:40:07", "further_count": 0,
    } | more  # fmt: skip


def test_what_needs_attention_comes_before_any_forecast() -> None:
    facts = [fact("T1", further_count=2), fact("T2", 2, occurred_at_et=None)]
    found = render(summary(attention=facts))
    told = "down $59,527 in the day (Fri 2026-02-27, 10:40:07 ET): limit $1,000; 2 more"
    for text in both(found):
        assert told in text
        assert "down $59,527 in the day (Fri 2026-02-27): limit $1,000" in text
        assert text.index("$59,527") < text.index("1-in-20 worst case")
    assert "! T1" in found.text
    assert "! T2" not in found.text
    assert "1 to see before the open" in found.subject


def test_of_many_facts_the_first_are_told_and_the_others_counted() -> None:
    found = render(summary(attention=[fact(f"T{one}") for one in range(12)]))
    assert found.text.count("$59,527") == 7
    for text in both(found):
        assert "5 more, less urgent: on the board and in marts.attention" in text


def test_nothing_that_needs_attention_is_said_too() -> None:
    found = render(summary(attention=[]))
    assert "Nothing needs attention" in found.text
    assert "before the open" not in found.subject
    # A morning that was kept before there was attention says nothing of it.
    assert "attention" not in render(summary(attention=None)).text


def test_a_morning_that_was_forecast_by_expected_pnl_says_so_still(
    tmp_path: Path,
) -> None:
    home, day = Home(tmp_path), date(2026, 3, 2)
    keep(
        home,
        former(
            summary(
                score=SCORE, outcomes=[OUTCOME | {"prediction_date": "2026-02-27"}],
                outcomes_date="2026-02-27",
            )
        ),
    )  # fmt: skip
    kept = read_kept(home, day)
    told = render(kept)
    assert told.subject == "Risk for Mon 2026-03-02: 1 trader at high risk"
    for text in both(told):
        assert "limit risk" not in text
        assert "risk of breaching" not in text
        assert "Medium risk: 1" in text
        assert "T2 (Medium): " in text
        # No forecast of then was of the limit.
        assert "breached the limit" not in text
    own = render_trader(kept, kept["forecasts"]["High"][0])
    assert "High" in own.text
    assert desk_substance(kept)["T1"].startswith("High, ")


def test_a_limit_that_nobody_set_is_told_as_the_default() -> None:
    unset = forecast("T1", "High", "-1500", is_limit_set=False)
    told = render(
        summary(
            forecasts=summary()["forecasts"] | {"High": [unset]},
            limits={"unset_count": 1, "default_amount": "1000"},
        )
    )
    for text in both(told):
        assert text.count("No limit is set for 1 trader: the default of $1,000") == 1
        assert "140 %*" in text
        assert "limits.csv (account, valid_from, daily_loss_limit_amount)" in text
    assert "No limit is set" not in said(render(summary()))


def test_what_was_kept_of_a_morning_reads_as_it_did(tmp_path: Path) -> None:
    home, day = Home(tmp_path), date(2026, 3, 2)
    assert not is_kept(home, day)
    keep(home, summary(score=SCORE, outcomes=[OUTCOME], outcomes_date="2026-02-27"))
    before = read_kept(home, day)
    assert is_kept(home, day)
    keep(home, before)
    assert render(read_kept(home, day)).html == render(before).html
    (home.reports / str(day) / "summary.json").write_text('{"firm": ')
    with pytest.raises(UserError, match="AS_OF=2026-03-02` rebuilds"):
        read_kept(home, day)


# Words that no desk would use of a forecast, a limit or a fix.
ODD = re.compile(
    r"\b(calls?|called|speaks|mend(s|ed)?|goes on|stays? away|nobody|"
    r"pass(es|ed|ing)? (the|their|a|\$)|replayed|coin)\b(?! toss)",
    re.IGNORECASE,
)


def test_the_words_are_those_of_a_trading_desk() -> None:
    whole = summary(
        score=SCORE | {"replayed_count": 40}, outcomes=[OUTCOME], last_day=LAST_DAY,
        outcomes_date="2026-02-27", are_outcomes_replayed=True, facts=FACTS,
        limits={"unset_count": 1, "default_amount": "1000"}, attention=[fact("T1")],
        inactive=[{"trader_id": "T7", "display_name": None,
                   "last_traded_date": "2026-01-05", "idle_sessions_count": 38}],
        trust=trust_said({("breach", "auc", "champion"): (0.7, 0.6, 0.8)}),
        size_advice=size_said([], {"watch"}),
    )  # fmt: skip
    one = whole["forecasts"]["High"][0]
    for told in (render(whole), render_trader(whole, one), render(nothing())):
        for text in both(told):
            assert not ODD.search(text), ODD.search(text)
    assert "Inactive, no forecast: T7" in said(render(whole))


def test_a_sign_does_not_part_from_its_amount_nor_a_figure_from_its_percent() -> None:
    html = '<p title="−$1">from −$1,234.50 to +$20, 90 % of −$3.</p>'
    span = '<span style="white-space: nowrap">'
    assert unbroken(html) == (
        f'<p title="−$1">from {span}−$1,234.50</span> to {span}+$20</span>, '
        f"90\N{NO-BREAK SPACE}% of {span}−$3</span>.</p>"
    )


@needs_browser
def test_no_width_parts_a_minus_from_its_number(tmp_path: Path) -> None:
    losing = forecast("T1", "High", "-1500", recent_days=LOST)
    told = render(
        summary(
            forecasts=summary()["forecasts"] | {"High": [losing]}, last_day=LAST_DAY,
            facts=FACTS, size_advice="It may lose −$1 or −$22 or −$333 or −$4,444",
        )
    )  # fmt: skip
    frames = "".join(
        f'<iframe width="{width}" height="900" srcdoc="{escape(told.page())}"></iframe>'
        for width in range(320, 601, 20)
    )
    ask = """<script>addEventListener("load", () => {
      let seen = 0, parted = [];
      for (const frame of document.querySelectorAll("iframe")) {
        const page = frame.contentDocument;
        const walk = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
          const text = walk.currentNode.textContent;
          for (const one of text.matchAll(/[−+]\\$[\\d,.]*\\d/g)) {
            const range = page.createRange();
            range.setStart(walk.currentNode, one.index);
            range.setEnd(walk.currentNode, one.index + one[0].length);
            const tops = [...range.getClientRects()].map(box => box.top);
            if (tops.length) { seen += 1; }
            if (Math.max(...tops) - Math.min(...tops) > 3) {
              parted.push([frame.width, one[0]]); }
          } } }
      document.body.innerHTML = "<pre>" + JSON.stringify([seen, parted]) + "</pre>"; });
    </script>"""
    file = tmp_path / "frames.html"
    file.write_text(f"<!DOCTYPE html><body>{frames}{ask}</body>")
    shown, _ = browse(f"file://{file}", tmp_path, size=(1300, 2000))
    seen, parted = json.loads(unescape(re.search(r"<pre>(.*?)</pre>", shown)[1]))
    assert seen > 300
    assert parted == []


@needs_browser
@pytest.mark.parametrize("name", ["T1", "x" * 60])
def test_nothing_sticks_out_on_a_phone_a_tablet_or_a_screen(
    name: str, tmp_path: Path
) -> None:
    check = {"found_count": 3, "finding": "y" * 90, "how_to_fix": "See it"}
    forecasts = summary()["forecasts"] | {"High": [forecast(name, "High", "-2000")]}
    told = render(
        summary(
            forecasts=forecasts, problems=[check], score=SCORE, outcomes=[OUTCOME],
            outcomes_date="2026-02-27",
        )
    )  # fmt: skip
    widths = (320, 360, 600, 1200)
    frames = "".join(
        f'<iframe width="{width}" height="900" srcdoc="{escape(told.page())}"></iframe>'
        for width in widths
    )
    ask = """<script>addEventListener("load", () => {
      const found = [...document.querySelectorAll("iframe")].map(one =>
        one.contentDocument.documentElement.scrollWidth);
      document.body.innerHTML = "<pre>" + JSON.stringify(found) + "</pre>"; });
    </script>"""
    file = tmp_path / "frames.html"
    file.write_text(f"<!DOCTYPE html><body>{frames}{ask}</body>")
    shown, _ = browse(f"file://{file}", tmp_path, size=(1300, 2000))
    found = json.loads(unescape(re.search(r"<pre>(.*?)</pre>", shown)[1]))
    assert all(one <= width for one, width in zip(found, widths, strict=True)), found


def test_the_sample_says_that_it_is_a_sample(sample: SampleRun) -> None:
    folder = sample.home.reports / "2025-12-19"
    html = (folder / "report.html").read_text()
    text = (folder / "report.txt").read_text()
    assert "SAMPLE DATA" in BeautifulSoup(html, "html.parser").text
    assert "SAMPLE DATA" in text
    assert "SAMPLE DATA" in sample.run.out


def test_the_sample_tells_what_is_no_alarm_as_information(sample: SampleRun) -> None:
    told = summarise(make_settings(source="sample"), sample.home)
    assert [check["check_name"] for check in told["problems"]] == []
    names = [check["check_name"] for check in told["information"]]
    # What is told of the data comes before what is told of the models.
    assert names[:2] == ["journal_entries", "feature_drift"]
    html = (sample.home.reports / "2025-12-19" / "report.html").read_text()
    shown = [one.text for one in BeautifulSoup(html, "html.parser").select(".told li")]
    # The last of all is what the forecasts are of.
    for check, line in zip(
        told["information"], shown[-1 - len(names) : -1], strict=True
    ):
        assert check["finding"] in line


def test_the_report_shows_every_call_of_the_mart(sample: SampleRun) -> None:
    told = summarise(make_settings(source="sample"), sample.home)
    html = (sample.home.reports / "2025-12-19" / "report.html").read_text()
    table = BeautifulSoup(html, "html.parser").find_all("table", class_="rows")[-3:]
    text = " ".join(part.text for part in table)
    traders = [
        one["trader_id"] for level in told["forecasts"].values() for one in level
    ]
    assert len(traders) >= 20
    for trader in traders:
        assert trader in text, trader


def test_the_desk_has_a_record_from_its_first_morning(sample: SampleRun) -> None:
    told = summarise(make_settings(source="sample"), sample.home)
    assert told["are_outcomes_replayed"]
    assert told["outcomes_date"] == "2025-12-18"
    assert told["score"]["replayed_count"] == told["score"]["forecasts_count"] > 1000
    assert told["desk"]["evaluated_sessions_count"] == 250
    assert float(told["desk"]["worst_case_pnl"]) < float(told["desk"]["median_pnl"])
