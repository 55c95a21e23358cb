"""Day totals and features in plain pandas, which `tests.bench_build` measures.

Written as one would in a notebook: vectorised, in floating point, every fill in
memory, and nothing about corrections or traders who change accounts. It computes

- the day totals of an account: orders, fills, quantity, gross (both FIFO levels), fees,
  net. Positions carried, marks and adjustments are left out;
- 57 of the features of `marts.feat_trader_day`, named as there: those that need
  neither trips from flat to flat nor the path of the day, and not the desk's others.

An account is its own trader here.
"""

import numpy as np
import pandas as pd

SYMBOL = ["account_id", "symbol"]
DAY = ["account_id", "trade_date"]
SYMBOL_DAY = [*SYMBOL, "trade_date"]


def day_totals(fills: pd.DataFrame) -> pd.DataFrame:
    """Totals of every account's day.

    Args:
        fills: In time, cancelled ones left out; `multiplier` is the contract size.
    """
    ordered = _matched_today(fills)
    cash = ordered.matched * ordered.price * ordered.multiplier * -ordered.sign
    intraday = cash.groupby([ordered[name] for name in DAY]).sum()
    later = _matched_later(ordered[ordered.remaining > 0])
    regular = fills[fills.is_regular]
    by_day = regular.groupby(DAY)
    # Rounded, or a gross of exactly 0 would be a little more or less.
    gross = intraday.add(later, fill_value=0).round(8)
    totals = pd.DataFrame({"gross_pnl": gross})
    totals["total_fees"] = fills.groupby(DAY).total_fees.sum()
    totals["net_pnl"] = totals.gross_pnl - totals.total_fees
    totals["orders_count"] = by_day.order_id.nunique()
    totals["fills_count"] = by_day.size()
    totals["quantity"] = by_day.quantity.sum()
    counts = ["orders_count", "fills_count", "quantity"]
    totals[counts] = totals[counts].fillna(0)
    return totals.sort_index()


def _matched_today(fills: pd.DataFrame) -> pd.DataFrame:
    ordered = fills.assign(sign=np.where(fills.is_buy, 1, -1))
    share_end = ordered.groupby([*SYMBOL_DAY, "is_buy"]).quantity.cumsum()
    bought = ordered.quantity.where(ordered.is_buy, 0)
    keys = [ordered[name] for name in SYMBOL_DAY]
    matchable = np.minimum(
        bought.groupby(keys).transform("sum"),
        (ordered.quantity - bought).groupby(keys).transform("sum"),
    )
    before = share_end - ordered.quantity
    ordered["matched"] = (np.minimum(share_end, matchable) - before).clip(lower=0)
    ordered["remaining"] = ordered.quantity - ordered.matched
    return ordered


def _matched_later(left: pd.DataFrame) -> pd.Series:
    ends = left.assign(end=left.groupby([*SYMBOL, "is_buy"]).remaining.cumsum())
    ends = ends.sort_values([*SYMBOL, "end"], kind="stable")
    size = ends.end - ends.groupby(SYMBOL).end.shift(fill_value=0)
    sides = {}
    for name, is_side in (("buy", ends.is_buy), ("sell", ~ends.is_buy)):
        own = ends[["price", "trade_date"]].where(is_side)
        sides[name] = own.groupby([ends[key] for key in SYMBOL]).bfill()
    buy, sell = sides["buy"], sides["sell"]
    gross = size * (sell.price - buy.price) * ends.multiplier
    met = buy.price.notna() & sell.price.notna()
    day = np.maximum(buy.trade_date[met], sell.trade_date[met]).rename("trade_date")
    return gross[met].groupby([ends.account_id[met], day]).sum()


