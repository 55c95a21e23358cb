"""The sample firm beside its traders' trading: further accounts, bookings, its desk.

A house account holds shares through splits and options through their expiry, a demo
account trades for show, an account on leave is only charged, and a master holds the
rows of two newcomers; what is traded abroad and in evenings is `sample_abroad`'s. It
is all in symbols of their own, so what the traders did stays as it was drawn. Traders
are credited, charged and paid out.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from ingestion.simulator.back_office import (
    Posting,
    act,
    add_master,
    book,
    charge_locates,
    expire,
    joined,
    pay_dividend,
    pay_out,
)
from ingestion.simulator.blotter import Blotter, monthly, places
from ingestion.simulator.firm import (
    CASH_IN_OUT,
    Account,
    Adjustment,
    CorporateAction,
    Firm,
)
from ingestion.simulator.ledger import Ledger
from ingestion.simulator.market import (
    OPTION_MULTIPLIER,
    expiry_places,
    option_symbol,
)
from ingestion.simulator.revisions import Revision, recompute_fees
from ingestion.simulator.sample_abroad import (
    ABROAD,
    FUTURE,
    FUTURE_ROOT,
    FUTURE_SIZE,
    abroad,
    sample_rates,
)

HOUSE, DEMO, ON_LEAVE, MASTER = "SIMH01", "SIMD01", "SIMA01", "SIMM01"
SUBS = ("SIM014", "SIM015")
PAID_OUT, PAYOUT_RATE = ("SIM002", "SIM021"), Decimal("0.5")
HARD_TO_BORROW = "XQZM"
SAMPLE, MADE_UP = "Sample firm", "Sample firm: a made-up display name"
# A trader changes strategy; another one's limit begins.
MOVED, TIGHTENED = date(2025, 6, 2), date(2025, 12, 1)
INDEX, MINI_ROOT, MINI_SIZE = "QSIX", "QSIX7", 10
RESTATED_BACK = timedelta(days=20)
RESTATED_AT = time(17)

# Of what its traders hold overnight; some are left for the desk to set.
_SECTORS = {
    "Energy": ("QKXZ", "VZQX", "ZWQV"),
    "Financials": ("QZX-P", "ZXQ/A", "KQXV", "XQZM"),
    "Technology": ("XJZQ", "XXZQ", "VXXQ", "WQXZ"),
}
_PROXIES = {"QZX-P": "KQXV", "ZXQ/A": "KQXV", "VXXQ": "XJZQ"}

_STARTS = {"QSPA": 160, "QSPB": 90, "QSPC": 12, "QSPD": 35, "QSPE": 60, INDEX: 620}
_STARTS_AT = 0.5
_DAY_SIGMA = 0.012
_DIVIDEND_SESSIONS = 42
_DEMO_SESSIONS = 9
_BOUGHT_BEFORE = 8


def sample_actions(sessions: Sequence[date]) -> list[CorporateAction]:
    """Two splits, a reverse one and a new symbol."""
    at = places(sessions)
    return [
        CorporateAction("QSPA", sessions[at(0.70)], 4, 1),
        CorporateAction("QSPB", sessions[at(0.74)], 2, 1),
        CorporateAction("QSPD", sessions[at(0.76)], new_symbol="QSPN"),
        CorporateAction("QSPC", sessions[at(0.78)], 1, 5),
    ]


def sample_desk(sessions: Sequence[date]) -> dict[str, list[tuple[object, ...]]]:
    """Lines of the desk's files by name, cells in the order of their columns."""
    since = _paid_since(sessions)
    return {
        "account_roles": [
            (MASTER, "", "master", "", "", "Holds the rows of its subs once more"),
            *((name, "", "sub", MASTER, "", "") for name in SUBS),
            (HOUSE, "", "house", "", "", "The firm's own positions"),
            (ABROAD, "", "house", "", "", "The firm's own positions in Canada"),
            (DEMO, "", "demo", "", "", "Trades for show"),
        ],
        "instrument_multipliers": [
            (f"+{MINI_ROOT}", "option", MINI_SIZE, "", "Mini option on the index"),
            (FUTURE_ROOT, "future", FUTURE_SIZE, "", "Traded in the evening too"),
        ],
        "exchange_rates": [
            (day, currency, rate, "")
            for (currency, day), rate in sample_rates(sessions).items()
        ],
        "traders": [
            ("SIM001", "", "Blue desk lead", "momentum", "Blue", "true", 2500, MADE_UP),
            ("SIM002", "", "", "momentum", "Blue", "true", "", SAMPLE),
            ("SIM003", "", "", "mean reversion", "Red", "true", 1500, SAMPLE),
            ("SIM003", MOVED, "", "opening auction", "Red", "true", 1500, SAMPLE),
        ],
        "trader_accounts": [
            ("SIM009_OLD", "", "SIM009", "The trader moved to a new account half-way"),
        ],
        # Beside the daily losses of its traders.
        "limits": [
            (
                *("", "", "", "", "true", "", 15_000, 30_000),
                *("", "", "", "", "", 2_000_000, "", "", 0.75, SAMPLE),
            ),
            ("", "", "Red", "", "", "", 3_000, *[""] * 10, SAMPLE),
            (
                *("", "SIM003", "", "", "", "", "", 4_000),
                *("", "", 5, "", "", "", 100_000, "", 0.75, SAMPLE),
            ),
            # Who is on tilt in the last session breaks it.
            ("", "SIM006", "", "", "", TIGHTENED, 600, *[""] * 9, 0.75, SAMPLE),
        ],
        "instruments": [
            (symbol, sector, _PROXIES.get(symbol, ""), "")
            for sector, symbols in _SECTORS.items()
            for symbol in symbols
        ],
        "limit_bounds": [("max_loss", 250, 5_000, 0.25, SAMPLE)],
        "payout_terms": [
            (name, since, PAYOUT_RATE, "true", "true", "Paid in the month after")
            for name in PAID_OUT
        ],
        "corporate_actions": [
            (
                one.symbol,
                one.effective,
                "symbol_change" if one.new_symbol else "split",
                "" if one.new_symbol else f"{one.new_shares}:{one.old_shares}",
                one.new_symbol,
                "",
                "",
                "",
            )
            for one in sample_actions(sessions)
        ],
    }


