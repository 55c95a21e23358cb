"""Statuses at platforms, a damaged ledger, trials, and no synthetic person."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st

from runtime.errors import UserError
from runtime.home import Home
from tests.conftest import make_settings
from tests.draws import draw
from tests.trading_limits.desk import AFTER, FACTS, NEXT, LimitsDesk, sessions_after
from trading_limits import trial, warehouse
from trading_limits.checks import NO_PLATFORM, compare, news
from trading_limits.keys import SYNTHETIC, make_key
from trading_limits.ledger import FILE, KEY, Ledger
from trading_limits.people import check_real
from trading_limits.sample_desk import demonstrate
from trading_limits.state import (
    ACKNOWLEDGED,
    DRIFTED,
    NOT_SENT,
    READ_BACK,
    SENT,
    AtPlatform,
)

_VALUES = st.sampled_from([None, Decimal(900), Decimal(1000)])


@given(
    sent=_VALUES, seen=_VALUES, ours=st.sampled_from([Decimal(900), Decimal(1000)]),
    order=st.permutations([0, 1, 2]), is_seen=st.booleans(),
    is_acknowledged=st.booleans(),
)  # fmt: skip
@drawn(max_examples=draw(200, 2_000))
def test_nothing_is_read_back_that_was_not_seen_since_it_was_sent(
    sent: Decimal | None,
    seen: Decimal | None,
    ours: Decimal,
    order: list[int],
    *,
    is_seen: bool,
    is_acknowledged: bool,
) -> None:
    at = [1 + place for place in order]
    there = AtPlatform(
        sent=sent, sent_entry=at[0] if sent is not None else 0,
        seen=seen if is_seen else None, seen_entry=at[1] if is_seen else 0,
        acknowledged_entry=at[2] if is_acknowledged else 0,
    )  # fmt: skip
    status = there.status(ours)
    is_fresh = is_seen and there.seen_entry > there.sent_entry
    assert (status == READ_BACK) == (is_fresh and seen == ours)
    if status == DRIFTED:
        assert is_fresh
        assert sent == ours != seen
    if status in (SENT, ACKNOWLEDGED):
        assert sent == ours
        assert not is_fresh
    if status == NOT_SENT:
        assert sent != ours
    if status == ACKNOWLEDGED:
        assert is_acknowledged


def test_status_says_what_waits_what_was_not_sent_and_what_drifted(
    limits: LimitsDesk,
) -> None:
    def said() -> str:
        return " | ".join(news(limits.settings, limits.home, limits.facts.session))

    limits.propose()
    assert said() == "2 wait for approval for 2025-12-19: make approve-limits"
    limits.decide("bob")
    assert "2 approved and not exported to any platform" in said()
    limits.export("tt")
    assert said() == "2 exported to tt and not read back"
    file = limits.home.root / "there.csv"
    file.write_text("Account,Credit\nA1,1500\nA2,1000\n")
    with pytest.raises(UserError, match="drifted"):
        limits.check("tt", file)
    assert said() == "! drifted at tt: A1 max_loss: ours 1,130, theirs 1,500"
    # The same file again tells nobody that it is set there.
    assert "1 of it drifted there: set it there again" in limits.export("tt")
    assert "! drifted" in said()
    file.write_text("Account,Credit\nA1,1130\nA2,1000\n")
    limits.check("tt", file)
    assert said() == "2 in force on 2025-12-19, all of them read back"
    # What reverted has to be sent again.
    limits.publish(session=AFTER)
    limits.propose()
    assert "1 approved and not exported to tt" in said()
    limits.settings = limits.settings.model_copy(update={"limits_platforms": ("das",)})
    assert "2 approved and not exported to das" in said()


def test_before_any_export_everything_is_not_sent(limits: LimitsDesk) -> None:
    assert news(limits.settings, Home(limits.home.root / "none"), NEXT) == []
    limits.propose()
    limits.decide("bob")
    found = compare(limits.state(), limits.facts.session)
    assert {(one.platform, one.status) for one in found} == {(NO_PLATFORM, NOT_SENT)}


@pytest.fixture
def loaded(limits: LimitsDesk, monkeypatch: pytest.MonkeyPatch) -> LimitsDesk:
    """With a warehouse that limits can be copied into."""
    with duckdb.connect(limits.home.warehouse) as connection:
        connection.execute(
            "create schema marts; create table marts.replay_days (trader_id varchar, "
            "trade_date date, net_pnl decimal(38, 8), usual_day_amount decimal(38, 8))"
        )
    monkeypatch.setattr(
        warehouse, "require_run_context",
        lambda _: type("Context", (), {"prediction_date": limits.facts.session}),
    )  # fmt: skip
    return limits


def rows(limits: LimitsDesk, sql: str) -> list[tuple]:
    with duckdb.connect(limits.home.warehouse, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def load(limits: LimitsDesk, home: Home | None = None) -> str | None:
    return warehouse.load_limits(limits.settings, limits.home, home or limits.home)


def test_the_warehouse_has_every_version_and_what_was_decided(
    loaded: LimitsDesk,
) -> None:
    loaded.propose()
    loaded.amend("ann", 1600)
    loaded.decide("bob", only="A1")
    loaded.decide("eve", approves=False, reason="Not now")
    assert load(loaded) is None
    found = rows(
        loaded,
        "select account_id, limit_value, status, is_by_person, decided_by, decision "
        "from ops.limit_changes order by entry_number, account_id",
    )
    assert found == [
        ("A1", Decimal(1130), "pending", False, None, None),
        ("A2", Decimal(1000), "rejected", False, "eve", "Not now"),
        ("A1", Decimal(1600), "approved", True, "bob", "Agreed"),
    ]
    assert rows(loaded, "select platform, status from ops.limit_platforms") == [
        (NO_PLATFORM, "not sent")
    ]


def test_a_damaged_ledger_stops_no_morning_and_is_an_alarm(loaded: LimitsDesk) -> None:
    loaded.propose()
    assert load(loaded) is None
    before = rows(loaded, "from ops.limit_changes")
    path = loaded.home.limits / FILE
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"1130", b"1180", 1))
    problem = load(loaded)
    assert problem is not None
    assert "is not what was written" in problem
    # What was read last stays, and says so.
    assert rows(loaded, "from ops.limit_changes") == before
    assert rows(loaded, "select problem from ops.limit_ledger_state") == [(problem,)]
    assert news(loaded.settings, loaded.home, NEXT) == [f"! {problem}"]
    with pytest.raises(UserError, match="is not what was written"):
        loaded.decide("bob")
    path.unlink()
    path.mkdir()
    assert "cannot be read" in str(load(loaded))
    path.rmdir()
    path.write_bytes(whole)
    assert load(loaded) is None
    assert rows(loaded, "select problem from ops.limit_ledger_state") == [(None,)]


def test_a_past_morning_knows_nothing_of_later_sessions(
    loaded: LimitsDesk, tmp_path: Path
) -> None:
    loaded.propose()
    loaded.decide("bob")
    loaded.publish(session=NEXT)
    loaded.propose()
    loaded.amend("ann", 900, account="A2")
    loaded.publish(session=FACTS.session)
    past = Home(tmp_path / "past")
    past.root.mkdir()
    with duckdb.connect(past.warehouse):
        pass
    assert load(loaded, past) is None
    with duckdb.connect(past.warehouse, read_only=True) as connection:
        found = connection.execute("select distinct session from ops.limit_changes")
        assert found.fetchall() == [(FACTS.session,)]


def test_a_trial_withholds_proposals_and_is_looked_at_once(
    loaded: LimitsDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "read_facts", lambda *_: loaded.facts)
    sessions = sessions_after(FACTS.session, 40)
    look = sessions[30]

    def register(**said: object) -> str:
        options = {"name": "ann", "reason": "Do they help?", "look": look}
        with loaded.at("ann"):
            return trial.register(loaded.settings, loaded.home, **(options | said))

    for wrong, problem in (
        ({"look": sessions[19]}, "no session at least 20 sessions"),
        ({"look": look - timedelta(days=100)}, "no session at least 20"),
        ({"reason": ""}, "needs its reason"),
    ):
        with pytest.raises(UserError, match=problem):
            register(**wrong)
    assert "compared once" in register()
    with pytest.raises(UserError, match="a trial is on since 2025-12-19"):
        register()
    (one,) = loaded.state().trials
    traders = [f"T{number}" for number in range(400)]
    held = [name for name in traders if trial.is_withheld(one, name)]
    assert 150 < len(held) < 250
    # Whose limit is in force gets no tightening; who has none is proposed one.
    accounts = {f"A{number}": name for number, name in enumerate(traders)}
    breached = FACTS.by_trader["T1"]
    loaded.publish(
        traders=accounts, by_trader=dict.fromkeys(traders, breached),
        desk_limits={
            (account, "max_loss"): Decimal(1500) for account in list(accounts)[:300]
        },
    )  # fmt: skip
    loaded.propose()
    proposed = {row.trader_id for row in loaded.rows().values()}
    with_limit = set(traders[:300])
    assert proposed == (with_limit - set(held)) | (set(traders[300:]))

    with duckdb.connect(loaded.home.warehouse) as connection:
        for place, session in enumerate(sessions):
            connection.executemany(
                "insert into marts.replay_days values (?, ?, ?, 100)",
                [
                    (name, session, (0 if name in held else 50) + place % 3)
                    for name in traders[:60]
                ],
            )

    def looked() -> list[tuple]:
        load(loaded)
        return rows(
            loaded,
            "select measure, status, difference, difference_low from ops.limit_trials "
            "order by measure desc",
        )

    assert looked() == [
        ("net_pnl_scaled", "running", None, None), ("loss_ratio", "running", None, None)
    ]  # fmt: skip
    loaded.publish(session=look)
    first = looked()
    assert [one[:2] for one in first] == [
        ("net_pnl_scaled", "looked"), ("loss_ratio", "looked")
    ]  # fmt: skip
    assert first[0][2] == pytest.approx(0.5)
    assert first[0][3] > 0.4
    # Of the days up to the look, whenever it is read; then another may begin.
    loaded.publish(session=sessions[35])
    assert looked() == first
    assert "compared once" in register(look=sessions_after(sessions[35], 30)[-1])


def test_a_trial_of_few_traders_shows_nothing(
    loaded: LimitsDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "read_facts", lambda *_: loaded.facts)
    look = sessions_after(FACTS.session, 30)[-1]
    with loaded.at("ann"):
        trial.register(
            loaded.settings, loaded.home, name="ann", reason="Few", look=look
        )
    loaded.publish(session=look)
    load(loaded)
    assert rows(loaded, "select distinct status, difference from ops.limit_trials") == [
        ("too few traders", None)
    ]


def test_no_synthetic_person_signs_for_a_firm(limits: LimitsDesk) -> None:
    limits.propose()
    limits.decide("bob")
    someone = replace(make_key(limits.settings, "zoe"), os_user=SYNTHETIC)
    ledger = Ledger(limits.home)
    ledger.append(ledger.entries(), KEY, {"public_key": someone.public_key}, by=someone)
    limits.export("csv")
    firm = make_settings(
        source="files", exports=limits.home.root, risk_home=limits.settings.risk_home,
        limits_keys=limits.settings.limits_keys,
    )  # fmt: skip
    limits.settings = firm
    for work in (limits.export, lambda: limits.decide("bob", approves=False)):
        with pytest.raises(UserError, match="its second person is synthetic"):
            work()
    with pytest.raises(UserError, match="its second person is synthetic"):
        check_real(firm, limits.state())
    with pytest.raises(UserError, match="of the sample firm alone"):
        demonstrate(firm, limits.home)
