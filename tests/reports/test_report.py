"""The report as a person reads it: in a mail, on a phone, in plain text."""

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from html import escape, unescape
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Comment

from reports.render import CARDS, Rendered, money, render, render_trader
from reports.substance import desk_substance
from reports.summary import is_kept, keep, read_kept, summarise
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
    "scope", "src", "alt", "href",
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


def call(trader_id: str, level: str, pnl: str | None, **more) -> dict:
    """A call as summarise() gives it, at that level of limit risk."""
    amount = None if pnl is None else Decimal(pnl)
    return {
        "trader_id": trader_id, "display_name": trader_id, "limit_risk": level,
        "risk_level": {"Elevated": "Medium", "Normal": "Low"}.get(level, level),
        "limit_reason": "loses on 40% of such days, about $900", "is_limit_set": True,
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
        "model_version": "v1", "recent_days": DAYS,
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
        "High": [call("T1", "High", "-1500.50")],
        "Elevated": [call("T2", "Elevated", "-20")],
        "Unknown": [
            call(
                "T4", "Unknown", None, recommendation="No prediction",
                position_multiplier=None,
            )
        ],
        "Normal": [
            call("T3", "Normal", "300", is_newcomer=True, position_multiplier=1.0)
        ],
    }  # fmt: skip
    return {
        "firm": "Test firm", "source": "files", "is_sample": False,
        "as_of": "2026-03-02", "prediction_date": "2026-03-02", "desk": DESK,
        "last_day": None, "calls": levels, "inactive": [], "outcomes": [],
        "outcomes_date": None, "are_outcomes_replayed": False, "score": None,
        "problems": [], "information": [], "measures": [], "model_version": "v1",
        "dollars_are_doubtful": False, "selected_models": [], "learned": None,
        "is_past_morning": False, "stale": None, "is_by_limit_risk": True,
        "limits": {"unset_count": 0, "default_amount": None}, "size_advice": None,
        "attention": [],
    } | more  # fmt: skip


def nothing() -> dict:
    """A summary of a firm without anybody to call."""
    return summary(
        desk=None, calls=dict.fromkeys(("High", "Elevated", "Unknown", "Normal"), [])
    )


def desk_of(count: int, high: int) -> dict:
    """A summary of a desk of that many traders, so many of them at high risk."""
    names = [f"Trader Number {number:03d}" for number in range(count)]
    calls = {
        "High": [call(name, "High", "-1500.50") for name in names[:high]],
        "Elevated": [call(name, "Elevated", "-20") for name in names[high : 2 * high]],
        "Unknown": [],
        "Normal": [call(name, "Normal", "12345.5") for name in names[2 * high :]],
    }
    outcomes = [OUTCOME | {"trader_id": x, "display_name": x} for x in names]
    return summary(calls=calls, outcomes=outcomes, outcomes_date="2026-02-27")


def page(rendered: Rendered) -> BeautifulSoup:
    """The HTML, read as a mail client reads it."""
    return BeautifulSoup(rendered.html, "html.parser")


def said(rendered: Rendered) -> str:
    """All of the HTML's words, in one line."""
    return " ".join(page(rendered).text.split())


def test_the_subject_counts_who_is_at_high_risk_and_what_is_wrong() -> None:
    assert render(summary()).subject == (
        "Risk for Mon 2026-03-02: 1 trader at high risk of passing the limit"
    )
    check = {"found_count": 3, "finding": "rows", "how_to_fix": "See"}
    assert render(nothing() | {"problems": [check]}).subject == (
        "Risk for Mon 2026-03-02: 0 traders at high risk of passing the limit, "
        "1 problem to look at first"
    )


def test_html_and_text_tell_the_same_calls() -> None:
    told = render(summary())
    for trader, figure in (("T1", "−$1,501"), ("T2", "−$20"), ("T3", "$300")):
        for text in (said(told), told.text):
            assert trader in text
            assert figure in text
    for text in (said(told), told.text):
        assert "No prediction" in text
        assert "three losing days" in text


def test_a_level_is_told_by_a_word_and_a_sign_never_by_colour_alone() -> None:
    badge = page(render(summary())).select_one(".card .badge").text
    assert badge == "▲ High"
    counts = [cell.text for cell in page(render(summary())).select(".count")]
    assert [text.split()[-1] for text in counts] == [
        "High", "Elevated", "Unknown", "Normal",
    ]  # fmt: skip