def features(fills: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """Features of every day with a fill, P&L or fees, by its fills and `day_totals`."""
    moved = (totals.gross_pnl != 0) | (totals.total_fees != 0)
    days = totals[(totals.fills_count > 0) | moved].copy()
    regular = fills[fills.is_regular].copy()
    regular["notional"] = (regular.quantity * regular.price * regular.multiplier).abs()
    return pd.concat(
        [_pnl(days, regular), _activity(days, regular), _sizes(days, regular)], axis=1
    )


def _pnl(days: pd.DataFrame, regular: pd.DataFrame) -> pd.DataFrame:
    by_account = days.groupby(level="account_id")
    net, gross = days.net_pnl, days.gross_pnl

    def rolling(values: pd.Series, window: int, minimum: int = 1):
        grouped = values.groupby(level="account_id")
        return grouped.rolling(window, min_periods=minimum)

    def flat(values: pd.Series) -> pd.Series:
        return values.droplevel(0)

    scale = flat(rolling(net.abs(), 20).mean())
    found = {"net_pnl": net, "net_pnl_scaled": net / scale, "pnl_scale_20d": scale}
    for window in (3, 5, 10, 20, 60):
        total = flat(rolling(net, window, window).sum())
        spread = flat(rolling(net, window, window).std())
        found[f"net_pnl_sum_{window}d"] = total
        found[f"net_pnl_momentum_{window}d"] = total / (window * scale)
        found[f"net_pnl_volatility_{window}d"] = spread / scale
    cumulative = by_account.net_pnl.cumsum()
    peak = cumulative.groupby(level="account_id").cummax().clip(lower=0)
    found["drawdown_scaled"] = (peak - cumulative) / scale
    found["drawdown_ratio"] = (peak - cumulative) / peak.where(peak > 0)
    for name, is_so in (("win", net > 0), ("loss", net < 0)):
        broken = (~is_so).groupby(level="account_id").cumsum()
        keys = [days.index.get_level_values("account_id"), broken]
        found[f"{name}_streak_days"] = is_so.astype(int).groupby(keys).cumsum()
    losses = (net < 0).astype(float)
    number = by_account.cumcount() + 1
    found["loss_day_ratio_to_date"] = (
        losses.groupby(level="account_id").cumsum() / number
    )
    for window in (20, 60):
        found[f"loss_day_ratio_{window}d"] = flat(rolling(losses, window).mean())
    found["best_day_20d_scaled"] = flat(rolling(net, 20).max()) / scale
    found["worst_day_20d_scaled"] = flat(rolling(net, 20).min()) / scale
    found["fee_share_of_gross"] = days.total_fees / gross.abs().replace(0, np.nan)
    fees_20d = flat(rolling(days.total_fees, 20).sum())
    gross_20d = flat(rolling(gross.abs(), 20).sum())
    found["fee_share_of_gross_20d"] = fees_20d / gross_20d.replace(0, np.nan)
    rate = days.total_fees / regular.groupby(DAY).notional.sum()
    found["fee_rate_vs_20d_ratio"] = rate / flat(rolling(rate, 20).mean())
    dates = days.index.get_level_values("trade_date").to_series(index=days.index)
    of_account = dates.groupby(level="account_id")
    is_traded = days.fills_count > 0
    traded = dates.where(is_traded).groupby(level="account_id").ffill()
    previous = traded.groupby(level="account_id").shift()
    found["days_since_previous_trade"] = (dates - previous).dt.days
    found["traded_days_count"] = is_traded.groupby(level="account_id").cumsum()
    found["tenure_days"] = (dates - of_account.transform("first")).dt.days
    return pd.DataFrame(found)


def _activity(days: pd.DataFrame, regular: pd.DataFrame) -> pd.DataFrame:
    at = regular.filled_at_et
    timed = regular.assign(
        hour=at.dt.hour,
        second=(at - at.dt.normalize()).dt.total_seconds(),
        opens=(regular.opens_at_et - at.dt.normalize()).dt.total_seconds(),
        closes=(regular.closes_at_et - at.dt.normalize()).dt.total_seconds(),
    )[at > at.dt.normalize()]
    by_day = timed.groupby(DAY)
    gap = by_day.second.diff()
    gaps = gap.groupby([timed[name] for name in DAY])
    flags = pd.DataFrame(
        {
            "first_hour": timed.second.sub(timed.opens).between(0, 3599.999999),
            "morning": timed.hour < 12,
            "last_hour": timed.closes.sub(timed.second).between(1e-9, 3600),
            "outside_hours": (timed.second < timed.opens)
            | (timed.second >= timed.closes),
        }
    )
    shares = flags.groupby([timed[name] for name in DAY]).mean()
    hours = timed.groupby([*DAY, "hour"]).size()
    share = hours / hours.groupby(level=[0, 1]).transform("sum")
    minutes = (by_day.second.max() - by_day.second.min()) / 60
    variation = gaps.std(ddof=0) / gaps.mean().replace(0, np.nan)
    traded_fills = days.fills_count.where(days.fills_count > 0)
    return pd.DataFrame(
        {
            "fills_count": days.fills_count,
            "orders_count": days.orders_count,
            "fills_vs_20d_ratio": _against_20d(traded_fills, days),
            "active_minutes": minutes,
            "active_minutes_vs_20d_ratio": _against_20d(minutes, days),
            "mean_seconds_between_fills": gaps.mean(),
            "fill_gap_variation": variation.where(gaps.count() > 1),
            **{f"{name}_fills_ratio": shares[name] for name in shares},
            "afternoon_fills_ratio": 1 - shares.morning,
            "busiest_hour_fills_ratio": share.groupby(level=[0, 1]).max(),
            "time_entropy": (-share * np.log(share) / np.log(24))
            .groupby(level=[0, 1])
            .sum(),
        }
    )


def _sizes(days: pd.DataFrame, regular: pd.DataFrame) -> pd.DataFrame:
    by_day = regular.groupby(DAY)
    notional = by_day.notional.sum()
    mean = notional / by_day.size()
    per_symbol = regular.groupby([*DAY, "symbol"]).notional.sum()
    of_day = per_symbol.groupby(level=[0, 1])
    concentration = (per_symbol**2).groupby(level=[0, 1]).sum() / notional**2
    bought = regular.notional.where(regular.is_buy, 0)
    return pd.DataFrame(
        {
            "mean_fill_notional": mean,
            "fill_size_variation": by_day.notional.std(ddof=0) / mean,
            "fill_size_vs_20d_ratio": _against_20d(mean, days),
            "notional_vs_20d_ratio": _against_20d(notional, days),
            "symbols_count": of_day.size().reindex(days.index, fill_value=0),
            "symbols_vs_20d_ratio": _against_20d(of_day.size(), days),
            "symbol_concentration": concentration,
            "symbol_concentration_vs_20d_ratio": _against_20d(concentration, days),
            "top_symbol_notional_ratio": of_day.max() / notional,
            "bought_notional_ratio": bought.groupby(
                [regular[name] for name in DAY]
            ).sum()
            / notional,
        }
    )


def _against_20d(values: pd.Series, days: pd.DataFrame) -> pd.Series:
    # Of twenty days; those without a fill have no value.
    values = values.reindex(days.index)
    mean = values.groupby(level="account_id").rolling(20, min_periods=1).mean()
    return values / mean.droplevel(0)
