"""The engine against the oracle: any fills, in any order of arrival."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from live import paths
from live.engine import Engine
from live.reports import ExecutionReport
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
    paths.CHECKPOINT_FILLS = data.draw(st.sampled_from([2, 512]))
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
