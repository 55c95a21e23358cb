"""What the engine yields: figures of symbols, of scopes, and of the feed itself.

Money is in the base currency unless a name says `local`. None is unknown, never 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, compress, repeat
from operator import is_not
from typing import Literal

ScopeType = Literal["account", "trader", "trader_group", "strategy", "desk"]
# (scope_type, scope_name), as the limits and marts.fct_limit_use name them.
Scope = tuple[ScopeType, str]
DESK: Scope = ("desk", "desk")

# What was done with a report.
Outcome = Literal[
    "booked",  # counts
    "duplicate",  # the same report once more: nothing is booked
    "conflict",  # the same id with other content: the first one counts
    "waiting",  # a cancel or correction whose original has not come
    "other_session",  # of a session before or after this one: never in its figures
]


@dataclass(frozen=True, slots=True)
class SymbolFigures:
    """One symbol of one account, as of now.

    Attributes:
        local_gross_pnl: In `currency`; None where fills name several.
        intraday_gross_pnl, overnight_gross_pnl: Of the first and the second FIFO level.
        estimated_fees: From the account's own history; positive is a cost.
        open_pnl: What the position would make at `mark_price`; None without a price,
            with one older than `valuation.STALE_AFTER`, or without exchange rate.
        mark_price: The last at which anybody of the desk traded the symbol.
        mark_at: When; None where it is last night's.
        exposure: Position at the account's own last price, signed, to the cent.
        trades_count: Round trips opened today.
        closed_trades_count: Of those, and of those carried, closed today.
    """

    account_id: str
    symbol: str
    currency: str | None
    multiplier: Decimal | None
    opening_quantity: Decimal
    position_quantity: Decimal
    average_price: Decimal | None
    local_open_cost: Decimal | None
    local_gross_pnl: Decimal | None
    intraday_gross_pnl: Decimal | None
    overnight_gross_pnl: Decimal | None
    gross_pnl: Decimal | None
    estimated_fees: Decimal | None
    net_pnl: Decimal | None
    mark_price: Decimal | None
    mark_at: datetime | None
    open_pnl: Decimal | None
    exposure: Decimal | None
    fills_count: int
    quantity: Decimal
    trades_count: int
    closed_trades_count: int
    first_fill_at: datetime | None
    last_fill_at: datetime | None


# Not frozen: to make one would take 4 microseconds in place of 0.4.
@dataclass(slots=True)
class ScopeFigures:
    """An account, trader, group, strategy or the desk, as of now.

    An account that is all of its trader has the trader's, the same object.

    The path is that of realized net P&L through all fills of the scope in time, from
    zero, as the warehouse books it: a match at the later of its two fills, by the
    matching of the day so far. A bust or correction leaves no trace in it.

    Attributes:
        gross_pnl, net_pnl: Realized; None without an exchange rate. Fills of unknown
            contract size are excluded, as in the warehouse, and named in `unknown`.
        estimated_fees: None where nothing is known to estimate from.
        open_pnl: None where a position's is; `open_unknown` says whose.
        total_pnl: Net and what open P&L moved since last night's marks, or None.
        open_unknown: Symbols without a usable price, at most ten.
        oldest_mark_at: The oldest price in open_pnl that was traded today.
        peak_net_pnl: Highest point of the path, 0 at least. trough_net_pnl: 0 at most.
        drawdown: From the peak to now, 0 or above; max_drawdown the largest today.
        give_back_ratio: Drawdown to peak, 0 to 1 and above; None without a peak.
        gross_exposure, net_exposure: At own last prices; None where one is unknown.
        peak_gross_exposure: Highest within the day, opening included; likewise net.
        largest_position: Units of the largest position of one account in one symbol.
        peak_position: The same, the largest within the day, opening included.
        trades_count: Round trips opened today.
        closed_trades_count: Closed today; losing_trades_count those with a net below 0.
        losing_streak: Trades closed with a net below 0 since the last other one.
        last_loss_at: When a losing trade was closed last.
        last_trade_net_pnl: Of the trade closed last.
        fills_count, quantity: Of counted fills.
        unknown: What is not known of the scope, at most ten: while there is anything,
            what is realized, and so the use of a limit, is not known whole.
    """

    trader_ids: tuple[str, ...]
    account_ids: tuple[str, ...]
    gross_pnl: Decimal | None
    estimated_fees: Decimal | None
    net_pnl: Decimal | None
    open_pnl: Decimal | None
    total_pnl: Decimal | None
    open_unknown: tuple[str, ...]
    oldest_mark_at: datetime | None
    peak_net_pnl: Decimal | None
    trough_net_pnl: Decimal | None
    drawdown: Decimal | None
    max_drawdown: Decimal | None
    give_back_ratio: float | None
    peak_at: datetime | None
    gross_exposure: Decimal | None
    net_exposure: Decimal | None
    peak_gross_exposure: Decimal | None
    highest_net_exposure: Decimal | None
    lowest_net_exposure: Decimal | None
    largest_position: Decimal
    peak_position: Decimal
    trades_count: int
    closed_trades_count: int
    losing_trades_count: int
    losing_streak: int
    last_loss_at: datetime | None
    last_trade_net_pnl: Decimal | None
    fills_count: int
    quantity: Decimal
    first_fill_at: datetime | None
    last_fill_at: datetime | None
    unknown: tuple[str, ...]


def other_figures(
    now: Mapping[Scope, ScopeFigures], before: Mapping[Scope, ScopeFigures | None]
) -> Iterator[Scope]:
    """Scopes whose figures are another object than before.

    Compared place by place, with no loop over thousands that are the same: scopes keep
    their order, or all objects are other ones.
    """
    was = chain(before.values(), repeat(None))
    return compress(now, map(is_not, now.values(), was))


@dataclass(frozen=True, slots=True)
class Flag:
    """Something that a person should see, until it is over.

    Attributes:
        kind: Such as `waiting`, `conflict`, `other_session`, `unknown_account`,
            `no_multiplier`, `no_exchange_rate`, `opening`, `journal`, `quarantine`.
        subject: Of what: an account, an ExecID, a file.
        message: One sentence, with what to do where there is something.
        count: How many of it.
    """

    kind: str
    subject: str
    message: str
    since: datetime
    count: int = 1


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a source is doing.

    Attributes:
        is_connected: False: nothing can come. A monitor that hears nothing is red.
        missing: Ranges of the source's own numbers (first, last) that were asked for
            and have not come.
        is_synthetic: A simulated session.
        is_late: Hours behind by its nature.
        is_finished: It has nothing more to send, ever.
        problem: One sentence for people; None where all is well.
    """

    name: str
    kind: str
    is_connected: bool
    last_report_at: datetime | None = None
    last_heard_at: datetime | None = None
    reports_count: int = 0
    missing: tuple[tuple[int, int], ...] = ()
    is_synthetic: bool = False
    is_late: bool = False
    is_finished: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class OpeningState:
    """What the day began with, and how old it is.

    Attributes:
        positions_date: The session at whose end it was held; None if nothing was read.
        published_at: When the copy was published.
        is_stale: It is not of the session before this one.
        problems: Sentences for people; empty where all is known.
    """

    session_date: date
    positions_date: date | None
    published_at: datetime | None
    is_stale: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All figures at one moment; what it holds does not change any more.

    Open P&L is of a moment up to `session.REPRICED_SECONDS` before, but of who had a
    fill since. Figures of a scope in which nothing moved are the same object as in the
    snapshot before.

    While more accounts have new fills than were read at once, each scope's figures are
    of one moment, and that of who waits longest comes next.

    Attributes:
        sequence: Reports up to it are in the figures of all accounts and traders; of
            those after it, some may be.
        is_partial: Reports that came after it are in some figures only.
        counts: Reports by outcome, and `quarantined`.
    """

    session_date: date
    taken_at: datetime
    sequence: int
    is_partial: bool
    opening: OpeningState
    sources: tuple[SourceState, ...]
    flags: tuple[Flag, ...]
    counts: Mapping[str, int]
    scopes: Mapping[Scope, ScopeFigures]