def sample_revisions(sessions: Sequence[date]) -> list[Revision]:
    """On the last evening a fee of the house account, twenty days back, is restated."""
    at = datetime.combine(sessions[-1], RESTATED_AT)
    day = _restated_day(sessions)
    return [recompute_fees(at, [(HOUSE, day)], "NSCC", Decimal("0.05"))]


def with_books(firm: Firm, sessions: Sequence[date], seed: int) -> Firm:
    """The firm with all that surrounds its traders' fills."""
    first_id = 1 + max(fill.propreports_id for fill in firm.fills)
    first_number = 1 + max(account.number for account in firm.accounts)
    house = _house(sessions, seed, first_number, first_id)
    firm = joined(_traders_booked(firm, sessions), house)
    foreign = abroad(
        sessions,
        seed,
        1 + max(account.number for account in firm.accounts),
        1 + max(fill.propreports_id for fill in firm.fills),
    )
    firm = _evenings_expected(joined(firm, foreign))
    number = 1 + max(account.number for account in firm.accounts)
    return add_master(firm, Account(number, MASTER), SUBS)


def _evenings_expected(firm: Firm) -> Firm:
    """The truth with what evenings cost: their prices go up as often as down."""
    expected = {(name, day): amount for name, day, amount in firm.expected_pnl}
    for fill in firm.fills:
        if fill.symbol == FUTURE:
            key = fill.account_name, firm.trade_date(fill)
            expected[key] = expected.get(key, Decimal(0)) - sum(fill.fees.values())
    rows = sorted(((*key, x) for key, x in expected.items()), key=lambda row: row[1])
    return replace(firm, expected_pnl=tuple(rows))


