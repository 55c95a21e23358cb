"""The engine against the oracle: any fills, in any order of arrival."""

import pickle
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live import paths, valuation
from live.engine import Engine
from live.figures import Scope, ScopeFigures
from live.fills import Fills, microseconds
from live.instruments import Instruments
from live.opening import InstrumentLine, OpeningLot
from live.reports import ExecutionReport
from live.valuation import STALE_AFTER
from runtime.sessions import EASTERN
from tests.draws import draw
from tests.exports import ExportedFill
from tests.live.days import opening_of, report_of
from tests.oracle.fills import prepare, total
from tests.oracle.pnl import Book, describe_path, keep_book, realized_paths
from tests.oracle.trips import round_trips

MONDAY = date(2025, 3, 3)
FUTURE, OPTION = "#SIMAH5", "+ABC260116C00050000"
MULTIPLIERS = {FUTURE: Decimal(50)}
TRADERS = {"ACC1": "Ann", "ACC2": "Ann", "ACC3": "Bob"}
GROUPS = {"Ann": "north", "Bob": "south"}
LATER = datetime(2025, 3, 20, 12, tzinfo=EASTERN)
HOUR = timedelta(hours=1)

quantities = st.sampled_from([1, 2, 3, 40, 100, 300, 700]).map(
    Decimal
) | st.sampled_from([Decimal("0.5"), Decimal("1.25"), Decimal("0.125")])
prices = st.integers(1, 9).map(lambda n: Decimal(n) + Decimal("0.25")) | st.integers(
    0, 30_000
).map(lambda n: Decimal(n) / 1000)


@st.composite
def traded(draw_one: st.DrawFn, days: int = 3) -> list[ExportedFill]:
    """Fills of some days, each with an id of its own; many of one second."""
    # Often few books, so that fills meet.
    accounts = draw_one(st.sampled_from([["ACC1"], list(TRADERS)]))
    symbols = draw_one(st.sampled_from([["ABC"], ["ABC", "DEF", FUTURE, OPTION]]))
    fills = []
    for number in range(draw_one(st.integers(1, draw(25, 60)))):
        day = MONDAY + timedelta(days=draw_one(st.integers(0, days - 1)))
        seconds = draw_one(st.sampled_from([1, 2, 2, 2, 3, 600, 3000]))
        at = datetime.combine(day, datetime.min.time()) + timedelta(
            hours=9, minutes=30, seconds=seconds
        )
        fills.append(
            ExportedFill(
                draw_one(st.sampled_from(accounts)),
                at,
                draw_one(st.sampled_from("BSTC")),
                draw_one(quantities),
                draw_one(prices),
                symbol=draw_one(st.sampled_from(symbols)),
                fill_id=draw_one(st.sampled_from(["", "A", "x1e"])) + str(number),
            )
        )
    return fills


@st.composite
def reported(
    draw_one: st.DrawFn, fills: list[ExportedFill]
) -> tuple[list[ExportedFill], list[ExecutionReport]]:
    """What is true in the end, and reports that say so, in any order, some twice."""
    true, reports = [], []
    for fill in fills:
        fate = draw_one(st.sampled_from(["kept"] * 6 + ["bust", "correct", "both"]))
        exec_id = fill.fill_id
        first = fill
        if fate != "kept":
            first = replace(fill, quantity=fill.quantity + 5, side="B")
        reports.append(report_of(first, exec_id))
        minute = timedelta(minutes=1)
        if fate in ("correct", "both"):
            wrong = replace(fill, price=fill.price + 1)
            # Of two corrections the later one is the last word, whichever it names.
            named = draw_one(st.sampled_from([exec_id, f"{exec_id}-c1"]))
            reports.append(
                report_of(
                    wrong, f"{exec_id}-c1", kind="correct", ref=exec_id, after=minute
                )
            )
            reports.append(
                report_of(
                    fill, f"{exec_id}-c2", kind="correct", ref=named, after=2 * minute
                )
            )
        if fate in ("bust", "both"):
            named = f"{exec_id}-c2" if fate == "both" else exec_id
            reports.append(
                report_of(
                    first, f"{exec_id}-b", kind="cancel", ref=named, after=3 * minute
                )
            )
        if fate in ("kept", "correct"):
            true.append(fill)
    again = draw_one(st.lists(st.sampled_from(reports), max_size=5)) if reports else []
    reports += again
    if draw_one(st.booleans()):
        return true, draw_one(st.permutations(reports))
    # Nearly in order, as of a feed: some come later than they should.
    reports.sort(key=lambda one: one.executed_at)
    for _ in range(draw_one(st.integers(0, 3)) if reports else 0):
        late = reports.pop(draw_one(st.integers(0, len(reports) - 1)))
        reports.insert(draw_one(st.integers(0, len(reports))), late)
    return true, reports


