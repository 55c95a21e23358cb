"""What trades in sessions counts on its session, the evening before included."""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.gate import GateError
from ingestion.pipeline import bring_up_to_date
from runtime.home import Home
from tests.conftest import build_by_plan, make_settings, rows
from tests.draws import draw
from tests.exports import ExportedDay, ExportedFill, Exports
from tests.oracle.queues import daily_gross
from tests.oracle.sessions import session_of

# The fifth of November and the tenth of March 2025 follow a change of the clocks, the
# 26th of May and the fourth of July are holidays.
AROUND = (date(2025, 3, 6), date(2025, 5, 22), date(2025, 7, 2), date(2025, 10, 30))
DATES = [first + timedelta(days) for first in AROUND for days in range(8)]
TIMES = (
    time(0), time(0, 0, 1), time(9, 30), time(16, 59, 59), time(17), time(17, 59, 59),
    time(18), time(18, 0, 1), time(20), time(23, 59, 59),
)  # fmt: skip
MODELS = "+daily_totals +fct_fills +fct_fees +broker_reconciliation"
SIX, EIGHT = time(18), time(20)
# By symbol: contract size, the cut-off that counts, and that of the other rule.
SYMBOLS = {
    "#SIMAM5": (50, SIX, None),
    "#ENDEDM5": (10, None, SIX),
    "#EARLYM5": (20, time(17), None),
    "ABC": (1, None, None),
    "NIGHT": (1, EIGHT, None),
}
CUTOFFS = (
    "symbol_prefix,cutoff_time,valid_from,note\n#ENDED,,,\n#EARLY,17:00,,\n"
    "NIGHT,20:00,,\n"
)
SIZES = (
    "symbol_prefix,instrument_type,multiplier,note\n#ENDED,future,10,\n"
    "#EARLY,future,20,\n"
)
LAST_EVENING = datetime(2025, 11, 6, 19)
MULTIPLIERS = {symbol: Decimal(size) for symbol, (size, *_) in SYMBOLS.items()}


def trade_date(fill: ExportedFill) -> date:
    """By the rule that counts."""
    return session_of(fill.at, SYMBOLS[fill.symbol][1])


def other_date(fill: ExportedFill) -> date:
    """By the other one."""
    return session_of(fill.at, SYMBOLS[fill.symbol][2])


def drawn_fills() -> list[ExportedFill]:
    """Six accounts on every date, and a Thursday evening after all of them."""
    chance = random.Random(7)
    fills = [
        ExportedFill(
            f"A{account}",
            datetime.combine(day, chance.choice(TIMES)),
            chance.choice("BS"),
            Decimal(chance.choice((1, 1, 2, 3))),
            Decimal(chance.randrange(90, 111)),
            symbol=symbol,
            comm=Decimal("0.25"),
            fill_id=f"{account}{DATES.index(day):02}{number:02}{place}",
        )
        for account in range(draw(3, 6))
        for day in DATES
        for place, symbol in enumerate(SYMBOLS)
        for number in range(chance.choice((0, 1, 2, 4)))
    ]
    held = ExportedFill(
        "A0", LAST_EVENING, "B", Decimal(1), Decimal(100), symbol="#SIMAM5", fill_id="1"
    )
    return [*fills, held]


def summaries(
    fills: list[ExportedFill], day_of: Callable[[ExportedFill], date]
) -> list[ExportedDay]:
    """What a broker who counts by this rule shows."""
    by_day = defaultdict(list)
    for fill in fills:
        by_day[fill.account, day_of(fill)].append(fill)
    gross = daily_gross(fills, MULTIPLIERS, day_of)
    return [
        ExportedDay(
            account, day, len(done), sum(one.quantity for one in done),
            gross[account, day], sum(one.fees for one in done),
        )
        for (account, day), done in sorted(by_day.items())
        if day < LAST_EVENING.date() + timedelta(1)
    ]  # fmt: skip


