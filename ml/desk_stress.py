"""What a bad day would cost today's roster.

Days that were, put on who trades today; and days that have not been: everybody at the
own one session in twenty at once. What is held overnight is gapped in SQL
(marts.desk_stress), from positions and own fill prices.
"""

import numpy as np
import pandas as pd

from ml.desk import TAIL, Scenarios

WORST_SESSIONS, LONGEST_RUN, TOP = 5, 5, 3
COLUMNS = (
    "stress", "stress_order", "pnl", "first_session_date", "last_session_date",
    "worst_trader_id", "worst_trader_pnl", "traders_count",
)  # fmt: skip


def stresses(scenarios: Scenarios) -> pd.DataFrame:
    """The stresses of P&L, worst sessions first.

    Returns:
        `COLUMNS`, dollars; no rows without scenarios.
    """
    if not len(scenarios):
        return pd.DataFrame(columns=list(COLUMNS))
    total = scenarios.pnl.sum(axis=1)
    rows = [
        _row("worst_session", number, scenarios, scenarios.pnl[place], place, place)
        for number, place in enumerate(
            np.argsort(total, kind="stable")[:WORST_SESSIONS], start=1
        )
    ]
    own = own_bad_days(scenarios)
    rows.append(_row("everybody_at_own_bad_day", 1, scenarios, own))
    top = np.argsort(own, kind="stable")[:TOP]
    together = np.zeros(len(own))
    together[top] = own[top]
    rows.append(_row("top_three_at_own_bad_day", 1, scenarios, together))
    if len(scenarios) >= LONGEST_RUN:
        runs = np.convolve(total, np.ones(LONGEST_RUN), "valid")
        first = int(np.argmin(runs))
        last = first + LONGEST_RUN - 1
        lost = scenarios.pnl[first : last + 1].sum(axis=0)
        rows.append(_row("worst_five_sessions", 1, scenarios, lost, first, last))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def own_bad_days(scenarios: Scenarios) -> np.ndarray:
    """One in twenty of the days on which each trades; at best nothing is lost.

    Idle days are left out: here everybody trades.
    """
    traded = np.where(scenarios.traded, scenarios.pnl, np.nan)
    never = ~scenarios.traded.any(axis=0)
    traded[:, never] = 0.0
    return np.minimum(np.nanquantile(traded, TAIL, axis=0), 0.0)


def _row(
    stress: str,
    order: int,
    scenarios: Scenarios,
    pnl: np.ndarray,
    first: int | None = None,
    last: int | None = None,
) -> dict[str, object]:
    worst = int(np.argmin(pnl))
    return {
        "stress": stress,
        "stress_order": order,
        "pnl": float(pnl.sum()),
        "first_session_date": None if first is None else scenarios.sessions[first],
        "last_session_date": None if last is None else scenarios.sessions[last],
        "worst_trader_id": scenarios.traders[worst] if pnl[worst] < 0 else None,
        "worst_trader_pnl": float(pnl[worst]) if pnl[worst] < 0 else None,
        "traders_count": int((pnl < 0).sum()),
    }