@given(st.data())
@settings(max_examples=draw(150, 1500), deadline=None)
def test_a_day_is_what_the_oracle_says_whatever_the_order(data: st.DataObject) -> None:
    """Every figure of every symbol, account, trader, group and of the desk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "CHECKPOINT_FILLS", data.draw(st.sampled_from([2, 512])))
        _play_a_day(data)


def _play_a_day(data: st.DataObject) -> None:
    fills = data.draw(traded())
    last = MONDAY + timedelta(days=2)
    before = [one for one in fills if one.at.date() < last]
    true, reports = data.draw(reported([f for f in fills if f.at.date() == last]))
    book = keep_book(
        prepare([*before, *true], multipliers=MULTIPLIERS, traders=TRADERS)
    )
    engine = Engine(
        opening_of(
            last, book, TRADERS, traders=TRADERS, groups=GROUPS, multipliers=MULTIPLIERS
        )
    )
    looks = data.draw(st.sets(st.integers(0, len(reports))))
    for place, report in enumerate(reports):
        engine.take(report)
        # Somebody looks in between: it must change nothing.
        if place in looks:
            engine.scope_figures(LATER)
    _compare(engine, book, last)
    assert not engine.waiting_count


def _compare(engine: Engine, book: Book, day: date) -> None:
    gross: dict = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for match in book.matches:
        if match.booked_at.day == day:
            key = match.sold.account, match.sold.symbol
            gross[key][match.is_overnight] += match.gross
    figures = engine.symbol_figures(LATER)
    held: dict = defaultdict(list)
    for lot in book.lots:
        held[lot.opening.account, lot.opening.symbol].append(lot)
    todays = [fill for fill in book.counted if fill.day == day]
    for key in {*gross, *held, *((one.account, one.symbol) for one in todays)}:
        lots = [lot for lot in held[key] if lot.is_held(day)]
        own = [one for one in todays if (one.account, one.symbol) == key]
        if key not in figures:
            assert not own and not lots
            continue
        one = figures[key]
        assert [one.intraday_gross_pnl, one.overnight_gross_pnl] == gross[key], key
        assert one.position_quantity == total(lot.signed_quantity for lot in lots)
        assert one.local_open_cost == total(lot.cost for lot in lots)
        assert one.fills_count == len(own)
        assert one.quantity == total(fill.quantity for fill in own)
    trips = round_trips(book.counted)
    opened = [trip for trip in trips if trip.opened_date == day]
    scopes = engine.scope_figures(LATER)
    walked = realized_paths(book)
    for trader in set(TRADERS.values()):
        found = scopes["trader", trader]
        path = walked.get((trader, day))
        assert found.trades_count == sum(trip.trader == trader for trip in opened)
        if path is None:
            assert found.net_pnl == found.peak_net_pnl == found.fills_count == 0
            continue
        said = describe_path(path)
        assert found.net_pnl == said.final_net_pnl
        assert found.peak_net_pnl == said.peak_net_pnl
        assert found.trough_net_pnl == said.trough_net_pnl
        assert found.max_drawdown == said.max_drawdown
        assert found.drawdown == said.give_back
        assert found.peak_at == (said.peak_at and said.peak_at.replace(tzinfo=EASTERN))
    desk = scopes["desk", "desk"]
    assert desk.gross_pnl == sum((sum(pair) for pair in gross.values()), Decimal(0))
    for name, trader in (("north", "Ann"), ("south", "Bob")):
        assert scopes["trader_group", name].net_pnl == scopes["trader", trader].net_pnl


def bought(number: int, second: int, quantity, price, side: str = "B") -> ExportedFill:
    """A fill of the day in ABC."""
    at = datetime.combine(MONDAY, datetime.min.time()) + timedelta(
        hours=10, seconds=second
    )
    return ExportedFill(
        "ACC1", at, side, Decimal(quantity), Decimal(price), fill_id=str(number)
    )


def started(*lots: tuple[int, str]) -> Engine:
    """An engine that begins with lots of ABC, and without fees."""
    opening = opening_of(MONDAY, None, ["ACC1"])
    held = tuple(
        OpeningLot(
            "ACC1", "ABC", Decimal(quantity), Decimal(price), Decimal(1), "USD", MONDAY
        )
        for quantity, price in lots
    )
    return Engine(replace(opening, lots=held, own_prices={("ACC1", "ABC"): Decimal(9)}))


def test_a_close_that_the_day_takes_back_leaves_the_lot_open() -> None:
    """Held short, bought, sold again: the day's two fills meet, the lot stays."""
    engine = started((-100, "10"))
    engine.take(report_of(bought(1, 0, 100, "9"), "1"))
    before = engine.scope_figures(LATER)["trader", "ACC1"]
    assert (before.net_pnl, before.peak_net_pnl) == (100, 100)
    engine.take(report_of(bought(2, 1, 100, "9.5", side="S"), "2"))
    after = engine.scope_figures(LATER)["trader", "ACC1"]
    assert (after.net_pnl, after.peak_net_pnl, after.max_drawdown) == (50, 50, 0)
    [figures] = engine.symbol_figures(LATER).values()
    assert figures.overnight_gross_pnl == 0
    assert (figures.position_quantity, figures.average_price) == (-100, 10)


