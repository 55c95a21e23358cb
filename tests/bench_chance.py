"""Measures the live desk's chance of a breach on the past days of a warehouse.

Run `python -m tests.bench_chance <risk.duckdb> [session]`: the days before the session
(left out: all) are forecast, each from the days before it.
"""

import sys
from datetime import date

import duckdb

from live.baselines import read_baselines
from live.chance import chance_test


def main() -> None:
    """Print the figures."""
    path = sys.argv[1]
    session = date.fromisoformat(sys.argv[2]) if len(sys.argv) > 2 else date.max
    with duckdb.connect(path, read_only=True) as connection:
        limits = dict(
            connection.execute(
                "select trader_id, cast(daily_loss_limit_amount as double) "
                "from marts.dim_traders where valid_to > $1 and valid_from <= $1 "
                "and daily_loss_limit_amount > 0",
                [min(session, date(9000, 1, 1))],
            ).fetchall()
        )
        baselines = read_baselines(connection, session)
    found = chance_test(baselines, limits)
    print(f"{len(baselines.past)} traders, {len(limits)} with a limit, up to "
          f"{baselines.until}")  # fmt: skip
    print(
        f"{found.rows_count:,} forecasts, {found.breaches_count:,} breaches, "
        f"{found.dates_count} dates, {found.traders_count} traders"
    )
    print(f"Brier {found.brier:.4f}, of the base rate {found.base_brier:.4f}")
    print(f"AUC {found.auc:.3f}, of the base rate {found.base_auc:.3f}")
    print(
        f"gain {found.gain_errors:.1f} standard errors; selected: {found.is_selected}"
    )


if __name__ == "__main__":
    main()
