"""Rules as people write them, and what is said of them."""

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daily.what_if import beside_what_was, best_of
from ingestion.desk_rules import KINDS, MOST_RULES, parse_rules
from ml.searched import chances
from runtime.errors import UserError


@pytest.mark.parametrize(
    "said, texts",
    [
        ("stop 1500", ["stop 1500"]),
        ("STOP $1500", ["stop 1500"]),
        ("give-back 1000.50", ["give_back 1000.5"]),
        ("stop 2x; warn 0.5x", ["stop 2x", "warn 0.5x"]),
        ("stop 500, 1000,1500", ["stop 500", "stop 1000", "stop 1500"]),
        ("stop 250..5000", [f"stop {250 * n}" for n in range(1, 21)]),
        ("max_trades 5..7", ["max_trades 5", "max_trades 6", "max_trades 7"]),
        ("stop 100..300 by 100", ["stop 100", "stop 200", "stop 300"]),
        ("cool_down 15,30 after 3", ["cool_down 15 after 3", "cool_down 30 after 3"]),
        ("size_cap 5000; size_cap 5000", ["size_cap 5000"]),
        ("sit-out 1 after $1500", ["sit_out 1 after 1500"]),
        ("half_size 2 after 1x..2x by 1x", ["half_size 2 after 1x",
                                            "half_size 2 after 2x"]),
        ("sit_out 1,2 after 3 losing days", ["sit_out 1 after 3 losing days",
                                             "sit_out 2 after 3 losing days"]),
        ("sit_out 1 after 2..3 losing days", ["sit_out 1 after 2 losing days",
                                              "sit_out 1 after 3 losing days"]),
    ],
)  # fmt: skip
def test_rules_are_read(said: str, texts: list[str]) -> None:
    rules = parse_rules(said)
    assert [rule.text for rule in rules] == texts
    assert parse_rules("; ".join(texts)) == rules


def test_a_rule_stands_below_what_its_own_days_were() -> None:
    """A threshold in usual days leaves days out, whose losses are in no line of it."""

    def row(rule: str, unknown: int, drawdown: int) -> dict:
        shape = dict.fromkeys(
            ("worst_day_pnl", "tail_mean_pnl", "replayed_worst_day_pnl",
             "replayed_tail_mean_pnl", "replayed_max_drawdown"), Decimal(-5),
        )  # fmt: skip
        amounts = dict.fromkeys(
            ("avoided_loss_amount", "missed_gain_amount", "effect",
             "effect_after_slip"), Decimal(1),
        )  # fmt: skip
        return shape | amounts | {
            "rule": rule, "unknown_days_count": unknown, "hit_days_count": 1,
            "mean_effect": 1.0, "mean_effect_low": None, "max_drawdown": drawdown,
        }  # fmt: skip

    desk = [row("stop 1000", 0, 90), row("stop 1500", 0, 90), row("stop 2x", 3, 70)]
    lines = [(line[0], line[-1]) for line in beside_what_was(desk)]
    assert lines == [
        ("as it was", "90"),
        ("stop 1000", "-5"),
        ("stop 1500", "-5"),
        ("as it was, without 3 days", "70"),
        ("stop 2x", "-5"),
    ]