def test_a_late_fill_is_walked_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long path only what follows it is walked again, and with the same end."""
    monkeypatch.setattr(paths, "CHECKPOINT_FILLS", 4)
    fills = [
        bought(n, n, 10, 10 + n % 7, side="BS"[n % 2]) for n in range(40) if n != 17
    ]
    late = bought(17, 17, 10, 20, side="S")
    in_order, with_late = started(), started()
    for fill in sorted([*fills, late], key=lambda one: one.at):
        in_order.take(report_of(fill, fill.fill_id))
    for fill in fills:
        with_late.take(report_of(fill, fill.fill_id))
        with_late.scope_figures(LATER)
    with_late.take(report_of(late, "17"))
    assert with_late.scope_figures(LATER) == in_order.scope_figures(LATER)
    assert with_late.symbol_figures(LATER) == in_order.symbol_figures(LATER)


def test_a_bust_is_walked_from_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a long day came to before a fill that was busted is not walked again."""
    fills = [bought(n, n, 10, 10 + n % 7, side="BS"[n % 2]) for n in range(40)]
    engine, without = started(), started()
    for fill in fills:
        engine.take(report_of(fill, fill.fill_id))
        if fill.fill_id != "33":
            without.take(report_of(fill, fill.fill_id))
    engine.scope_figures(LATER)
    walked: list[int] = []
    revise_from = paths.Path.revise_from

    def noted(self: paths.Path, fills_: Fills, time: int) -> None:
        walked.append(time)
        revise_from(self, fills_, time)

    monkeypatch.setattr(paths.Path, "revise_from", noted)
    engine.take(report_of(fills[33], "b", kind="cancel", ref="33"))
    found = engine.scope_figures(LATER)
    assert min(walked) > microseconds(fills[33].at)
    assert found == without.scope_figures(LATER)