def test_the_desk_is_told_with_its_worst_case_and_how_often_it_held() -> None:
    told = render(summary())
    for text in (said(told), " ".join(told.text.split())):
        assert "one session in two ends above $310" in text
        assert "one in twenty below −$5,000, the worst case" in text
    assert "Of the 240 sessions it was judged by, 18 ended below it (7.5 %;" in said(
        told
    ).replace("\xa0", " ")
    young = DESK | {"worst_case_pnl": None, "median_pnl": None}
    told = render(summary(desk=young))
    for text in (said(told), told.text):
        assert "too few sessions to say what one of them may make" in text
        assert "one in twenty" not in text


def test_a_mail_holds_only_what_every_client_knows() -> None:
    check = {"found_count": 3, "finding": "rows <b>", "how_to_fix": "See it"}
    told = render(
        summary(
            problems=[check], information=[check], score=SCORE, outcomes=[OUTCOME],
            outcomes_date="2026-02-27", is_sample=True,
        ),
        "https://board.x.test",
    )  # fmt: skip
    own = render_trader(summary(), summary()["calls"]["High"][0])
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


def test_every_chart_is_in_the_mail_and_in_the_page() -> None:
    told = render(summary())
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
    assert words in said(told)
    assert words in told.text


def test_a_trader_of_one_day_has_no_chart() -> None:
    one = call("T1", "High", "-1500", recent_days=DAYS[:1])
    told = render(summary(calls=summary()["calls"] | {"High": [one]}))
    assert not told.images
    assert not page(told).find_all("img")


NAMES = ["<script>alert(1)</script>", "A, B", "😀", "אבג", "T&amp;J", "x" * 60]


@pytest.mark.parametrize("name", NAMES)
def test_a_strange_name_is_shown_and_does_no_harm(name: str) -> None:
    calls = summary()["calls"] | {"High": [call(name, "High", "-2000")]}
    told = render(summary(calls=calls))
    assert page(told).select_one(".card .name").text.strip() == name
    assert page(told).select_one(".card .name span")["dir"] == "auto"
    assert not page(told).find_all("script")
    assert name in told.text


def test_a_name_from_right_to_left_does_not_turn_the_line() -> None:
    calls = summary()["calls"] | {"Normal": [call("אבג", "Normal", "20")]}
    assert "\u2068אבג\u2069" in render(summary(calls=calls)).text
    assert "\u2068" not in render(summary()).text


def test_the_name_that_the_desk_gives_a_trader_comes_first() -> None:
    named = call("SIM01", "High", "-2000", display_name="Opening desk")
    told = render(summary(calls=summary()["calls"] | {"High": [named]}))
    assert page(told).select_one(".card .name").text.split() == [
        "Opening", "desk", "(SIM01)",
    ]  # fmt: skip
    assert "Opening desk (SIM01)" in told.text


def test_a_call_says_how_likely_its_limit_is_and_what_changed() -> None:
    changed = call("T1", "High", "-1500", change_reasons="two losing days since")
    told = render(summary(calls=summary()["calls"] | {"High": [changed]}))
    card = " ".join(page(told).select_one(".card").text.split())
    assert "Chance of losing more than $2,500: 17%." in card
    assert "Loses on 40% of such days, about $900." in card
    assert "• three losing days • large size" in card
    for text in (card, told.text):
        assert text.count("Since the day before: two losing days since") == 1
    assert "chance of losing more than $2,500: 17%" in told.text
    assert "loses on 40% of such days" in told.text


def test_a_call_without_advice_or_chances_has_no_size() -> None:
    bare = call(
        "T2", "Elevated", "-20", position_multiplier=None, loss_probability=None,
        limit_loss_probability=None, reasons=None, limit_reason=None,
        recommendation="No advice on size",
    )  # fmt: skip
    told = render(summary(calls=summary()["calls"] | {"Elevated": [bare]}))
    row = page(told).find_all("b", string=re.compile("T2"))[0].find_parent("tr")
    assert [cell.text.strip() for cell in row.find_all("td")][2:] == [
        "–", "$2,500", "−$20", "–",
    ]  # fmt: skip
    assert "No advice on size" in told.text


