"""What is watched: the feed, the clock, limits that go missing, tilt, crowding."""

import os
import resource
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from live import watch
from live.baselines import BUCKETS_COUNT, Baselines, TraderPast
from live.figures import OpeningState
from live.reports import BadMessage
from live.screen import as_json, screen
from live.session import JOURNAL
from runtime.errors import UserError
from tests.live.watched import DAY, TEN, Watched, fill, limit, opening, result


@pytest.fixture
def watched(tmp_path: Path):
    """A desk with one limit, all quiet."""
    with Watched(tmp_path, [limit(1000)]) as one:
        assert one.look() == []
        assert state(one) == "green"
        yield one


def state(one: Watched) -> str:
    return one.watch.health(one.session.snapshot())[0]


def reasons(one: Watched) -> str:
    return " ".join(one.watch.health(one.session.snapshot())[1])


def kinds(one: Watched) -> list[str]:
    return [alert.kind for alert in one.watch.alerts()]


def test_a_silent_feed_is_red_and_alerts_once(watched) -> None:
    assert watched.wait(80, is_heard=False) == []
    assert watched.wait(20, is_heard=False) == [("feed_silent", 0)]
    assert state(watched) == "red"
    assert watched.wait(3600, is_heard=False) == []
    # Heard again: green at once, the alert is over a little later.
    watched.wait(1)
    assert state(watched) == "green"
    watched.wait(130)
    assert watched.watch.alerts()[0].is_over
    assert watched.wait(100, is_heard=False) == [("feed_silent", 0)]


def test_silence_is_seen_whatever_somebody_does_to_the_clock(watched) -> None:
    watched.clock.now -= timedelta(hours=5)
    watched.clock.seconds += 100
    assert watched.look() == [("feed_silent", 0)]


def test_a_source_gone_for_an_hour_is_red_alerts_once_and_loses_nothing(
    watched,
) -> None:
    watched.lose(100)
    watched.source.is_now(is_connected=False, problem="connection refused")
    assert watched.look() == []
    assert state(watched) == "red"
    assert "connection refused" in reasons(watched)
    raised = [one for _ in range(360) for one in watched.wait(10, is_heard=False)]
    assert raised == [("feed_down", 0)]
    watched.source.is_now(is_connected=True, problem=None)
    assert watched.lose(450) == [("limit", 50)]
    assert state(watched) == "green"


def test_a_line_that_drops_for_a_moment_alerts_nobody(watched) -> None:
    for _ in range(5):
        watched.source.is_now(is_connected=False)
        assert watched.wait(3, is_heard=False) == []
        watched.source.is_now(is_connected=True)
        assert watched.wait(20) == []


def test_a_gap_is_red_until_it_is_filled(watched) -> None:
    watched.source.is_now(missing=((7, 9), (12, 12)))
    watched.look()
    assert "lacks messages 7 to 9, 12" in reasons(watched)
    assert watched.wait(9) == []
    assert watched.wait(5) == [("gap", 0)]
    watched.source.is_now(missing=())
    assert state(watched) == "green"


def test_a_finished_source_is_not_silent(watched) -> None:
    watched.source.is_now(is_finished=True, is_connected=False)
    assert watched.wait(5000, is_heard=False) == []
    assert state(watched) == "green"


def test_a_folder_is_quiet_at_night_and_silent_in_the_session(watched) -> None:
    watched.source.is_now(kind="folder")
    assert watched.wait(800, is_heard=False) == []
    assert watched.wait(200, is_heard=False) == [("feed_silent", 0)]
    watched.wait(7 * 3600)
    assert watched.wait(4000, is_heard=False) == []
    assert state(watched) == "green"


def test_a_late_source_is_yellow_and_no_alert(watched) -> None:
    watched.source.is_now(is_late=True)
    assert watched.look() == []
    assert state(watched) == "yellow"


def test_no_source_is_red(tmp_path: Path) -> None:
    one = Watched(tmp_path, [limit(1000)])
    with one:
        snapshot = replace(one.session.snapshot(), sources=())
        assert one.watch.health(snapshot)[0] == "red"


def test_an_unknown_account_alerts_once_for_all_its_fills(watched) -> None:
    watched.take(result("NOBODY", -50, watched.clock.now))
    assert watched.look() == [("unknown_account", 0)]
    watched.take(result("NOBODY", -50, watched.clock.now))
    assert watched.look() == []
    assert state(watched) == "yellow"
    assert "NOBODY" in reasons(watched)


def test_fills_of_tomorrow_are_in_no_figure_and_alert(watched) -> None:
    tomorrow = watched.clock.now + timedelta(days=1)
    watched.take(result("A1", -5000, tomorrow))
    assert watched.look() == [("other_session", 0)]
    assert state(watched) == "yellow"
    shown = screen(watched.session.snapshot(), watched.watch)
    assert all(row.net_pnl == 0 for row in shown.rows)