@pytest.mark.parametrize(
    "said, named",
    [
        ("", "is no rule"),
        ("halt 1500", '"halt 1500" is no rule'),
        ("stop", '"" in "stop"'),
        ("stop much", '"much"'),
        ("stop -5", '"-5"'),
        ("stop 0", '"0"'),
        ("stop 1e9", '"1e9"'),
        ("stop 1500 ;; warn 1", "is no rule"),
        ("max_trades 2.5", "a whole number"),
        ("max_trades 2x", "usual days"),
        ("size_cap 2x", "usual days"),
        ("cool_down 30", "does not say after what"),
        ("sit_out 1", "write sit_out 1 after 1500, or sit_out 1 after 3 losing days"),
        ("sit_out 0 after 1500", '"0"'),
        ("sit_out 1 after -1500", '"-1500"'),
        ("sit_out 1.5 after 1500", "a whole number"),
        ("sit_out 1x after 1500", "usual days"),
        ("half_size 1 after 2.5 losing days", "a whole number"),
        ("half_size 1 after 2x losing days", "usual days"),
        ("cool_down 30 after 3 losing days", "a whole number"),
        ("stop 500..100", "is no range"),
        ("stop 1..2x", "is no range"),
        ("stop 1..9000 by 1", "steps"),
        ("stop 0.001..1", "0.01"),
        ("stop 0.01..0.02 by 0.001", "0.01"),
        ("stop 500..5000 by 250x", "is no range"),
        ("sit_out 1..3 by 1x after 1500", "is no range"),
        ("stop 250..5000 by 10; warn 250..5000 by 10", "rules"),
    ],
)
def test_what_is_no_rule_is_said_in_one_line(said: str, named: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_rules(said)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


@given(
    st.text(max_size=30)
    | st.builds("{} {}".format, st.sampled_from([*KINDS]), st.text())
)
def test_rubbish_is_refused_or_read(said: str) -> None:
    try:
        rules = parse_rules(said)
    except UserError:
        return
    assert 0 < len(rules) <= MOST_RULES
    assert all(rule.threshold > Decimal(0) for rule in rules)


def test_the_best_of_many_that_are_worth_nothing_is_chance() -> None:
    random = np.random.default_rng(3)
    dates, traders = np.repeat(np.arange(100), 8), np.tile(np.arange(8), 100)
    gains = random.normal(0, 100, (40, 800))
    found = chances(gains, dates, traders)
    # Alone the best would look clear; of forty it is none.
    assert found.min() > 0.05
    gains[7] += 40
    found = chances(gains, dates, traders)
    assert found[7] < 0.05 and found.argmin() == 7


def test_what_is_never_hit_and_too_few_dates_tell_nothing() -> None:
    dates, traders = np.arange(30), np.zeros(30)
    assert chances(np.zeros((2, 30)), dates, traders).tolist() == [1, 1]
    assert chances(np.zeros((2, 30)), dates % 5, traders) is None


def test_days_that_one_rule_knows_nothing_of_make_none_the_best() -> None:
    """A stop gains on days before the trader's usual day is known, and never after."""
    days = [date(2025, 3, 3) + timedelta(days=number) for number in range(60)]
    with duckdb.connect() as connection:
        connection.execute(
            "create table tried_rules (rule varchar, is_usual_days boolean); "
            "insert into tried_rules values ('stop 100', false), ('stop 2x', true); "
            "create table replay_days (trader_id varchar, trade_date date, "
            "usual_day_amount decimal(38, 8), net_pnl decimal(38, 8)); "
            "create table tried_replays (rule varchar, trader_id varchar, "
            "trade_date date, effect decimal(38, 8), effect_after_slip decimal(38, 8))"
        )
        connection.executemany(
            "insert into replay_days values ('T1', ?, ?, 0)",
            [(day, 50 if place >= 30 else None) for place, day in enumerate(days)],
        )
        connection.executemany(
            "insert into tried_replays values ('stop 100', 'T1', ?, ?, ?)",
            [(day, 90 + place, 80 + place) for place, day in enumerate(days[:30])],
        )
        of_both = best_of(connection, ["stop 2x", "stop 100"])
        assert of_both.startswith("  No rule of these 2 is better than chance")
        # Where all is known of both, it is.
        connection.execute("update replay_days set usual_day_amount = 50")
        assert "stop 100, 2,835 after slip" in best_of(
            connection, ["stop 100", "stop 2x"]
        )
        connection.execute("update replay_days set usual_day_amount = null")
        nothing = best_of(connection, ["stop 100", "stop 2x"])
        assert nothing == (
            "  Too few dates to tell the best of them from chance. Compared on the 0 "
            "days that all know."
        )
