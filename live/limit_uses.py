"""How much of a limit is used now, and was at most today, rule by rule.

The same measures as `marts.fct_limit_use`: a loss counts on the path of fills, so that
one which was a breach between two looks is a breach though it came back.
"""

from dataclasses import dataclass
from decimal import Decimal

from live.figures import Scope, ScopeFigures
from live.opening import LimitInForce

_ZERO = Decimal(0)
# Measured once the session is over; a position held at noon may be closed by then.
AT_CLOSE = ("overnight_exposure",)


# Not frozen, as a trader's is made with each of their fills.
@dataclass(slots=True)
class Use:
    """Of one limit.

    Attributes:
        used: Now; None where nothing can be said.
        worst: The most today, never below `used`; None likewise.
        unknown: What is not known of it: then both are a lower bound, if they are
            anything; None where all is.
    """

    limit: LimitInForce
    used: Decimal | None
    worst: Decimal | None
    unknown: str | None

    @property
    def scope(self) -> Scope:
        """Whose limit it is."""
        return self.limit.scope_type, self.limit.scope_name

    @property
    def used_share(self) -> float | None:
        """Of the limit, 1 is all of it; None where that is not known."""
        return self.share(self.used)

    @property
    def worst_share(self) -> float | None:
        """The most of today."""
        return self.share(self.worst)

    def share(self, amount: Decimal | None) -> float | None:
        """What an amount is of the limit; of a limit of 0 anything is past it."""
        if amount is None:
            return None
        if not self.limit.limit_value:
            return float("inf") if amount > 0 else 0.0
        return float(amount / self.limit.limit_value)


def use_of(limit: LimitInForce, figures: ScopeFigures | None) -> Use:
    """The use of a limit; of a scope without accounts nothing is used."""
    if figures is None:
        return Use(limit, _before(limit), _before(limit), None)
    unknown = ", ".join(figures.unknown) or None
    used, worst, missing = _measured(limit, figures)
    if missing:
        unknown = f"{unknown}, {missing}" if unknown else missing
    return Use(limit, used, worst, unknown)


def _before(limit: LimitInForce) -> Decimal | None:
    return limit.used_before


def _measured(
    limit: LimitInForce, figures: ScopeFigures
) -> tuple[Decimal | None, Decimal | None, str | None]:
    """Used now, the most today, and what is missing to know it whole."""
    rule, before = limit.rule, limit.used_before
    if rule in ("daily_loss", "weekly_loss", "monthly_loss"):
        return _loss(figures, before)
    if rule == "drawdown":
        return _drawdown(figures, before)
    if rule == "losing_streak":
        if before is None:
            return None, None, "days lost before"
        if figures.net_pnl is None:
            return before, before, "net P&L"
        lost = before + (figures.net_pnl < 0)
        return lost, lost, None
    if rule == "position":
        return figures.largest_position, figures.peak_position, None
    if rule == "trades":
        count = Decimal(figures.trades_count)
        return count, count, None
    return _exposure(rule, figures)


def _loss(
    figures: ScopeFigures, before: Decimal | None
) -> tuple[Decimal | None, Decimal | None, str | None]:
    missing = None if before is not None else "losses before today"
    lost_before = before or _ZERO
    if figures.net_pnl is not None:
        trough = figures.trough_net_pnl or _ZERO
        used = max(_ZERO, lost_before - figures.net_pnl)
        return used, max(used, lost_before - trough), missing
    if figures.gross_pnl is not None:
        # Fees are a cost, but for rebates: a loss before them is one after them.
        used = max(_ZERO, lost_before - figures.gross_pnl)
        return used, used, "fees"
    return None, None, "realized P&L"


def _drawdown(
    figures: ScopeFigures, before: Decimal | None
) -> tuple[Decimal | None, Decimal | None, str | None]:
    """From the highest point ever: that of before, or one of today's path."""
    if before is None:
        return figures.drawdown, figures.max_drawdown, "the drawdown before today"
    net, peak = figures.net_pnl, figures.peak_net_pnl
    if net is None or peak is None:
        return None, None, "net P&L"
    used = max(before, peak) - net
    trough = figures.trough_net_pnl or _ZERO
    return (
        max(_ZERO, used),
        max(used, before - trough, figures.max_drawdown or _ZERO, _ZERO),
        None,
    )


def _exposure(
    rule: str, figures: ScopeFigures
) -> tuple[Decimal | None, Decimal | None, str | None]:
    if rule == "net_exposure":
        now = figures.net_exposure
        ends = figures.highest_net_exposure, figures.lowest_net_exposure
        worst = max((abs(one) for one in ends if one is not None), default=None)
    else:
        now, worst = figures.gross_exposure, figures.peak_gross_exposure
    if rule in AT_CLOSE:
        worst = now
    if now is None:
        return None, None, "the price of a position"
    now = abs(now)
    return now, now if worst is None else max(now, worst), None