def _house(
    sessions: Sequence[date], seed: int, first_number: int, first_id: int
) -> Firm:
    """The accounts that are nobody's trading."""
    at = places(sessions)
    start, expiry = at(_STARTS_AT), _expiry(sessions)
    actions = sample_actions(sessions)
    closes = _closes(sessions[start:], actions, random.Random(f"{seed}:{HOUSE}"))
    blotter = Blotter(sessions, closes, first_id, HOUSE)
    _hold_shares(blotter)
    sizes = _hold_options(blotter, max(expiry - _BOUGHT_BEFORE, start), expiry)
    for place in range(start, len(sessions), _DEMO_SESSIONS):
        blotter.trade(place, "B", 100, "QSPE", 5, DEMO)
        blotter.trade(place, "S", 60, "QSPE", 20, DEMO)
        blotter.trade(place, "T", 40, "QSPB", 30, DEMO)
        blotter.trade(place, "C", 40, "QSPB", 40, DEMO)
        blotter.trade(place, "S", 40, "QSPE", 50, DEMO)
    numbers = range(first_number, first_number + 3)
    accounts = tuple(map(Account, numbers, (HOUSE, DEMO, ON_LEAVE)))
    firm = Firm(accounts, blotter.fills, (), closes, sizes)
    postings: Sequence[Posting] = ("pair", "free shares", "unposted", "pair")
    for action, posting in zip(actions, postings, strict=True):
        firm = act(firm, action, posting)
    firm = expire(firm, sessions[expiry], sessions[expiry + 1], cash_settled=(INDEX,))
    firm = charge_locates(firm, "QSPC", Decimal("0.02"), sessions[start], sessions[-1])
    for symbol, share, per_share in (
        ("QSPA", 0.64, "0.40"), ("QSPC", 0.68, "0.05"), ("QSPA", 0.82, "0.10"),
    ):  # fmt: skip
        firm = pay_dividend(firm, symbol, sessions[at(share)], Decimal(per_share))
    return book(
        firm,
        Adjustment(sessions[start], HOUSE, "Transfer: Deposit", Decimal(150_000)),
        Adjustment(sessions[at(0.66)], HOUSE, CASH_IN_OUT, Decimal(20_000), "swept in"),
        Adjustment(sessions[at(0.95)], HOUSE, CASH_IN_OUT, Decimal(-5_000)),
        Adjustment(sessions[start], DEMO, "Transfer: Deposit", Decimal(25_000)),
        Adjustment(sessions[start], ON_LEAVE, "Transfer: Deposit", Decimal(5_000)),
        *_monthly(sessions[start:], ON_LEAVE, "Fee: Desk", "-250", "desk kept"),
    )


def _hold_shares(blotter: Blotter) -> None:
    """Positions that corporate actions meet, sold in part after them."""
    at = places(blotter.sessions)
    for share, side, quantity, symbol in (
        (0.57, "B", 300, "QSPA"), (0.85, "S", 500, "QSPA"),
        (0.58, "B", 200, "QSPB"), (0.62, "B", 100, "QSPB"), (0.88, "S", 250, "QSPB"),
        (0.60, "T", 1000, "QSPC"), (0.93, "C", 120, "QSPC"),
        (0.61, "B", 400, "QSPD"), (0.90, "S", 400, "QSPN"),
    ):  # fmt: skip
        blotter.trade(at(share), side, quantity, symbol)
    restated = blotter.sessions.index(_restated_day(blotter.sessions))
    blotter.trade(restated, "B", 100, "QSPA", minute=15)


