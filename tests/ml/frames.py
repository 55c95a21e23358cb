"""Marts of made-up traders, with the record that the baselines read."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml.days import TraderDays
from ml.features import RECORD, SCALE, FeatureContract
from ml.store import MartFrames

START = date(2023, 1, 2)
FEES = 2.0
ORDER = ["trader_id", "trade_date"]


def frames(
    days: Mapping[str, int],
    *,
    seed: int = 1,
    basis: str = "own_model",
    noise: float = 0.3,
) -> MartFrames:
    """Marts of traders with so many days; `signal` tells the next day's P&L.

    The more `noise`, the less it tells.
    """
    draw = np.random.default_rng(seed)
    features, labels = [], []
    for trader, count in days.items():
        signal = draw.normal(size=count)
        pnl = np.r_[draw.normal(), signal[:-1]] + noise * draw.normal(size=count)
        pnl = 100 * pnl
        dates = [
            pd.Timestamp(START + timedelta(days=number)) for number in range(count)
        ]
        features.append(
            pd.DataFrame(
                {
                    "trader_id": trader,
                    "trade_date": dates,
                    "signal": signal,
                    "noise": draw.normal(size=count),
                    SCALE: 100.0,
                    **record(pnl),
                }
            )
        )
        labels.append(
            pd.DataFrame(
                {
                    "trader_id": trader,
                    "trade_date": dates[:-1],
                    "label_date": dates[1:],
                    "pnl": pnl[1:],
                    "gross": pnl[1:] + FEES,
                }
            )
        )
    names = sorted(days)
    traders = pd.DataFrame(
        {
            "trader_id": names,
            "forecast_basis": basis,
            "traded_days_count": [days[trader] for trader in names],
            "idle_sessions_count": 0,
        }
    )
    whole = pd.concat(features).sort_values(ORDER, ignore_index=True)
    limits = whole[ORDER].assign(daily_loss_limit_amount=150.0, trader_group="A")
    morning = START + timedelta(days=max(days.values()))
    return MartFrames(
        whole,
        {name: str(kind) for name, kind in whole.dtypes.items()},
        pd.concat(labels).sort_values(ORDER, ignore_index=True),
        limits,
        traders,
        morning,
        morning,
    )


def record(pnl: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of `RECORD` of one trader's days, near enough to the mart's."""
    series, lost = pd.Series(pnl), pd.Series((pnl < 0).astype(float))
    mean = series.ewm(halflife=20).mean() / 100
    streak = lost.groupby((lost == 0).cumsum()).cumsum()
    whole = series.cumsum()
    peak = whole.cummax().clip(lower=0)
    gross = series + FEES
    kinds = {
        "trading_loss": (series < 0) & (gross < 0),
        "fees_loss": (series < 0) & (gross >= 0),
        "gain": series > 0,
    }
    size = np.log(series.abs().clip(lower=0.01))
    found = {
        "net_pnl": series,
        "gross_pnl": gross,
        "net_pnl_scaled": series / 100,
        "traded_days_count": pd.Series(np.arange(1, len(pnl) + 1)),
        "net_pnl_ewm_momentum_20d": mean,
        "net_pnl_volatility_5d": series.rolling(5).std() / 100,
        "net_pnl_volatility_60d": series.rolling(60).std() / 100,
        "loss_streak_days": streak,
        "drawdown_ratio": ((peak - whole) / peak).where(peak > 0),
        **{
            f"{kind}_day_ratio_ewm_10d": is_kind.astype(float).ewm(halflife=10).mean()
            for kind, is_kind in kinds.items()
        },
        **{
            f"log_{kind}_size_ewm_10d": size.where(is_kind)
            .ewm(halflife=10, ignore_na=False)
            .mean()
            for kind, is_kind in kinds.items()
        },
    }
    assert tuple(found) == RECORD
    return {name: values.to_numpy() for name, values in found.items()}


def to_days(marts: MartFrames) -> TraderDays:
    """The frames as arrays."""
    names = FeatureContract.of(marts.types).names
    return TraderDays.of(marts.features, marts.labels, marts.limits, names)


def cut(marts: MartFrames, last: pd.Timestamp) -> MartFrames:
    """As the marts were when `last` was the last day."""
    features, labels, limits = marts.features, marts.labels, marts.limits
    return replace(
        marts,
        features=features[features["trade_date"] <= last].reset_index(drop=True),
        labels=labels[labels["label_date"] <= last].reset_index(drop=True),
        limits=limits[limits["trade_date"] <= last].reset_index(drop=True),
        as_of=(last + pd.Timedelta(days=1)).date(),
        prediction_date=(last + pd.Timedelta(days=1)).date(),
    )
