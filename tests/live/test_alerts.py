"""Levels with hysteresis, latches, the log: raised once, whatever happens."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

from live.alert_log import FILE, AlertLog, past_alerts
from live.alerts import Alerts, Condition, carry_latches, release
from live.limit_uses import Use
from live.screen import screen
from runtime.errors import UserError
from tests.draws import draw
from tests.live.watched import DAY, TEN, Watched, fill, limit

FRIDAY = date(2025, 2, 28)
LOST = "limit|trader|T1|daily_loss|100"
LEVELS = [("limit", 50), ("limit", 75), ("limit", 90), ("limit", 100)]


@pytest.fixture
def watched(tmp_path: Path):
    """A trader with $1,000 to lose."""
    with Watched(tmp_path, [limit(1000)]) as one:
        assert one.look() == []
        yield one


def test_each_level_alerts_once_and_a_breach_is_more_than_the_limit(watched) -> None:
    assert watched.lose(499) == []
    assert watched.lose(1) == [("limit", 50)]
    assert watched.look() == []
    assert watched.lose(250) == [("limit", 75)]
    assert watched.lose(250) == [("limit", 90)]
    # All of it is used: not past it, as in marts.fct_limit_use.
    assert watched.lose(1) == [("limit", 100)]
    assert watched.lose(5000) == []


def test_a_loss_that_skips_levels_raises_each(watched) -> None:
    assert watched.lose(2000) == LEVELS


def test_a_loss_between_two_looks_is_seen_though_it_came_back(watched) -> None:
    watched.pass_by(60)
    for dollars in (-1200, 1150):
        watched.pass_by(1)
        price = Decimal(100) + Decimal(dollars) / 100
        watched.take(
            fill("A1", "B", 100, "100", watched.clock.now),
            fill("A1", "S", 100, str(price), watched.clock.now),
        )
    assert watched.look() == LEVELS
    latch = watched.watch.assess(watched.session.snapshot())["trader", "T1"].limits[0]
    assert latch.latch is not None
    assert latch.used == 50


def test_a_level_alerts_again_only_after_the_level_below_was_left(watched) -> None:
    assert watched.lose(760) == LEVELS[:2]
    # 70 %: still in the band of 75.
    assert watched.lose(-60) == []
    assert watched.lose(60) == []
    # 40 %: under 50, so 75 is armed again; 50 is not, above 25.
    assert watched.lose(-360) == []
    assert watched.lose(360) == [("limit", 75)]


def test_a_breach_latches_until_a_person_releases_it(watched) -> None:
    watched.lose(1100)
    assert watched.lose(-1100) == []
    shown = watched.watch.assess(watched.session.snapshot())["trader", "T1"].limits[0]
    assert shown.latch is not None
    assert shown.used == 0
    # Latched: another breach is the same one.
    assert watched.lose(1200) == [("limit", 50), ("limit", 75), ("limit", 90)]
    watched.lose(-1200)
    for name, reason in (("", "why"), ("Ann", " "), ("Ann", "x" * 1000), ("A\0", "y")):
        with pytest.raises(UserError):
            watched.watch.release(shown.latch.alert_id, name, reason)
    watched.watch.release(shown.latch.alert_id, "Ann", "talked to the trader")
    again = watched.watch.assess(watched.session.snapshot())["trader", "T1"].limits[0]
    assert again.latch is None
    with pytest.raises(UserError, match="was released by Ann"):
        watched.watch.release(shown.latch.alert_id, "Bob", "me too")
    assert ("limit", 100) in watched.lose(1300)


def test_eight_small_losses_add_up(watched) -> None:
    raised = [one for _ in range(8) for one in watched.lose(130)]
    assert raised == LEVELS


def test_a_restart_raises_nothing_twice_and_keeps_the_latch(tmp_path: Path) -> None:
    limits = [limit(1000)]
    with Watched(tmp_path, limits) as one:
        assert one.lose(1100) == LEVELS
        one.lose(-1100)
    with Watched(tmp_path, limits) as one:
        one.pass_by(600)
        assert one.look() == []
        shown = one.watch.assess(one.session.snapshot())["trader", "T1"].limits[0]
        assert shown.latch is not None


def friday_alerts(folder: Path) -> Alerts:
    """Those of the session before, in its log."""
    log = AlertLog(folder / str(FRIDAY) / FILE)
    return Alerts(log, FRIDAY, lambda _: {})


def test_an_unreleased_breach_is_carried_into_the_next_session(tmp_path: Path) -> None:
    friday = friday_alerts(tmp_path)
    use = Use(limit(1000), Decimal(1100), Decimal(1100), None)
    alert_id = friday.look([use], [], TEN - timedelta(days=3))[-1].alert_id
    log = AlertLog(tmp_path / str(DAY) / FILE)
    past, problem = past_alerts(tmp_path, DAY)
    carry_latches(log, past)
    carry_latches(log, past)
    assert problem is None
    with Watched(tmp_path / str(DAY), [limit(1000)]) as two:
        shown = two.watch.assess(two.session.snapshot())["trader", "T1"].limits[0]
        assert shown.latch is not None
        assert shown.level == 0
        assert two.watch.alerts()[0].text.startswith("Not released since 2025-02-28")
        # A breach of the new day is one of its own.
        assert two.lose(1001) == LEVELS
        two.watch.release(alert_id, "Ann", "a new day")
        assert (
            two.watch.assess(two.session.snapshot())["trader", "T1"].limits[0].latch
            is not None
        )


def test_a_damaged_log_of_the_session_before_is_told_and_its_breaches_hold(
    tmp_path: Path,
) -> None:
    friday = friday_alerts(tmp_path)
    lost = Use(limit(1000, scope_name="T1"), Decimal(1100), Decimal(1100), None)
    kept = Use(limit(1000, scope_name="T2"), Decimal(1100), Decimal(1100), None)
    friday.look([lost], [], TEN - timedelta(days=3))
    friday.look([kept], [], TEN - timedelta(days=3))
    [breach] = [one for one in friday.log.alerts.values() if one.key == LOST]
    release(friday.log, breach.alert_id, "Ann", "seen", TEN - timedelta(days=3))
    path = tmp_path / str(FRIDAY) / FILE
    lines = path.read_bytes().splitlines(keepends=True)
    # The breach that was released cannot be read, nor then its release; and rubbish.
    wrong = next(number for number, line in enumerate(lines) if LOST.encode() in line)
    begin = sum(map(len, lines[:wrong]))
    lines[wrong] = b"\xff\x00 rubbish\n"
    path.write_bytes(b"".join(lines) + b"[" * 100_000 + b'\n[]\n7\n{"event": "torn')
    past, problem = past_alerts(tmp_path, DAY)
    assert problem is not None
    assert f"{path} is damaged (5 of {len(lines) + 3} lines, the first" in problem
    assert f"at byte {begin})" in problem
    log = AlertLog(tmp_path / str(DAY) / FILE)
    carry_latches(log, past)
    with Watched(tmp_path / str(DAY), [limit(1000)], past_problem=problem) as one:
        assert one.look() == [("past_alerts", 0)]
        assert one.look() == []
        assert one.watch.health(one.session.snapshot()) == ("yellow", (problem,))
        assert [one.scope for one in log.alerts.values()] == [("trader", "T2")]


def test_unknown_is_no_zero(tmp_path: Path) -> None:
    week = limit(1000, rule="weekly_loss", used_before=None)
    with Watched(tmp_path, [week]) as one:
        assert one.lose(800) == LEVELS[:2]
        shown = one.watch.assess(one.session.snapshot())["trader", "T1"].limits[0]
        assert shown.unknown == "losses before today"
        assert "At least" in one.watch.alerts()[0].text


def test_every_rule_has_a_use(tmp_path: Path) -> None:
    limits = [
        limit(1000, rule="weekly_loss", used_before=600),
        limit(1000, rule="monthly_loss", used_before=700),
        limit(1000, rule="drawdown", used_before=400),
        limit(3, rule="losing_streak", used_before=2),
        limit(100, rule="position"),
        limit(2, rule="trades"),
        limit(10_000, rule="gross_exposure"),
        limit(10_000, rule="net_exposure"),
        limit(10_000, rule="overnight_exposure"),
    ]
    with Watched(tmp_path, limits) as one:
        one.lose(300)
        one.take(fill("A1", "T", 50, "100", one.clock.now))
        shares = {
            use.rule: use.used_share
            for use in one.watch.assess(one.session.snapshot())["trader", "T1"].limits
        }
    assert shares == pytest.approx(
        {
            "weekly_loss": 0.9,
            "monthly_loss": 1.0,
            "drawdown": 0.7,
            "losing_streak": 1.0,
            "position": 0.5,
            "trades": 1.0,
            "gross_exposure": 0.5,
            "net_exposure": 0.5,
            "overnight_exposure": 0.5,
        }
    )


def test_until_the_close_a_row_shows_a_limit_that_counts_now(tmp_path: Path) -> None:
    limits = [
        limit(1000, rule="overnight_exposure"),
        limit(8000, rule="gross_exposure"),
    ]
    with Watched(tmp_path, limits) as one:
        one.take(fill("A1", "B", 20, "100", one.clock.now))

        def shown() -> tuple[str | None, float | None, bool]:
            rows = screen(one.session.snapshot(), one.watch).rows
            (row,) = (row for row in rows if row.scope_type == "trader" and row.limits)
            return row.limit_rule, row.used_share, row.limit_counts_now

        assert shown() == ("gross_exposure", 0.25, True)
        one.wait(5 * 3600 + 31 * 60)
        assert shown() == ("overnight_exposure", 2.0, True)


def test_exposure_at_the_close_alerts_shortly_before_it(tmp_path: Path) -> None:
    with Watched(tmp_path, [limit(1000, rule="overnight_exposure")]) as one:
        one.take(fill("A1", "B", 20, "100", one.clock.now))
        assert one.look() == []
        # 15:29 and 15:31 Eastern.
        assert one.wait(5 * 3600 + 29 * 60) == []
        assert one.wait(120) == LEVELS


def test_the_case_file_has_the_moment(watched) -> None:
    watched.take(fill("A1", "B", 70, "50", watched.clock.now, symbol="HELD"))
    watched.lose(1100)
    watched.lose(100, "A2")
    case = watched.watch.case_of(watched.watch.alerts()[0].alert_id)
    assert case["scope"] == ["trader", "T1"]
    assert Decimal(case["figures"]["net_pnl"]) == -1100
    assert [one["symbol"] for one in case["positions"]] == ["HELD"]
    assert [one["account"] for one in case["last_reports"]] == ["A1"] * 3
    json.dumps(case)


@hypothesis.given(
    shares=st.lists(
        st.decimals(min_value=0, max_value=2, places=2), min_size=1, max_size=60
    ),
    restarts=st.sets(st.integers(0, 59)),
    releases=st.sets(st.integers(0, 59)),
)
@hypothesis.example(
    # Deeper while it was over and latched; released, started again, back to nothing.
    shares=[Decimal(one) for one in ("1.01", "0", "0.90", "1.02", "0")],
    restarts={4},
    releases={3},
)
@hypothesis.settings(max_examples=120)
def test_hysteresis_and_latches_hold_on_any_path(
    tmp_path_factory, shares, restarts, releases
) -> None:
    """Never twice without falling back; a breach stays until it is released."""
    path = tmp_path_factory.mktemp("alerts") / FILE
    log = AlertLog(path)
    alerts = Alerts(log, DAY, lambda _: {})
    one, worst = limit(1), Decimal(0)
    armed = dict.fromkeys((50, 75, 90, 100), True)
    rearmed_under = {50: 25, 75: 50, 90: 75, 100: 90}
    latched = False
    for number, share in enumerate(shares):
        if number in restarts:
            log = AlertLog(path)
            alerts = Alerts(log, DAY, lambda _: {})
        now = TEN + timedelta(minutes=number)
        worst = max(worst, share)
        raised = [
            alert.level
            for alert in alerts.look([Use(one, share, worst, None)], [], now)
        ]
        percent = share * 100
        for level in (50, 75, 90, 100):
            is_reached = percent > level if level == 100 else percent >= level
            may = is_reached and armed[level] and not (level == 100 and latched)
            assert (level in raised) == may, (number, level)
            latched |= may and level == 100
            if is_reached:
                armed[level] = False
            elif percent < rearmed_under[level]:
                armed[level] = True
        latch = alerts.latch(("trader", "T1"), "daily_loss")
        assert (latch is not None) == latched
        if number in releases and latch is not None:
            release(log, latch.alert_id, "Ann", "seen", now)
            latched = False
    ids = [alert.alert_id for alert in log.alerts.values()]
    assert len(ids) == len(set(ids))
    assert {
        key: (alert.is_over, alert.released_by)
        for key, alert in AlertLog(path).alerts.items()
    } == {key: (alert.is_over, alert.released_by) for key, alert in log.alerts.items()}


def test_a_torn_end_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / FILE
    alerts = Alerts(AlertLog(path), DAY, lambda _: {})
    alerts.look([], [Condition("gap", "x", "critical", "A gap.")], TEN)
    path.write_bytes(path.read_bytes() + b'{"event":"rai')
    log = AlertLog(path)
    assert len(log.alerts) == 1
    Alerts(log, DAY, lambda _: {}).look(
        [], [Condition("gap", "y", "critical", "Another.")], TEN
    )
    assert len(AlertLog(path).alerts) == 2
    assert AlertLog(path).damage is None


@pytest.mark.parametrize(
    "rubbish",
    [
        b"rubbish", b"", b"\xff\x00", b"[" * 100_000, b"[]", b"7", b"{}", b"null",
        b'{"event": "none", "at": "2025-03-03T10:00:00+00:00", "alert_id": "x"}',
        b'{"event": "over", "at": "2025-03-03T10:00:00+00:00", "alert_id": ["x"]}',
        b'{"event": "sent", "at": "2025-03-03T10:00:00+00:00", "alert_ids": 5}',
        b'{"event": "raised", "at": "2025-03-03T10:00:00+00:00", "alert_id": "x", '
        b'"key": "k", "kind": "gap", "severity": "info", "level": 0, "scope": ["x"]}',
    ],
)  # fmt: skip
def test_a_damaged_line_of_the_day_is_told_and_stops_nothing(
    tmp_path: Path, rubbish: bytes
) -> None:
    with Watched(tmp_path, [limit(1000)]) as one:
        one.lose(1001)
        breach = one.watch.alerts()[0].alert_id
    path = tmp_path / FILE
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(1, rubbish + b"\n")
    path.write_bytes(b"".join(lines))
    with Watched(tmp_path, [limit(1000)]) as one:
        assert ("alerts_damaged", 0) in one.look()
        _, why = one.watch.health(one.session.snapshot())
        where = f"1 of {len(lines)} lines, the first at byte {len(lines[0])}"
        assert any(text.startswith(f"{path} is damaged ({where})") for text in why)
        one.watch.release(breach, "Ann", "seen")
        one.lose(1)
    assert AlertLog(path).alerts[breach].released_by == "Ann"


def test_what_a_damaged_line_of_the_day_said_holds_anew(tmp_path: Path) -> None:
    """A breach that cannot be read is one again, and a release does not count."""
    with Watched(tmp_path, [limit(1000)]) as one:
        one.lose(1001)
        breach = one.watch.alerts()[0].alert_id
        one.watch.release(breach, "Ann", "seen")
        one.lose(-900)
    path = tmp_path / FILE
    whole = path.read_bytes().splitlines(keepends=True)
    for event, raised in (('"raised"', LEVELS), ('"released"', [])):
        path.write_bytes(
            b"".join(b"rubbish\n" if event.encode() in line else line for line in whole)
        )
        with Watched(tmp_path, [limit(1000)]) as one:
            assert [level for _, level in one.look() if level] == [
                level for _, level in raised
            ]
            shown = one.watch.assess(one.session.snapshot())["trader", "T1"].limits[0]
            assert shown.latch is not None
            assert shown.latch.alert_id == breach


def test_a_full_disk_keeps_alerts_in_memory_and_writes_them_later(
    tmp_path: Path, monkeypatch
) -> None:
    path = tmp_path / FILE
    log = AlertLog(path)
    alerts = Alerts(log, DAY, lambda _: {})
    write = os.write

    def full(handle: int, content: bytes) -> int:
        write(handle, bytes(content[:7]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("live.alert_log.os.write", full)
    raised = alerts.look([], [Condition("gap", "x", "critical", "A gap.")], TEN)
    assert [one.kind for one in raised] == ["gap"]
    assert log.problem == "No space left on device"
    assert AlertLog(path).alerts == {}
    # The same thing again is raised once all the same.
    assert alerts.look([], [Condition("gap", "x", "critical", "A gap.")], TEN) == []
    monkeypatch.setattr("live.alert_log.os.write", write)
    alerts.look([], [Condition("gap", "x", "critical", "A gap.")], TEN)
    assert log.problem is None
    assert list(AlertLog(path).alerts) == list(log.alerts)


def test_another_process_releases(tmp_path: Path) -> None:
    with Watched(tmp_path, [limit(1000)]) as one:
        one.lose(1001)
        alert_id = one.watch.alerts()[0].alert_id
        code = (
            "from datetime import UTC, datetime; from pathlib import Path\n"
            "from live.alert_log import AlertLog; from live.alerts import release\n"
            f"release(AlertLog(Path({str(tmp_path / FILE)!r})), {alert_id!r}, "
            "'Ann', 'seen', datetime.now(UTC))"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
        one.look()
        shown = one.watch.assess(one.session.snapshot())["trader", "T1"].limits[0]
        assert shown.latch is None


_KILLED = """
import random, sys, time
from datetime import date, timedelta
from pathlib import Path
from live.alert_log import AlertLog
from live.alerts import Alerts
from live.limit_uses import Use
from decimal import Decimal
from tests.live.watched import DAY, TEN, limit
alerts = Alerts(AlertLog(Path(sys.argv[1])), DAY, lambda _: {"pad": "x" * 5000})
print("ready", flush=True)
worst = {}
for step in range(100):
    uses = []
    for trader in range(20):
        share = Decimal((step * (trader + 3)) % 130) / 100
        worst[trader] = max(worst.get(trader, Decimal(0)), share)
        uses.append(Use(limit(1, scope_name=f"T{trader}"), share, worst[trader], None))
    alerts.look(uses, [], TEN + timedelta(seconds=step))
"""


def test_killed_at_any_moment_it_raises_what_it_would_have(tmp_path: Path) -> None:
    def run(path: Path, kill_after: float | None) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        if kill_after is not None:
            time.sleep(kill_after)
            process.send_signal(signal.SIGKILL)
        process.wait()

    whole = tmp_path / "whole.jsonl"
    started = time.monotonic()
    run(whole, None)
    lasted = time.monotonic() - started
    broken = tmp_path / "broken.jsonl"
    dice = random.Random(3)
    for _ in range(draw(1, 4)):
        run(broken, dice.random() * min(lasted, 0.5))
    run(broken, None)
    found = AlertLog(broken).alerts
    first = {one.alert_id for one in AlertLog(whole).alerts.values()}
    # Each plays the day from its start: what it raises first it raises once.
    assert first <= set(found)
    raised = [one for one in broken.read_text().splitlines() if '"raised"' in one]
    assert len(raised) == len(found)
