"""Measures training and scoring of a large desk: part of `make bench`.

A thousand traders of five hundred days with eighty features each, drawn at random: it
is the work that counts here, not what is found. The baseline is one bare
`lightgbm.train` on the same matrix, in the same run.
"""

import argparse
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ml.baselines import Baselines
from ml.boosting import ModelSettings
from ml.features import RECORD, SCALE, FeatureContract
from ml.registry import ModelSet
from ml.score import score_traders
from ml.selection import select_daily
from ml.store import MartFrames
from ml.train import REFIT_DAYS, record_begin, train_models
from ml.tuning import Tuning
from ml.walk_forward import walk_forward
from runtime.sessions import sessions_between
from tests.bench import measure

TRADERS, DAYS, FEATURES = 1000, 500, 80
AS_OF = pd.Timestamp("2025-12-19").date()


def large_desk(traders: int, day_count: int, *, without_last: int = 0) -> MartFrames:
    """Frames as the marts have them; without the last days if asked."""
    sessions = sessions_between(AS_OF - timedelta(days=2 * day_count), AS_OF)
    dates = np.array(sessions, dtype="datetime64[ns]")[-day_count - 1 : -1]
    draw = np.random.default_rng(7)
    rows = traders * day_count
    pnl = 100 * draw.standard_t(4, (traders, day_count)).astype(np.float32)
    pnl += draw.normal(0, 20, (traders, 1))
    names = [f"feature_{number}" for number in range(FEATURES - len(RECORD) - 1)]
    frame = {name: draw.standard_normal(rows, dtype=np.float32) for name in names}
    loss = np.cumsum(pnl < 0, axis=1) / np.arange(1, day_count + 1)
    none = np.zeros(pnl.shape)
    record = {
        "net_pnl": pnl,
        "net_pnl_scaled": pnl / 100,
        "traded_days_count": np.broadcast_to(np.arange(1, day_count + 1), pnl.shape),
        "gross_pnl": pnl,
        "net_pnl_ewm_momentum_20d": pnl / 2000,
        "trading_loss_day_ratio_ewm_10d": loss,
        "fees_loss_day_ratio_ewm_10d": none,
        "gain_day_ratio_ewm_10d": 1 - loss,
        "log_trading_loss_size_ewm_10d": none + np.log(80),
        "log_fees_loss_size_ewm_10d": none,
        "log_gain_size_ewm_10d": none + np.log(80),
        "net_pnl_volatility_5d": np.ones(pnl.shape),
        "net_pnl_volatility_60d": np.ones(pnl.shape),
        "loss_streak_days": (pnl < 0).astype(float),
        "drawdown_ratio": np.full(pnl.shape, 0.1),
        SCALE: np.full(pnl.shape, 100.0),
    }
    frame |= {name: values.ravel() for name, values in record.items()}
    keys = {
        "trader_id": np.repeat(
            [f"T{number:05d}" for number in range(traders)], day_count
        ),
        "trade_date": np.tile(dates, traders),
    }
    features = pd.DataFrame(keys | frame)
    labels = pd.DataFrame(
        keys
        | {
            "label_date": np.tile(np.r_[dates[1:], np.datetime64("NaT")], traders),
            "pnl": np.roll(pnl, -1, axis=1).ravel(),
            "gross": np.roll(pnl, -1, axis=1).ravel(),
        }
    ).dropna(subset="label_date")
    as_of = AS_OF
    if without_last:
        end = dates[-without_last]
        features = features[features["trade_date"] < end]
        labels = labels[labels["label_date"] < end]
        as_of = pd.Timestamp(end).date()
    status = pd.DataFrame(
        {
            "trader_id": features["trader_id"].unique(),
            "forecast_basis": "own_model",
            "traded_days_count": day_count,
            "idle_sessions_count": 0,
        }
    )
    limits = features[["trader_id", "trade_date"]].assign(
        daily_loss_limit_amount=200.0, trader_group=None
    )
    types = {name: str(kind) for name, kind in features.dtypes.items()}
    return MartFrames(
        features.reset_index(drop=True),
        types,
        labels.reset_index(drop=True),
        limits.reset_index(drop=True),
        status,
        as_of,
        as_of,
    )


def run_part(part: str, folder: Path, traders: int, day_count: int) -> None:
    """One measured process."""
    tuning, kept = Tuning(), folder / "walk_forward"
    frames = large_desk(traders, day_count, without_last=int(part == "first"))
    if part == "frames":
        return
    if part == "bare":
        import lightgbm

        columns = [
            name for name in frames.types if name not in ("trader_id", "trade_date")
        ]
        joined = frames.features.merge(frames.labels, on=["trader_id", "trade_date"])
        parameters = ModelSettings().shared.parameters(len(joined), 2)
        lightgbm.train(
            parameters | {"objective": "binary"},
            lightgbm.Dataset(
                joined[columns].to_numpy(), (joined["pnl"] < 0).astype(float)
            ),
            num_boost_round=ModelSettings().shared.rounds,
        )
    elif part == "reference":
        # The record is there: what a morning adds to it without LightGBM.
        days = frames.days(FeatureContract.of(frames.types).names)
        last = pd.Timestamp(days.dates.max()).date()
        rows, raw = walk_forward(
            days, tuning, first=record_begin(days, last), last=last,
            refit_days=REFIT_DAYS, threads=2, kept=kept,
        )  # fmt: skip
        baselines = Baselines.fit(days, days.known(np.datetime64(frames.as_of, "ns")))
        latest = np.flatnonzero(days.dates == days.dates.max())
        baselines.predict(days, latest, baselines.distribution(days, latest))
        select_daily(days, rows, raw)
    elif part == "score":
        version = sorted(path.name for path in (folder / "models").iterdir())[-1]
        models = ModelSet.load(folder / "models", version)
        score_traders(models, frames, lambda _: ("watch", None))
    else:
        train_models(frames, tuning, 2, kept=kept).models.save(folder / "models")


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--traders", type=int, default=TRADERS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--part")
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    if chosen.part:
        run_part(chosen.part, chosen.folder, chosen.traders, chosen.days)
        return
    print(
        f"{chosen.traders:,} traders x {chosen.days} days x {FEATURES} features; every "
        "process also draws the data"
    )
    print(f"{'work':<42} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9} {'x baseline':>11}")
    baseline = None
    with tempfile.TemporaryDirectory() as folder:
        for part, name in (
            ("frames", "drawing the data alone"),
            ("bare", "baseline: one bare lightgbm.train"),
            ("first", "first training, with the record"),
            ("daily", "training a day later"),
            ("reference", "reference model and selection alone"),
            ("score", "scoring"),
        ):
            command = [
                "-m", "tests.bench_models", "--part", part, "--folder", folder,
                "--traders", str(chosen.traders), "--days", str(chosen.days),
            ]  # fmt: skip
            wall, cpu, peak = measure(command, {})
            baseline = wall if part == "bare" else baseline
            times = "" if baseline is None else f"{wall / baseline:11.1f}"
            print(f"{name:<42} {wall:8.1f} {cpu:8.1f} {peak:9.0f} {times}")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
