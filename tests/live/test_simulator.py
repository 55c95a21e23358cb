"""A simulated session of the sample firm over FIX, against the firm's own ledger."""

import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.simulator import Ledger
from ingestion.simulator.firm import Fill, Firm
from ingestion.sources import SAMPLE_LAST
from live.figures import Snapshot, SymbolFigures
from live.opening import AccountInfo, Opening, OpeningLot
from live.session import Session
from live.sources.simulator import MISHAPS, SimulatorSource, sample_session
from runtime.errors import UserError
from runtime.sessions import EASTERN, previous_session
from tests.live.days import NO_FEES, opening_of

pytest.importorskip("quickfix", reason="the live extra is not installed")


@pytest.fixture(scope="module")
def played() -> tuple[Firm, list[Fill]]:
    """The firm, and its last session."""
    return sample_session(SAMPLE_LAST, 7)


@pytest.fixture(scope="module")
def ledger(played: tuple[Firm, list[Fill]]) -> Ledger:
    """The firm's own books."""
    return Ledger(played[0], SAMPLE_LAST)


def opening_by(firm: Firm, ledger: Ledger) -> Opening:
    """What the books hold the evening before, each position as one lot."""
    before = previous_session(SAMPLE_LAST)
    plain = opening_of(SAMPLE_LAST, multipliers=firm.multipliers)
    lots, accounts = [], {}
    for account in firm.accounts:
        code = account.name.split()[0]
        accounts[code] = AccountInfo(code, code, None, None, account.currency, True)
        day = ledger.last_day(account.name, before)
        for one in day.symbol_days if day else ():
            if one.position:
                size = firm.multipliers.get(one.symbol, Decimal(1))
                lots.append(
                    OpeningLot(
                        code, one.symbol, one.position, round(one.average_price, 8),
                        size, one.currency, before,
                    )
                )  # fmt: skip
    return Opening(
        state=plain.state,
        lots=tuple(lots),
        accounts=accounts,
        instrument_lines=plain.instrument_lines,
        cutoffs=plain.cutoffs,
        fee_rates=NO_FEES,
        sessions=plain.sessions,
        rates={"CAD": Decimal("0.7"), "JPY": Decimal("0.006")},
    )


def play(
    folder: Path, opening: Opening, source: SimulatorSource, seconds: float = 90
) -> tuple[Snapshot, dict[tuple[str, str], SymbolFigures]]:
    """A session from its beginning to its end: all figures."""
    with Session(folder, opening, [source], source.now) as session:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = session.snapshot()
            if found.sources[0].is_finished:
                return found, session.symbol_figures()
            time.sleep(0.05)
    raise AssertionError(f"it never ends: {found.sources}, {found.counts}")


@pytest.mark.parametrize("mishaps", [(), MISHAPS])
def test_the_session_is_the_firms_whatever_befalls_the_line(
    tmp_path: Path, played: tuple[Firm, list[Fill]], ledger: Ledger, mishaps: tuple
) -> None:
    """Fills, volume and positions of every account and symbol; gross of the flat."""
    firm, fills = played
    source = SimulatorSource(fills, tmp_path / "fix", mishaps=mishaps)
    found, symbols = play(tmp_path, opening_by(firm, ledger), source)
    [state] = found.sources
    assert (state.kind, state.is_synthetic, state.missing) == ("simulator", True, ())
    assert found.counts["waiting"] == found.counts["quarantined"] == 0
    assert bool(found.counts["duplicate"]) == bool(mishaps)
    compared = 0
    for account in firm.accounts:
        code = account.name.split()[0]
        before = ledger.last_day(account.name, previous_session(SAMPLE_LAST))
        held = (
            {one.symbol for one in before.symbol_days if one.position} if before else ()
        )
        [*days] = ledger.days(account.name, SAMPLE_LAST, SAMPLE_LAST)
        for one in days[0].symbol_days if days else ():
            if not one.fills or one.currency != account.currency:
                continue
            figures = symbols[code, one.symbol]
            assert figures.fills_count == one.fills
            assert figures.quantity == one.quantity
            assert figures.position_quantity == one.position
            # A position of several lots is one here, at their average.
            if one.symbol not in held:
                assert figures.local_gross_pnl == one.gross
                compared += 1
    assert compared > 50


def test_a_session_at_a_speed_has_a_clock_of_its_own(
    tmp_path: Path, played: tuple[Firm, list[Fill]], ledger: Ledger
) -> None:
    """Ages of prices are those of the session, not of our morning."""
    firm, fills = played
    some = [fill for fill in fills if fill.filled_at >= datetime(2025, 12, 18, 9)][:40]
    minutes = (some[-1].filled_at - some[0].filled_at).total_seconds() / 60
    speed = minutes * 60 / 3
    source = SimulatorSource(some, tmp_path / "fix", speed=speed)
    begun = time.monotonic()
    found, _ = play(tmp_path, opening_by(firm, ledger), source)
    assert time.monotonic() - begun > 2
    last = some[-1].filled_at.replace(tzinfo=EASTERN)
    assert abs((found.taken_at - last).total_seconds()) < speed
    desk = found.scopes["desk", "desk"]
    assert desk.last_fill_at == last
    assert found.sources[0].problem is None


def test_a_session_that_the_firm_does_not_have_is_told() -> None:
    """With the command that makes a home for one that it has."""
    with pytest.raises(UserError, match="has no session of 2026-01-05.*make daily"):
        sample_session(date(2026, 1, 5), 7)
