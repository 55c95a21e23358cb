"""What is booked beside the trading, each time from what the books hold by then.

Every function takes a firm and returns it with what was posted. Rows are posted before
the open, at midnight, under order ids that begin with `e`, as PropReports posts them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from ingestion.simulator.firm import (
    Account,
    Adjustment,
    CorporateAction,
    Fill,
    Firm,
)
from ingestion.simulator.ledger import Ledger, SymbolDay
from ingestion.simulator.rates import ONE, Spots

Posting = Literal["pair", "free shares", "unposted"]

# Account, symbol, signed quantity, price and its currency.
Row = tuple[str, str, Decimal, Decimal, str]

CENT = Decimal("0.01")
ZERO = Decimal(0)
DIVIDEND, LOCATE, PAYOUT = "Dividend", "Stock Locate", "Fee: Payout"
_OPTION = re.compile(r"\+([A-Z0-9]+?)(\d{6})([CP])(\d{8})")


@dataclass(frozen=True)
class Option:
    """What an option's symbol says.

    Attributes:
        underlying: Without the digit that marks an adjusted or a mini contract.
    """

    underlying: str
    expiry: date
    is_call: bool
    strike: Decimal

    @classmethod
    def of(cls, symbol: str) -> "Option | None":
        """None where the symbol is of something else."""
        found = _OPTION.fullmatch(symbol)
        if found is None:
            return None
        root, expiry, right, strike = found.groups()
        return cls(
            root.rstrip("0123456789"),
            datetime.strptime(expiry, "%y%m%d").date(),
            right == "C",
            Decimal(strike) / 1000,
        )

    def intrinsic(self, price: Decimal) -> Decimal:
        """What it is worth at its expiry."""
        gain = price - self.strike if self.is_call else self.strike - price
        return max(gain, ZERO)


def act(firm: Firm, action: CorporateAction, posting: Posting) -> Firm:
    """Turn lots into new shares, and show them as the broker may.

    A pair is out of the old shares and into the new ones; free shares (taken away ones
    of a reverse split) are at price 0; of what is unposted nothing is shown.
    """
    new, old = action.new_shares, action.old_shares
    rows: list[Row] = []
    for name, held in _held(firm, action.effective, action.symbol):
        before = held.position
        after = before * new / old
        price, currency = held.average_price or ZERO, held.currency
        cost = _cents(price), _cents(price * old / new)
        if posting == "pair":
            rows.append((name, action.symbol, -before, cost[0], currency))
            rows.append((name, action.symbol_after, after, cost[1], currency))
        elif posting == "free shares":
            rows.append((name, action.symbol, after - before, ZERO, currency))
    acted = replace(firm, corporate_actions=[*firm.corporate_actions, action])
    return _journaled(acted, action.effective, "JRNL", rows, is_of_action=True)


def expire(firm: Firm, last: date, day: date, cash_settled: Sequence[str] = ()) -> Firm:
    """Close options that expire on a date, on the later day on which it is posted.

    Out of the money they leave at 0. In the money they leave at 0 as well, and the
    stock comes or goes at the strike: exercised where long, assigned where short. Those
    on `cash_settled` underlyings leave at what they are worth.
    """
    closing: list[Row] = []
    stock: list[Row] = []
    for name, held in _held(firm, day):
        option = Option.of(held.symbol)
        if option is None or option.expiry != last:
            continue
        worth = option.intrinsic(firm.closes[option.underlying, last])
        is_cash = option.underlying in cash_settled
        price, currency = worth if is_cash else ZERO, held.currency
        closing.append((name, held.symbol, -held.position, price, currency))
        if worth and not is_cash:
            shares = held.position * firm.multipliers.get(held.symbol, ONE)
            signed = shares if option.is_call else -shares
            stock.append((name, option.underlying, signed, option.strike, currency))
    return _journaled(_journaled(firm, day, "EXP", closing), day, "ASG", stock)


def pay_dividend(firm: Firm, symbol: str, ex_date: date, per_share: Decimal) -> Firm:
    """Credit who held a share before the ex-date, charge who was short."""
    spots = Spots(firm.exchange_rates)
    based = {account.name: account.currency for account in firm.accounts}
    return _booked(
        firm,
        [
            Adjustment(
                ex_date,
                name,
                DIVIDEND,
                _cents(
                    held.position
                    * per_share
                    * spots.spot(held.currency, based[name], ex_date)
                ),
                f"{symbol} {per_share} a share",
            )
            for name, held in _held(firm, ex_date, symbol)
        ],
    )


def charge_locates(
    firm: Firm, symbol: str, per_share: Decimal, first: date, last: date
) -> Firm:
    """Charge what was sold short of a share that is hard to borrow, by the day."""
    short: dict[tuple[date, str], Decimal] = {}
    for fill in firm.fills:
        day = firm.trade_date(fill)
        is_short = fill.side == "T" and fill.is_regular and fill.symbol == symbol
        if is_short and first <= day <= last:
            key = day, fill.account_name
            short[key] = short.get(key, ZERO) + fill.quantity
    return _booked(
        firm,
        [
            Adjustment(
                day, name, LOCATE, -_cents(shares * per_share),
                f"{symbol} {shares:f} shares",
            )
            for (day, name), shares in sorted(short.items())
        ],
    )  # fmt: skip


def pay_out(
    firm: Firm, name: str, rate: Decimal, since: date, pay_days: Sequence[date]
) -> Firm:
    """Pay the trader a share of each month's gain above the highest month's end.

    Losses are carried, fees deducted; each month is paid on the first of `pay_days`
    after its end.
    """
    own = replace(
        firm,
        fills=[fill for fill in firm.fills if fill.account_name == name],
        accounts=[one for one in firm.accounts if one.name == name],
    )
    gains: dict[date, Decimal] = {}
    for own_day in Ledger(own, pay_days[-1]).days(name, since, pay_days[-1]):
        month = own_day.date.replace(day=1)
        paid = own_day.adjustments.get(PAYOUT, ZERO)
        gains[month] = gains.get(month, ZERO) + own_day.total_delta - paid
    performance = watermark = ZERO
    payouts = []
    for month, gain in sorted(gains.items()):
        performance += gain
        pay_day = next((day for day in pay_days if day.replace(day=1) > month), None)
        if pay_day is not None and performance > watermark:
            due = _cents(rate * (performance - watermark))
            comment = f"of {month:%B %Y}"
            payouts.append(Adjustment(pay_day, name, PAYOUT, -due, comment))
            watermark = performance
    return _booked(firm, payouts)


def add_master(firm: Firm, master: Account, subs: Sequence[str]) -> Firm:
    """List an account that holds every row of its subs once more.

    What is posted from positions is posted to it like to any other account: later.
    """
    last = max(fill.propreports_id for fill in firm.fills)
    fills = [
        replace(
            fill,
            account_name=master.name,
            order_id=f"{fill.account_name}/{fill.order_id}",
            propreports_id=last + number,
        )
        for number, fill in enumerate(
            (fill for fill in firm.fills if fill.account_name in subs), start=1
        )
    ]
    rows = [
        replace(row, account_name=master.name)
        for row in firm.adjustments
        if row.account_name in subs
    ]
    listed = replace(firm, accounts=[*firm.accounts, master])
    return _booked(replace(listed, fills=[*firm.fills, *fills]), rows)


def book(firm: Firm, *adjustments: Adjustment) -> Firm:
    """Post adjustments that come from nowhere in the books."""
    return _booked(firm, adjustments)


def joined(one: Firm, other: Firm) -> Firm:
    """Two firms of other accounts, symbols and row ids, on the same sessions."""
    return Firm(
        (*one.accounts, *other.accounts),
        (*one.fills, *other.fills),
        _by_date([*one.adjustments, *other.adjustments]),
        {**one.closes, **other.closes},
        {**one.multipliers, **other.multipliers},
        one.expected_pnl,
        (*one.corporate_actions, *other.corporate_actions),
        {**one.exchange_rates, **other.exchange_rates},
        one.sessions,
    )


def _held(
    firm: Firm, day: date, symbol: str | None = None
) -> Iterator[tuple[str, SymbolDay]]:
    """Accounts and what they hold as a date begins, of one symbol or of all."""
    fills = firm.fills
    if symbol is not None:
        # Under other names a share was something else's before.
        names = {symbol}
        for action in reversed(firm.corporate_actions):
            if action.symbol_after in names:
                names.add(action.symbol)
        fills = [fill for fill in fills if fill.symbol in names]
    before = day - timedelta(days=1)
    books = Ledger(replace(firm, fills=fills, adjustments=(), closes={}), before)
    for account in firm.accounts:
        day_before = books.last_day(account.name, before)
        for held in day_before.symbol_days if day_before else ():
            if held.position and symbol in (None, held.symbol):
                yield account.name, held


def _journaled(
    firm: Firm,
    day: date,
    status: str,
    rows: Sequence[Row],
    is_of_action: bool = False,
) -> Firm:
    """Post journal entries."""
    last = max((fill.propreports_id for fill in firm.fills), default=0)
    posted = [
        Fill(
            filled_at=datetime(day.year, day.month, day.day),
            account_name=name,
            side="B" if signed > 0 else "S",
            quantity=abs(signed),
            symbol=symbol,
            price=price,
            order_id=f"e{day:%y%m%d}-{number}",
            fill_id=f"e{last + number}",
            currency=currency,
            status=status,
            propreports_id=last + number,
            is_of_action=is_of_action,
        )
        for number, (name, symbol, signed, price, currency) in enumerate(rows, 1)
        if signed
    ]
    return replace(firm, fills=[*firm.fills, *posted])


def _booked(firm: Firm, adjustments: Sequence[Adjustment]) -> Firm:
    rows = [row for row in adjustments if row.amount]
    return replace(firm, adjustments=_by_date([*firm.adjustments, *rows]))


def _by_date(rows: Sequence[Adjustment]) -> tuple[Adjustment, ...]:
    return tuple(sorted(rows, key=lambda row: row.date))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