def test_a_clock_that_is_off_is_yellow_and_alerts(watched) -> None:
    watched.take(result("A1", -10, watched.clock.now + timedelta(minutes=20)))
    assert watched.look() == [("clock", 0)]
    assert state(watched) == "yellow"
    assert "20 s in the future" not in reasons(watched)
    assert "1,200 s in the future" in reasons(watched)


def test_a_bust_before_its_fill_is_held_and_shown(watched) -> None:
    bust = replace(
        fill("A1", "B", 100, "10", watched.clock.now), kind="cancel", ref_exec_id="GONE"
    )
    watched.take(bust)
    assert watched.look() == []
    assert state(watched) == "yellow"
    assert watched.wait(9) == []
    assert watched.wait(5) == [("waiting", 0)]


def test_a_bust_of_a_breach_leaves_the_latch(watched) -> None:
    opened = fill("A1", "B", 100, "100", watched.clock.now)
    closed = fill("A1", "S", 100, "80", watched.clock.now)
    watched.take(opened, closed)
    assert ("limit", 100) in watched.look()
    for one in (opened, closed):
        watched.take(
            replace(
                one, kind="cancel", exec_id=f"{one.exec_id}-B", ref_exec_id=one.exec_id
            )
        )
    watched.look()
    shown = watched.watch.assess(watched.session.snapshot())["trader", "T1"].limits[0]
    assert shown.used == 0
    assert shown.latch is not None


def test_rubbish_is_one_alert_however_much_comes(watched) -> None:
    for _ in range(3):
        watched.take()
        watched.session.receive(
            [BadMessage("hand", watched.clock.now, "no price", "x")] * 500
        )
        watched.look()
    assert kinds(watched) == ["quarantine"]
    assert state(watched) == "yellow"


def test_a_full_disk_is_red_and_an_alert_that_is_written_later(
    watched, tmp_path: Path
) -> None:
    size = (tmp_path / JOURNAL).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        with pytest.raises(OSError, match="full"):
            watched.take(result("A1", -5000, watched.clock.now))
        assert [kind for kind, _ in watched.look()] == ["journal"]
        assert state(watched) == "red"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert len(watched.lose(5000)) == 4
    assert state(watched) == "green"


def test_a_stale_opening_is_yellow_and_none_is_red(tmp_path: Path) -> None:
    for positions, colour in ((date(2025, 2, 27), "yellow"), (None, "red")):
        begun = opening(
            state=OpeningState(DAY, positions, TEN, True, ("Positions are old.",))
        )
        with Watched(tmp_path / colour, [limit(1)], begun=begun) as one:
            assert [kind for kind, _ in one.look()] == ["opening"]
            assert state(one) == colour


def test_no_limit_at_all_is_said(tmp_path: Path) -> None:
    with Watched(tmp_path) as one:
        assert one.look() == [("limits_missing", 0)]
        assert state(one) == "yellow"


def usual_days(count: int = 30, trades: float = 4, size: float = 100) -> Baselines:
    """A trader T1 who does the same every day from 9:30 on."""
    shape = count, BUCKETS_COUNT
    begun = np.zeros(shape, dtype=np.float32)
    begun[:, 62:] = 1
    flat = np.zeros(shape, dtype=np.float32)
    dates = np.array([np.datetime64("2025-01-02") + one for one in range(count)])
    past = TraderPast(
        dates,
        begun * trades,
        begun * trades * 2,
        begun * trades * 2 * size,
        flat,
        flat,
        flat,
    )
    return Baselines({"T1": past}, dates[-1].item(), dates)


def test_tilt_is_losing_faster_or_larger_than_usual(tmp_path: Path) -> None:
    with Watched(tmp_path, [limit(10_000)], baselines=usual_days()) as one:
        # Three losses at the usual pace are no tilt.
        for _ in range(3):
            assert one.lose(10) == []
        usual = one.watch.assess(one.session.snapshot())["trader", "T1"].usual
        assert usual.tempo_ratio == pytest.approx(0.75)
        assert usual.size_ratio == pytest.approx(1.0)
        raised = [kind for _ in range(6) for kind in one.lose(10)]
        assert raised == [("tilt", 0)]
        assert "2.0 times" in one.watch.alerts()[0].text
        assert one.watch.alerts()[0].scope == ("trader", "T1")
    with Watched(tmp_path / "calm", [limit(10_000)], baselines=usual_days()) as calm:
        for _ in range(12):
            assert calm.lose(-10) == []
    with Watched(
        tmp_path / "few", [limit(10_000)], baselines=usual_days(count=9)
    ) as few:
        for _ in range(12):
            assert few.lose(10) == []
        usual = few.watch.assess(few.session.snapshot())["trader", "T1"].usual
        assert usual.tempo_ratio is None
        assert usual.unknown == "9 past days, 10 are needed"