def _hold_options(blotter: Blotter, bought: int, expiry: int) -> dict[str, Decimal]:
    """Options until they expire; returns their contract sizes.

    Strikes are parts of the price at the expiry, so that each ends as it should.
    """
    sessions, closes = blotter.sessions, blotter.closes
    sizes: dict[str, Decimal] = {}
    for side, contracts, root, right, part in (
        ("B", 5, "QSPE", "C", "0.85"),  # exercised
        ("B", 4, "QSPE", "C", "1.25"),  # worthless
        ("T", 3, "QSPE", "P", "1.15"),  # assigned
        ("B", 2, INDEX, "C", "0.95"),
        ("B", 10, MINI_ROOT, "C", "0.95"),
    ):
        underlying, size = (
            (INDEX, MINI_SIZE) if root == MINI_ROOT else (root, OPTION_MULTIPLIER)
        )
        strike = round(closes[underlying, sessions[expiry]] * Decimal(part))
        symbol = option_symbol(root, sessions[expiry], right, strike)
        sizes[symbol] = Decimal(size)
        for place in range(bought, expiry + 1):
            gain = closes[underlying, sessions[place]] - strike
            worth = max(gain if right == "C" else -gain, Decimal(0))
            hope = Decimal((expiry - place) * 4).scaleb(-2)
            closes[symbol, sessions[place]] = max(worth + hope, Decimal("0.01"))
        blotter.trade(bought, side, contracts, symbol)
    # What was exercised and assigned is sold the session after it was posted.
    blotter.trade(expiry + 2, "S", 800, "QSPE")
    return sizes


def _traders_booked(firm: Firm, sessions: Sequence[date]) -> Firm:
    """Dividends, locates, fees and payouts of those who trade."""
    at = places(sessions)
    firm = book(
        firm,
        *_monthly(sessions, "SIM007", "Fee: Market Data", "-45", "options feed"),
        *_monthly(sessions, "SIM019", "Fee: Market Data", "-45", "options feed"),
        *_monthly(sessions, "SIM005", "Fee: Desk", "-300", "two seats"),
        Adjustment(sessions[at(0.5)], "SIM003", "Transfer: Deposit", Decimal(15_000)),
        Adjustment(sessions[at(0.65)], "SIM011", CASH_IN_OUT, Decimal(-2_500)),
        Adjustment(sessions[at(0.72)], "SIM018", CASH_IN_OUT, Decimal(1_000)),
    )
    books = Ledger(
        replace(firm, accounts=[x for x in firm.accounts if x.name == "SIM004"]),
        sessions[-1],
    )
    for place in range(_DIVIDEND_SESSIONS, len(sessions), _DIVIDEND_SESSIONS):
        before = books.last_day("SIM004", sessions[place - 1])
        held = [x.symbol for x in before.symbol_days if x.position] if before else []
        for symbol in held[:1]:
            firm = pay_dividend(firm, symbol, sessions[place], Decimal("0.12"))
    firm = charge_locates(
        firm, HARD_TO_BORROW, Decimal("0.004"), sessions[at(0.9)], sessions[-1]
    )
    for name in PAID_OUT:
        since = _paid_since(sessions)
        days = [day for day in sessions if day >= since]
        firm = pay_out(firm, name, PAYOUT_RATE, since, days)
    return firm


def _monthly(
    sessions: Sequence[date], name: str, category: str, amount: str, comment: str
) -> list[Adjustment]:
    """On each month's first session."""
    return [
        Adjustment(day, name, category, Decimal(amount), f"{comment}, {day:%B}")
        for day in monthly(sessions)
    ]


def _closes(
    sessions: Sequence[date],
    actions: Sequence[CorporateAction],
    chance: random.Random,
) -> dict[tuple[str, date], Decimal]:
    """Closing prices of the house's symbols, in the shares of each date."""
    closes: dict[tuple[str, date], Decimal] = {}
    for root, start in _STARTS.items():
        symbol, price = root, float(start)
        for day in sessions:
            price *= 1 + chance.gauss(0, _DAY_SIGMA)
            for action in actions:
                if (action.symbol, action.effective) == (symbol, day):
                    symbol = action.symbol_after
                    price *= action.old_shares / action.new_shares
            closes[symbol, day] = Decimal(f"{price:.2f}")
    return closes


def _paid_since(sessions: Sequence[date]) -> date:
    return sessions[places(sessions)(0.6)].replace(day=1)


def _restated_day(sessions: Sequence[date]) -> date:
    return max(day for day in sessions if day <= sessions[-1] - RESTATED_BACK)


def _expiry(sessions: Sequence[date]) -> int:
    """Number of the last session of an expiry that leaves time for what follows."""
    last = places(sessions)(0.93)
    return max(place for place in expiry_places(sessions) if place <= last)