def test_all_traders_stand_in_one_table() -> None:
    table = page(render(summary())).find_all("table", class_="rows")[-1]
    rows = [[c.text.strip() for c in r.find_all("td")] for r in table.find_all("tr")]
    assert [[cell.replace("\xa0", " ") for cell in row[:2]] for row in rows[1:]] == [
        ["T1", "▲ High"], ["T2", "◆ Elevated"], ["T4", "? Unknown"],
        ["T3 (new)", "● Normal"],
    ]  # fmt: skip


def test_who_speaks_and_from_what_is_told_once() -> None:
    learned = {
        "rows_count": 4321, "traders_count": 20,
        "trained_from": "2024-01-02", "trained_through": "2026-02-26",
    }  # fmt: skip
    selected = [
        "P(loss) from the trader's own rate",
        "interval from the rate",
    ]
    told = render(summary(selected_models=selected, learned=learned))
    for words in (
        "Today: P(loss) from the trader's own rate; interval from the rate.",
        "Learned from 4,321 trader-days of 20 traders, 2024-01-02 to 2026-02-26.",
    ):
        assert words in said(told)
        assert words in " ".join(told.text.split())


def test_a_measure_has_its_interval_where_there_is_one() -> None:
    measure = {
        "metric": "auc", "label": "AUC", "model": 0.735, "low": 0.701, "high": 0.772,
        "baseline": 0.68, "baseline_label": "trader's own rate", "rows_count": 900,
        "is_share": False,
    }  # fmt: skip
    bare = measure | {"label": "Brier", "low": None, "high": None, "model": 0.2}
    share = measure | {"label": "Flagged", "is_share": True}
    told = render(summary(measures=[measure, bare, share]))
    for label, shown in (
        ("AUC", "0.735 (0.701 to 0.772)"), ("Brier", "0.200"),
        ("Flagged", "73.5% (70.1% to 77.2%)"),
    ):  # fmt: skip
        cell = page(told).find("td", string=label).find_next_sibling()
        assert cell.text == shown
        assert f"{label}: {shown}" in told.text


def test_nobody_to_call_reads_well() -> None:
    told = render(nothing())
    for text in (said(told), told.text):
        assert "Nobody to call" in text
        assert "high risk." not in text


def test_what_is_wrong_comes_before_everything_else() -> None:
    check = {
        "found_count": 3,
        "finding": "rows could not be read",
        "how_to_fix": "See it",
    }
    told = render(summary(problems=[check]))
    for text in (said(told), told.text):
        assert text.index("rows could not be read") < text.index("the desk may make")
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
    assert [x.text for x in page(told).select(".told li")] == [
        "1,200 days were corrected. None."
    ]
    assert told.text.index("days were corrected") > told.text.index("CAN THE MODEL BE")
    assert "!" not in told.text
    assert "Good to know" not in render(summary()).html


def test_a_file_or_column_with_markup_in_its_name_does_no_harm() -> None:
    check = {"found_count": 1, "finding": "column <b>x</b>", "how_to_fix": "See it"}
    found = page(render(summary(problems=[check], information=[check])))
    assert "<b>x</b>" in found.select_one(".warning").text
    assert "<b>x</b>" in found.select_one(".told li").text


def test_old_data_and_a_past_morning_are_told_before_anything_else() -> None:
    told = "the data ends 2026-02-26, 1 session is missing (2026-02-27)"
    stale = render(summary(stale=told))
    own = render_trader(summary(stale=told), call("T1", "High", "-1500.50"))
    for one in (stale, own):
        assert one.subject.startswith("STALE - ")
        assert (
            said(one).split("<")[0].strip().startswith(f"{one.subject} STALE: {told}")
        )
        assert " ".join(one.text.split()).startswith(f"*** STALE: {told}")
    past = render(summary(is_past_morning=True))
    assert "STALE" not in past.subject + past.text
    for text in (said(past), " ".join(past.text.split())):
        assert "A PAST MORNING, as AS_OF=2026-03-02 asked for" in text


def test_past_calls_are_held_against_what_happened() -> None:
    idle = OUTCOME | {
        "trader_id": "T8", "display_name": "T8", "has_traded": False,
        "actual_net_pnl": None, "advised_size_effect": None,
    }  # fmt: skip
    unknown = idle | {"trader_id": "T9", "display_name": "T9", "has_traded": None}
    told = render(
        summary(outcomes=[OUTCOME, idle, unknown], outcomes_date="2026-02-27")
    )
    for text in (said(told), told.text):
        assert "Fri 2026-02-27" in text
        assert "−$800" in text
        assert text.count("did not trade") == 1
        assert "not known" in text
        assert "Nobody was called then" not in text
    told = render(
        summary(
            outcomes=[OUTCOME], outcomes_date="2026-02-27", are_outcomes_replayed=True
        )
    )
    for text in (said(told), told.text):
        assert "Nobody was called then" in text