def test_crowding_names_symbol_side_and_traders(tmp_path: Path) -> None:
    with Watched(tmp_path, [limit(10_000)]) as one:
        for account in ("A1", "A2"):
            one.take(fill(account, "B", 100, "10", one.clock.now, symbol="HOT"))
        assert one.look() == []
        one.take(fill("A3", "T", 100, "10", one.clock.now, symbol="HOT"))
        assert one.look() == []
        one.take(fill("A3", "C", 200, "10", one.clock.now, symbol="HOT"))
        assert one.look() == [("crowding", 0)]
        assert "3 traders are long HOT" in one.watch.alerts()[0].text


def test_a_watch_that_fails_says_so(watched, monkeypatch) -> None:
    monkeypatch.setattr(
        watched.watch, "assess", lambda _: (_ for _ in ()).throw(RuntimeError("broken"))
    )
    watched.watch.start()
    until = time.monotonic() + 5
    while state(watched) != "red" and time.monotonic() < until:
        time.sleep(0.01)
    assert "The watch fails (broken)" in reasons(watched)
    monkeypatch.undo()
    watched.watch.stop()


def test_the_screen_is_json_with_money_as_text(watched) -> None:
    watched.lose(1100)
    told = as_json(screen(watched.session.snapshot(), watched.watch), ())
    trader = next(row for row in told["rows"] if row["scope_type"] == "trader")
    assert Decimal(trader["net_pnl"]) == -1100
    assert isinstance(trader["net_pnl"], str)
    assert trader["alert_level"] == 100
    assert trader["latch"]["rule"] == "daily_loss"
    assert trader["chance"]["probability"] == 1.0
    assert told["alerts"][0]["level"] == 100
    assert trader["limits"][0]["command"].startswith("make amend-limits ACCOUNT=A1")


def test_acknowledged_by_a_person(watched) -> None:
    watched.lose(500)
    alert_id = watched.watch.alerts()[0].alert_id
    watched.watch.acknowledge(alert_id, "Ann", "a hedge,\n  flat by noon")
    watched.watch.acknowledge(alert_id, "Bob", "")
    shown = watched.watch.alerts()[0]
    assert shown.acknowledged_by == "Ann"
    assert shown.acknowledge_reason == "a hedge, flat by noon"
    case = watched.watch.case_of(alert_id)
    assert case["acknowledged_by"] == "Ann"
    assert case["acknowledge_reason"] == "a hedge, flat by noon"
    with pytest.raises(UserError, match="REASON= must say"):
        watched.watch.acknowledge(alert_id, "Bob", "x" * 501)


def test_a_breach_alerts_though_figures_of_before_it_were_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Figures that somebody has just looked at will do, but not for long."""
    # Without a fill nobody looks again.
    monkeypatch.setattr(watch, "LOOK_SECONDS", 600.0)
    monkeypatch.setattr(watch, "_OLDEST_SECONDS", 1.0)
    with Watched(tmp_path, [limit(1000)]) as one:
        one.watch.start()
        one.session.snapshot()
        one.take(result("A1", -2000, one.clock.now))
        deadline = time.monotonic() + 10
        while not kinds(one) and time.monotonic() < deadline:
            time.sleep(0.02)
        raised = [alert.level for alert in one.watch.alerts()]
        one.watch.stop()
    assert sorted(raised) == [50, 75, 90, 100]


def test_who_shows_figures_does_not_wait_for_the_disk_that_keeps_an_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, is_free = threading.Event(), threading.Event()
    fsync = os.fsync

    def busy(handle: int) -> None:
        begun.set()
        assert is_free.wait(30)
        fsync(handle)

    with Watched(tmp_path, [limit(1000)]) as one, ThreadPoolExecutor() as threads:
        one.take(result("A1", -1001, one.clock.now))
        monkeypatch.setattr("live.alert_log.os.fsync", busy)
        look = threads.submit(one.look)
        assert begun.wait(30)
        snapshot = one.session.snapshot()
        shown = threads.submit(screen, snapshot, one.watch)
        try:
            [row] = [row for row in shown.result(20).rows if row.scope_name == "T1"]
            assert row.used == 1001
            assert not look.done()
        finally:
            is_free.set()
        assert look.result(20)[-1] == ("limit", 100)
        # What was shown meanwhile is not what stays.
        shown = screen(snapshot, one.watch).rows
        [row] = [row for row in shown if row.scope_name == "T1"]
        assert (row.alert_level, row.latch is not None) == (100, True)