@dataclass
class Firm:
    """A firm built on two mornings."""

    fills: list[ExportedFill]
    home: Home
    first_last_date: date


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Firm:
    """On the second morning two late evenings have come, and one is corrected."""
    folder = tmp_path_factory.mktemp("session_dates")
    desk = folder / "desk"
    desk.mkdir()
    (desk / "session_cutoffs.csv").write_text(CUTOFFS)
    (desk / "instrument_multipliers.csv").write_text(SIZES)
    fills = drawn_fills()
    evenings = [
        one for one in fills
        if one.at.time() > SIX and one.symbol == "#SIMAM5" and one.at.weekday() == 4
    ]  # fmt: skip
    corrected = replace(evenings[1], quantity=evenings[1].quantity + 1)
    first = [one for one in fills if one not in evenings[:2]] + [corrected]
    exports = Exports(folder / "exports")
    home = Home(folder / "home")
    lasts = []
    for written in (first, fills):
        exports.write(written)
        # A0's broker counts as we do, all others by the other rule.
        ours = [one for one in written if one.account == "A0"]
        others = [one for one in written if one.account != "A0"]
        exports.summarise(
            [*summaries(ours, trade_date), *summaries(others, other_date)]
        )
        chosen = make_settings(
            source="files", exports=exports.folder, risk_home=home.root,
            desk=desk, gate="warn",
        )  # fmt: skip
        bring_up_to_date(chosen)
        built = build_by_plan(chosen, home, MODELS)
        lasts += rows(home, "select max(trade_date) from marts.daily_totals")
    # The second morning has built few days anew, and all of what is tested here.
    assert "in full" not in built
    return Firm(fills, home, *lasts[0])


@pytest.mark.parametrize("line", ["", ",20:00,,\n"])
def test_a_desk_of_the_night_loads_once_its_cut_off_is_told(
    tmp_path: Path, line: str
) -> None:
    desk = tmp_path / "desk"
    desk.mkdir()
    header = "symbol_prefix,cutoff_time,valid_from,note\n"
    (desk / "session_cutoffs.csv").write_text(header + line)
    fills = [
        ExportedFill(
            "A1", datetime(2025, 3, 3, hour, minute), "B", Decimal(1), Decimal(100),
            fill_id=f"{hour}{minute}",
        )
        for hour in (0, 3, 20, 23)
        for minute in range(1, 20)
    ]  # fmt: skip
    chosen = make_settings(
        source="files", exports=Exports(tmp_path / "exports").write(fills).folder,
        risk_home=tmp_path / "home", desk=desk,
    )  # fmt: skip
    if line:
        bring_up_to_date(chosen)
        return
    with pytest.raises(GateError, match="outside 04:00 to 20:00"):
        bring_up_to_date(chosen)


def is_over(day: date) -> bool:
    """Whether a session lies before the morning."""
    return day <= LAST_EVENING.date()


def test_every_figure_of_a_day_is_that_of_its_session(firm: Firm) -> None:
    expected = {
        key: gross
        for key, gross in daily_gross(firm.fills, MULTIPLIERS, trade_date).items()
        if is_over(key[1])
    }
    found = {
        (account, day): gross
        for account, day, gross in rows(
            firm.home,
            "select account_id, trade_date, gross_pnl from marts.daily_totals "
            "where fills_count > 0",
        )
    }
    assert found == expected


def test_fills_and_fees_say_both_dates(firm: Firm) -> None:
    found = rows(
        firm.home,
        "select fill_id, trade_date, calendar_date, has_fill_time "
        "from marts.fct_fills order by fill_id",
    )
    assert found == [
        (one.fill_id, trade_date(one), one.at.date(), one.at.time() != time(0))
        for one in sorted(firm.fills, key=lambda one: one.fill_id)
        if is_over(trade_date(one))
    ]
    fees = defaultdict(Decimal)
    for one in firm.fills:
        if is_over(trade_date(one)) and one.fees:
            fees[one.account, trade_date(one), one.symbol] += one.fees
    assert fees == {
        tuple(key): amount
        for *key, amount in rows(
            firm.home,
            "select account_id, trade_date, symbol, sum(fee_amount) "
            "from marts.fct_fees group by all having sum(fee_amount) <> 0",
        )
    }


def test_an_evening_of_the_next_session_is_held_back_on_the_morning_before_it(
    firm: Firm,
) -> None:
    assert firm.first_last_date <= LAST_EVENING.date()
    assert rows(firm.home, "select 1 from marts.fct_fills where fill_id = '1'") == []


def test_a_broker_who_counts_by_the_other_rule_is_told_apart(firm: Firm) -> None:
    """Both figures are known of each day, whichever rule the broker has."""
    own = daily_gross(firm.fills, MULTIPLIERS, trade_date)
    other = daily_gross(firm.fills, MULTIPLIERS, other_date)
    classes = defaultdict(set)
    for account, day, difference_class, gross, by_other in rows(
        firm.home,
        "select account_id, trade_date, difference_class, gross_pnl, "
        "gross_pnl_by_other_date from marts.broker_reconciliation "
        "where trade_date < date '2025-11-05'",
    ):
        assert (gross or 0) == own.get((account, day), 0)
        assert by_other is None or by_other == other.get((account, day), 0)
        classes[account == "A0"].add(difference_class)
    assert classes[True] == {"within_rounding"}
    assert classes[False] == {"within_rounding", "session_date"}