LAST_DAY = {
    "trade_date": "2026-02-27", "accounts_count": 4, "fills_count": 9, "net_pnl": "800",
    "total_pnl": "-120.4", "pnl_basis": "total", "unknown_parts": None,
    "stale_marks_count": 0, "oldest_mark_age_sessions_count": None,
}  # fmt: skip
MADE = [
    ({}, "$800 net with 9 fills, −$120 in all with adjustments and unrealized."),
    (
        {"stale_marks_count": "3", "oldest_mark_age_sessions_count": 2},
        "unrealized; 3 marks carried forward, the oldest 2 sessions old.",
    ),
    (
        {"stale_marks_count": 1, "oldest_mark_age_sessions_count": 1,
         "total_pnl": None, "pnl_basis": "realised_only",
         "unknown_parts": "A1 (no mark)"},
        "9 fills, realised only: the total is not known of A1 (no mark); "
        "1 mark carried forward, the oldest 1 session old.",
    ),
    (
        {"total_pnl": None, "pnl_basis": "incomplete",
         "unknown_parts": "A1 (fills missing)"},
        "9 fills, incomplete: not all is known of A1 (fills missing).",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("known", "sentence"), MADE)
def test_the_total_stands_beside_what_was_realised(known: dict, sentence: str) -> None:
    told = render(summary(last_day=LAST_DAY | known))
    for text in (said(told), " ".join(told.text.split())):
        assert "On Fri 2026-02-27 it made $800 net" in text
        assert sentence in text


def test_a_net_that_is_not_known_is_no_sum_of_the_rest() -> None:
    told = render(summary(last_day=LAST_DAY | {"net_pnl": None} | MADE[-1][0]))
    for text in (said(told), " ".join(told.text.split())):
        assert "On Fri 2026-02-27 what it made net is not known" in text


@pytest.mark.parametrize(
    ("known", "cell"),
    [
        ({}, "−$750"),
        ({"total_pnl": None, "pnl_basis": "realised_only"}, "realised only"),
        ({"total_pnl": None, "pnl_basis": "incomplete"}, "incomplete"),
        ({"total_pnl": None, "pnl_basis": None}, "–"),
    ],
)
def test_each_trader_has_a_total_or_what_is_known_instead(
    known: dict, cell: str
) -> None:
    outcome = OUTCOME | {"unknown_parts": "A1 (no mark)"} | known
    whole = summary(outcomes=[outcome], outcomes_date="2026-02-27")
    told = render(whole)
    cells = [one.text.strip() for one in page(told).select(".rows td")]
    cells = cells[cells.index("T9") :]
    assert cells[3:5] == ["−$800", cell]
    (line,) = [one for one in told.text.splitlines() if one.startswith("  T9 ")]
    assert " ".join(line.split()).endswith(f"−$800 {cell} $400")
    own = render_trader(
        summary(outcomes=[outcome | {"trader_id": "T1"}], outcomes_date="2026-02-27"),
        whole["calls"]["High"][0],
    )
    for text in (said(own), " ".join(own.text.split())):
        assert ("−$750 in all" in text) == (cell == "−$750")
        assert ("of A1 (no mark)" in text) == (cell in ("realised only", "incomplete"))


def test_what_was_kept_before_totals_were_known_says_nothing_of_them(
    tmp_path: Path,
) -> None:
    home, named = Home(tmp_path), ("total_pnl", "pnl_basis", "unknown_parts")
    before = [{key: x for key, x in one.items() if key not in named}
              for one in (LAST_DAY, OUTCOME)]  # fmt: skip
    keep(home, summary(last_day=before[0], outcomes=[before[1]], outcomes_date=None))
    told = render(read_kept(home, date(2026, 3, 2)))
    assert "it made $800 net with 9 fills." in said(told)
    assert "−$800" in told.text


def test_the_running_score_says_what_the_advice_was_worth() -> None:
    told = render(summary(score=SCORE))
    for text in (said(told), " ".join(told.text.split())):
        assert "100 of 1,000 calls were flagged (High or Elevated)." in text
        assert "passed after 50 calls, 5.0%; of the flagged ones after 20.0%" in text
        assert "20 of those 50 had been flagged." in text
        assert "of 30 alarms (High or Medium) 18 came true and 12 did not" in text
        assert "22 of 40 losses had no alarm" in text
        assert "avoided $4,000 of losses and missed $1,500 of gains: $2,500 better" in (
            text
        )
        assert "replayed" not in text
    worse = SCORE | {"advised_size_effect": "-700.00", "replayed_count": 40}
    told = render(summary(score=worse))
    for text in (said(told), " ".join(told.text.split())):
        assert "$700 worse than the $9,000 that were made" in text
        assert "40 of the calls are replayed" in text


def test_plain_text_fits_a_narrow_window() -> None:
    told = render(
        summary(score=SCORE, outcomes=[OUTCOME], outcomes_date="2026-02-27")
        | {"selected_models": ["expected P&L from " + "a model of many words " * 5]}
    )
    assert max(map(len, told.text.splitlines())) <= 80


def test_a_traders_own_page_has_nothing_of_anybody_else() -> None:
    outcomes = [OUTCOME, OUTCOME | {"trader_id": "T1", "actual_net_pnl": "-77"}]
    whole = summary(outcomes=outcomes, outcomes_date="2026-02-27", score=SCORE)
    told = render_trader(whole, whole["calls"]["High"][0])
    assert told.subject == "Your risk for Mon 2026-03-02"
    for text in (told.html, told.text):
        assert "T1" in text
        assert "−$77" in text
        for other in ("T2", "T3", "T4", "T9", "−$5,000", "−$800", "$4,000"):
            assert other not in text
    assert list(told.images) == ["days-1"]


def test_money_rounds_half_up_and_shows_the_unknown() -> None:
    shown = [money(value) for value in ("0.5", -1500.5, None, Decimal("-0.4"))]
    assert shown == ["$1", "−$1,501", "–", "$0"]


@pytest.mark.parametrize(("count", "high"), [(1, 0), (100, 10), (500, 60)])
def test_of_a_large_desk_gmail_cuts_off_the_table_of_all_traders_at_most(
    count: int, high: int
) -> None:
    told = render(desk_of(count, high))
    before, table = told.html.split("All traders</h2>")
    assert len((before if count > 100 else told.html).encode()) < GMAIL_BYTES
    assert len(page(told).select(".card")) == min(high, CARDS)
    for number in range(count):
        assert f"Trader Number {number:03d}<" in table
        # With what was called the time before.
        assert told.text.count(f"Trader Number {number:03d} ") >= 2


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


def former(now: dict) -> dict:
    """The same as a version kept it that called by expected P&L alone."""

    def less(one: dict | None, *names: str) -> dict | None:
        return one and {key: x for key, x in one.items() if key not in names}

    calls = {
        level: [
            less(
                one, "limit_risk", "limit_reason", "is_limit_set", "days_count",
                "one_in_twenty_amount", "usual_days_amount",
            )
            for one in now["calls"][today]
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
    return less(now, "is_by_limit_risk", "limits", "size_advice", "attention") | {
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
    said = "down $59,527 in the day (Fri 2026-02-27, 10:40:07 ET): limit $1,000; 2 more"
    for text in (" ".join(found.text.split()), found.html):
        assert said in text
        assert "down $59,527 in the day (Fri 2026-02-27): limit $1,000" in text
        assert text.index("$59,527") < text.index("What the desk may make")
    assert "! T1" in found.text
    assert "! T2" not in found.text
    assert "1 to see before the open" in found.subject


def test_of_many_facts_the_first_are_told_and_the_others_counted() -> None:
    found = render(summary(attention=[fact(f"T{one}") for one in range(12)]))
    assert found.text.count("$59,527") == 7
    for text in (found.text, found.html):
        assert "5 more are in marts.attention" in text


def test_nothing_that_needs_attention_is_said_too() -> None:
    found = render(summary(attention=[]))
    assert "Nothing needs attention" in found.text
    assert "before the open" not in found.subject
    # A morning that was kept before there was attention says nothing of it.
    assert "attention" not in render(summary(attention=None)).text


def test_a_morning_that_was_called_by_expected_pnl_says_so_still(
    tmp_path: Path,
) -> None:
    home, day = Home(tmp_path), date(2026, 3, 2)
    measure = {
        "metric": "auc", "label": "AUC", "model": 0.735, "low": None, "high": None,
        "baseline": 0.68, "baseline_label": "base rate", "rows_count": 900,
        "is_share": False,
    }  # fmt: skip
    keep(
        home,
        former(
            summary(
                score=SCORE, outcomes=[OUTCOME | {"prediction_date": "2026-02-27"}],
                outcomes_date="2026-02-27", measures=[measure],
            )
        ),
    )  # fmt: skip
    kept = read_kept(home, day)
    told = render(kept)
    assert told.subject == "Risk for Mon 2026-03-02: 1 trader at high risk"
    for text in (said(told), " ".join(told.text.split())):
        assert "limit risk" not in text
        assert "of passing the limit" not in text
        assert "Of 30 alarms (High or Medium) 18 came true" in text
        assert "Medium" in text
    own = render_trader(kept, kept["calls"]["High"][0])
    assert "High" in own.text
    assert desk_substance(kept)["T1"].startswith("High, ")


@pytest.mark.parametrize(
    ("low", "told_of"),
    [
        ("-9100", "in a hundred below −$8,001 (90 % between −$9,100 and −$7,000)."),
        (
            None,
            "(no better than −$7,000; 250 past sessions are too few to say how much "
            "worse).",
        ),
    ],
)
def test_the_desk_is_told_as_what_it_may_make_with_how_sure_that_is(
    low: str | None, told_of: str
) -> None:
    told = render(summary(desk=DESK | {"one_in_hundred_low": low}))
    for text in (said(told), " ".join(told.text.split())):
        assert "one session in two ends above $310, one in twenty below −$5,000" in text
        assert told_of in text
        assert "expected to make" not in text


def test_a_limit_that_nobody_set_is_said_once_with_what_would_set_it() -> None:
    unset = call("T1", "High", "-1500", is_limit_set=False)
    told = render(
        summary(
            calls=summary()["calls"] | {"High": [unset]},
            limits={"unset_count": 1, "default_amount": "1000"},
        )
    )
    for text in (said(told), " ".join(told.text.split())):
        assert text.count("No limit is set for 1 trader: the default of $1,000") == 1
        assert "losing more than $2,500 (default, not set): 17%" in text
        assert "limits.csv (account, valid_from, daily_loss_limit_amount)" in text
    table = page(told).find_all("table", class_="rows")[-1]
    rows = [[c.text.strip() for c in r.find_all("td")] for r in table.find_all("tr")]
    assert rows[1:] == [["T1", "$2,500", "4 of 90", "$1,900", "5", "$1,500", "7"]]
    assert "Limits to set" not in said(render(summary()))


def test_a_session_past_the_limit_is_marked() -> None:
    past = OUTCOME | {"is_limit_breached": True}
    told = render(summary(outcomes=[past], outcomes_date="2026-02-27"))
    assert page(told).find("b", string="!\xa0−$800")
    assert "! −$800" in told.text
    own = summary(outcomes=[past | {"trader_id": "T1"}], outcomes_date="2026-02-27")
    told = render_trader(own, own["calls"]["High"][0])
    for text in (said(told), " ".join(told.text.split())):
        assert "actual −$800 (past the limit), −$750 in all" in text


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


@needs_browser
@pytest.mark.parametrize("name", ["T1", "x" * 60])
def test_nothing_sticks_out_on_a_phone_a_tablet_or_a_screen(
    name: str, tmp_path: Path
) -> None:
    check = {"found_count": 3, "finding": "y" * 90, "how_to_fix": "See it"}
    calls = summary()["calls"] | {"High": [call(name, "High", "-2000")]}
    told = render(
        summary(
            calls=calls, problems=[check], score=SCORE, outcomes=[OUTCOME],
            outcomes_date="2026-02-27",
        )
    )  # fmt: skip
    widths = (360, 600, 1200)
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
    shown = BeautifulSoup(html, "html.parser").select(".told li")
    assert len(shown) == len(names)


def test_the_report_shows_every_call_of_the_mart(sample: SampleRun) -> None:
    told = summarise(make_settings(source="sample"), sample.home)
    html = (sample.home.reports / "2025-12-19" / "report.html").read_text()
    table = BeautifulSoup(html, "html.parser").find_all("table", class_="rows")[-3:]
    text = " ".join(part.text for part in table)
    traders = [one["trader_id"] for level in told["calls"].values() for one in level]
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
