"""How good the live desk's figures of the last session were, in one sentence."""

from decimal import Decimal

import duckdb

from reports.words import money
from runtime.warehouse import rows_of


def read_live_day(connection: duckdb.DuckDBPyConnection) -> str | None:
    """`live_day_said` of the session before the morning; None if nobody watched it."""
    return live_day_said(
        rows_of(
            connection,
            "from marts.live_reconciliation where trade_date = ("
            "select max(session_date) from marts.dim_sessions, marts.published_at "
            "where session_date < as_of_date) order by account_id",
        )
    )


def live_day_said(accounts: list[dict]) -> str | None:
    """What `marts.live_reconciliation` says of one session's accounts.

    Args:
        accounts: Its rows; none of a session that nobody watched.
    """
    if not accounts:
        return None
    begin = "The live desk"
    if any(one["is_synthetic"] for one in accounts):
        begin = "The live desk (simulated)"
    if any(one["difference_class"] == "not_loaded" for one in accounts):
        return f"{begin}: PropReports shows no fill of that day yet to compare with."

    def count(name: str) -> int:
        return sum(one[name] for one in accounts)

    broker = count("fills_count")
    wrong = [
        f"{number:,} {words}"
        for number, words in (
            (count("missing_fills_count"), "were missing"),
            (count("price_differs_count"), "had another price"),
            (count("quantity_differs_count"), "had another quantity"),
        )
        if number
    ]
    extra = count("extra_fills_count")
    if wrong:
        fills = f"of {broker:,} fills {', '.join(wrong)}"
    else:
        fills = f"all {broker:,} fills were as PropReports has them"
    if extra:
        fills += f", {extra:,} were not PropReports'"
    return f"{begin}: {fills}; {_pnl_said(accounts)}; {_fees_said(accounts)}."


def _pnl_said(accounts: list[dict]) -> str:
    known = [one for one in accounts if one["gross_difference"] is not None]
    off = [one for one in known if abs(one["gross_difference"]) > Decimal("0.01")]
    unknown = len(accounts) - len(known)
    if off:
        total = sum(abs(one["gross_difference"]) for one in off)
        told = f"gross was off in {len(off)} of {len(known)} accounts, {money(total)}"
    else:
        told = f"gross agreed in all {len(known)} accounts"
    return f"{told}, unknown in {unknown}" if unknown else told


def _fees_said(accounts: list[dict]) -> str:
    """Estimated fees against real ones, and what that moved a trader's net by most."""
    known = [one for one in accounts if one["net_difference"] is not None]
    if not known:
        return "fees are not known"
    estimated = sum(one["live_estimated_fees"] for one in known)
    real = sum(one["total_fees"] for one in known)
    nets: dict[str, Decimal] = {}
    for one in known:
        trader = one["trader_id"]
        nets[trader] = nets.get(trader, Decimal(0)) + one["net_difference"]
    most = max(abs(net) for net in nets.values())
    return (
        f"fees were estimated at {money(estimated)}, they were {money(real)}, and no "
        f"trader's net was off by more than {money(most)}"
    )