@given(st.data())
@settings(max_examples=draw(60, 600), deadline=None)
def test_figures_that_are_kept_are_those_that_are_made_anew(
    data: st.DataObject,
) -> None:
    """Whoever looked before, at however few accounts or prices, at whatever time."""
    fills = data.draw(traded(days=1))
    _, reports = data.draw(reported(fills))
    opening = opening_of(
        MONDAY, None, TRADERS, traders=TRADERS, groups=GROUPS, multipliers=MULTIPLIERS
    )
    followed, fresh, whole = Engine(opening), Engine(opening), Engine(opening)
    begin = datetime(2025, 3, 3, 9, 30, tzinfo=EASTERN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(valuation, "_LEAST_REPRICED", 1)
        for report in reports:
            for one in (followed, fresh, whole):
                one.take(report)
            if data.draw(st.booleans()):
                seconds = data.draw(st.sampled_from([1, 3, 600, 3000]))
                now = begin + timedelta(seconds=seconds)
                most = data.draw(st.sampled_from([None, 1, 2]))
                is_summed = data.draw(st.booleans())
                found = followed.scope_figures(now, 0.1, most, is_summed=is_summed)
                _assert_read_in_turns(followed, found, whole.scope_figures(now))
                if is_summed or followed.read_sequence == followed.sequence:
                    assert _realized(found["desk", "desk"]) == _realized(
                        whole.scope_figures(now)["desk", "desk"]
                    )
        now = begin + timedelta(seconds=data.draw(st.sampled_from([5, 900, 3600])))
        # Of three accounts each has had its turn.
        for _ in TRADERS:
            found = followed.scope_figures(now, 0.1)
        assert found == fresh.scope_figures(now)
        again = followed.scope_figures(now)
        assert all(again[scope] is found[scope] for scope in found)


def _assert_read_in_turns(
    engine: Engine, found: dict[Scope, ScopeFigures], whole: dict[Scope, ScopeFigures]
) -> None:
    """Who does not wait has every fill; who waits has none of those after the last."""
    waiting = engine._day.moved
    assert engine.read_sequence == min(waiting.values(), default=engine.sequence)
    for scope, one in found.items():
        if scope[0] in ("account", "trader") and waiting.keys().isdisjoint(
            one.account_ids
        ):
            assert _realized(one) == _realized(whole[scope]), scope


def _realized(figures: ScopeFigures) -> ScopeFigures:
    """What no price moves."""
    return replace(
        figures, open_pnl=None, total_pnl=None, open_unknown=(), oldest_mark_at=None
    )


def test_an_old_price_is_no_price() -> None:
    """Open P&L is at the desk's own last price while that is fresh, then unknown."""
    engine = started((100, "8"))
    first = engine.scope_figures(LATER)["account", "ACC1"]
    assert first.open_pnl is None and first.open_unknown == ("ABC",)
    fill = bought(1, 0, 50, "11")
    engine.take(report_of(fill, "1"))
    at = fill.at.replace(tzinfo=EASTERN)
    fresh = engine.scope_figures(at + STALE_AFTER)["account", "ACC1"]
    assert fresh.open_pnl == 100 * 3
    stale = engine.scope_figures(at + STALE_AFTER + timedelta(seconds=1))
    assert stale["account", "ACC1"].open_pnl is None
    # A bust takes its price away as well.
    engine.take(report_of(fill, "2", kind="cancel", ref="1"))
    assert engine.scope_figures(at)["account", "ACC1"].open_pnl is None


def test_a_duplicate_books_nothing_and_a_conflict_is_told() -> None:
    """The same id with the same content is a duplicate, with other content no fill."""
    engine = started()
    fill = bought(1, 0, 100, "9")
    outcomes = [
        engine.take(report_of(fill, "1")),
        engine.take(replace(report_of(fill, "1"), poss_dup=True)),
        engine.take(report_of(replace(fill, price=Decimal(8)), "1")),
        engine.take(report_of(fill, "1", source="another")),
    ]
    assert outcomes == ["booked", "duplicate", "conflict", "booked"]
    [flag] = [one for one in engine.flags() if one.kind == "conflict"]
    assert (flag.subject, flag.count) == ("1", 1)
    assert engine.scope_figures(LATER)["desk", "desk"].fills_count == 2


def test_a_conflict_of_an_account_that_nobody_knows_makes_no_row() -> None:
    engine = started()
    fill = bought(1, 0, 100, "9")
    engine.take(report_of(fill, "1"))
    known, symbols = set(engine.scopes), set(engine.symbol_figures(LATER))
    for other in ({"account": "NOBODY"}, {"symbol": "XYZ"}):
        report = replace(report_of(fill, "1"), **other)
        assert not engine.is_duplicate(report)
        assert engine.take(report) == "conflict"
    assert set(engine.scopes) == set(engine.scope_figures(LATER)) == known
    assert set(engine.symbol_figures(LATER)) == symbols
    assert [one.kind for one in engine.flags()] == ["conflict"]


def test_an_original_that_is_sent_again_after_its_correction_is_a_duplicate() -> None:
    """A replay begins with what was there first."""
    engine = started()
    fill = bought(1, 0, 100, "9")
    engine.take(report_of(fill, "1"))
    fixed = report_of(replace(fill, price=Decimal(8)), "2", kind="correct", ref="1")
    assert engine.take(fixed) == "booked"
    assert engine.take(report_of(fill, "1")) == "duplicate"
    assert engine.take(fixed) == "duplicate"
    [figures] = engine.symbol_figures(LATER).values()
    assert figures.local_open_cost == 800


def test_what_is_of_another_session_is_held_and_flagged() -> None:
    """Yesterday's fills and busts, and tomorrow's fills, are in no figure of today."""
    engine = started((100, "8"))
    day = timedelta(days=1)
    yesterday = replace(bought(1, 0, 100, "9"), at=bought(1, 0, 1, 1).at - day)
    tomorrow = replace(bought(2, 0, 100, "9"), at=bought(2, 0, 1, 1).at + day)
    bust = report_of(bought(3, 0, 100, "9"), "3", kind="cancel", ref="1")
    unseen = report_of(bought(4, 0, 100, "9"), "4", kind="cancel", ref="gone")
    outcomes = [
        engine.take(report_of(one, one.fill_id)) for one in (yesterday, tomorrow)
    ]
    outcomes += [engine.take(one) for one in (bust, unseen)]
    assert outcomes == ["other_session"] * 3 + ["waiting"]
    kinds = {flag.kind: flag.count for flag in engine.flags()}
    assert kinds == {"other_session": 3, "waiting": 1}
    figures = engine.scope_figures(LATER)["desk", "desk"]
    assert (figures.fills_count, figures.gross_pnl) == (0, 0)


def test_a_futures_evening_is_the_next_sessions() -> None:
    """At 18:00 on Friday, Monday's session begins; equities stay with their date."""
    opening = opening_of(MONDAY, multipliers={FUTURE: Decimal(50)})
    engine = Engine(opening)
    friday = datetime(2025, 2, 28, 18)
    fill = replace(bought(1, 0, 1, "5000"), at=friday, symbol=FUTURE)
    assert engine.take(report_of(fill, "1")) == "booked"
    early = replace(fill, at=friday - timedelta(seconds=1))
    assert engine.take(report_of(early, "2")) == "other_session"
    assert engine.take(report_of(replace(fill, symbol="ABC"), "3")) == "other_session"


def test_what_is_unknown_is_none_and_named() -> None:
    """No contract size, no exchange rate, no fees, no account: each is said."""
    engine = Engine(opening_of(MONDAY, fee_rates={}))
    fill = bought(1, 0, 1, "10")
    engine.take(report_of(replace(fill, symbol="#NEWM6"), "1"))
    engine.take(report_of(replace(fill, symbol="XYZ.TO", currency=""), "2"))
    sale = replace(fill, symbol="XYZ.TO", currency="", side="S", price=Decimal(11))
    engine.take(report_of(sale, "3"))
    kinds = {flag.kind: flag.subject for flag in engine.flags()}
    assert kinds == {
        "no_multiplier": "#NEWM6",
        "no_exchange_rate": "CAD",
        "no_fees": "ACC1",
        "unknown_account": "ACC1",
    }
    desk = engine.scope_figures(LATER)["desk", "desk"]
    assert desk.gross_pnl is None and desk.net_pnl is None
    assert desk.estimated_fees is None and desk.peak_net_pnl is None
    assert len(desk.unknown) == 3


def test_fees_are_estimated_by_unit_from_the_account_then_from_the_desk() -> None:
    """The account's own history first; 100 units at half a cent are 50 cents."""
    rates = {("ACC1", "equity"): Decimal("0.005"), (None, "equity"): Decimal("0.01")}
    engine = Engine(opening_of(MONDAY, None, ["ACC1", "ACC2"], fee_rates=rates))
    fill = bought(1, 0, 100, "10")
    engine.take(report_of(fill, "1"))
    engine.take(report_of(replace(fill, account="ACC2"), "2"))
    scopes = engine.scope_figures(LATER)
    assert scopes["account", "ACC1"].estimated_fees == Decimal("0.5")
    assert scopes["account", "ACC2"].estimated_fees == 1
    assert scopes["desk", "desk"].net_pnl == Decimal("-1.5")


def test_fees_are_unknown_only_while_a_fill_without_a_rate_counts() -> None:
    """One that was busted, or moved to the account that it was of, leaves nothing."""
    rates = {("ACC1", "equity"): Decimal("0.005")}
    fill, other = bought(1, 0, 100, "10"), bought(2, 1, 100, "10", side="S")
    elsewhere = replace(fill, account="ACC2")
    engine = Engine(opening_of(MONDAY, None, ["ACC1", "ACC2"], fee_rates=rates))
    engine.take(report_of(elsewhere, "1"))
    desk = engine.scope_figures(LATER)["desk", "desk"]
    assert desk.net_pnl is None and desk.unknown == ("fees of ACC2",)
    engine.take(report_of(fill, "c", kind="correct", ref="1"))
    engine.take(report_of(replace(other, account="ACC2"), "2"))
    engine.take(report_of(other, "b", kind="cancel", ref="2"))
    desk = engine.scope_figures(LATER)["desk", "desk"]
    assert desk.net_pnl == Decimal("-0.5") and desk.unknown == ()
    # And the other way round: what it cost in the other account is no fee here.
    engine.take(report_of(elsewhere, "d", kind="correct", ref="1", after=HOUR))
    engine.take(report_of(replace(other, account="ACC2"), "3"))
    found = engine.scope_figures(LATER)["account", "ACC2"]
    assert (found.net_pnl, found.last_trade_net_pnl) == (None, 0)


def test_trades_close_with_their_results_in_time() -> None:
    """Round trips of the day and those carried into it; a streak ends with a gain."""
    engine = started((100, "8"))
    sides = [(0, 100, "7", "S"), (1, 100, "9", "B"), (2, 200, "8", "S")]
    for number, (second, quantity, price, side) in enumerate(sides):
        fill = bought(number, second, quantity, price, side=side)
        engine.take(report_of(fill, str(number)))
    figures = engine.scope_figures(LATER)["trader", "ACC1"]
    assert (figures.trades_count, figures.closed_trades_count) == (2, 2)
    assert (figures.losing_trades_count, figures.losing_streak) == (2, 2)
    assert figures.last_trade_net_pnl == -100
    engine.take(report_of(bought(3, 3, 100, "7"), "3"))
    figures = engine.scope_figures(LATER)["trader", "ACC1"]
    assert (figures.losing_streak, figures.last_trade_net_pnl) == (0, 100)


def test_a_snapshot_of_the_engine_goes_on_as_it_was() -> None:
    """Pickled and read again, it takes the rest of the day to the same figures."""
    fills = [bought(n, n, 10, 10 + n % 7, side="BS"[n % 2]) for n in range(40)]
    one, other = started((5, "7")), started((5, "7"))
    for fill in fills[:20]:
        one.take(report_of(fill, fill.fill_id))
    again = pickle.loads(pickle.dumps(one))
    for fill in fills[20:]:
        again.take(report_of(fill, fill.fill_id))
    for fill in fills:
        other.take(report_of(fill, fill.fill_id))
    assert again.scope_figures(LATER) == other.scope_figures(LATER)


def test_a_line_tells_the_currency_of_its_contracts() -> None:
    """As int_instruments says it of the same lines."""
    lines = {
        "": InstrumentLine("equity", Decimal(1), "GBP"),
        "@": InstrumentLine("forex", Decimal(1), "CHF"),
        "+": InstrumentLine("option", Decimal(100), None),
        "#": InstrumentLine("future", None, "USD"),
        "#FDAX": InstrumentLine("future", Decimal(25), "EUR"),
        "#FDAXM6": InstrumentLine("future", Decimal(5), None),
        "DUAL.TO": InstrumentLine("equity", Decimal(1), "USD"),
    }
    instruments = Instruments(lines, {".TO": "CAD"}, ())
    found = {
        symbol: (instruments[symbol].multiplier, instruments[symbol].currency)
        for symbol in (
            "#FDAXH6", "#FDAXM6", "#FESXH6", "ABC", "SHOP.TO",
            "+SHOP.TO260116C00050000", "DUAL.TO", "@USDJPY", "@ODD",
        )
    }  # fmt: skip
    assert found == {
        "#FDAXH6": (25, "EUR"), "#FDAXM6": (5, None), "#FESXH6": (None, "USD"),
        "ABC": (1, "GBP"), "SHOP.TO": (1, "CAD"),
        "+SHOP.TO260116C00050000": (100, "CAD"), "DUAL.TO": (1, "USD"),
        "@USDJPY": (1, "JPY"), "@ODD": (1, "CHF"),
    }  # fmt: skip
