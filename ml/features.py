"""What a model needs to know about its features, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from runtime.errors import UserError

FEATURE_MART = "marts.feat_trader_day"
SCALE = "pnl_scale_20d"
# A scale below a dollar is a trader who has not begun: it would blow up every ratio.
MINIMUM_SCALE = 1.0
KEYS = ("trader_id", "trade_date")
# What the baselines read: the trader's own record, as a risk manager keeps it.
RECORD = (
    "net_pnl",
    "gross_pnl",
    "net_pnl_scaled",
    "traded_days_count",
    "net_pnl_ewm_momentum_20d",
    "net_pnl_volatility_5d",
    "net_pnl_volatility_60d",
    "loss_streak_days",
    "drawdown_ratio",
    "trading_loss_day_ratio_ewm_10d",
    "fees_loss_day_ratio_ewm_10d",
    "gain_day_ratio_ewm_10d",
    "log_trading_loss_size_ewm_10d",
    "log_fees_loss_size_ewm_10d",
    "log_gain_size_ewm_10d",
)
# Features in dollars: a small and a large trader would not compare, so that no model
# learns from them. The record reads some.
IN_DOLLARS = frozenset(
    (
        "gross_pnl",
        "log_fees_loss_size_ewm_10d",
        "log_gain_size_ewm_10d",
        "log_trading_loss_size_ewm_10d",
        "mean_fill_notional",
        "mean_trip_notional",
        "net_pnl",
        "net_pnl_sum_3d",
        "net_pnl_sum_5d",
        "net_pnl_sum_10d",
        "net_pnl_sum_20d",
        "net_pnl_sum_60d",
        "pnl_scale_20d",
        "usual_stop_pnl",
    )
)


def usable_scale(frame: pd.DataFrame) -> np.ndarray:
    """The trader's own scale per row, in dollars, never below `MINIMUM_SCALE`."""
    scale = frame[SCALE].to_numpy(dtype=float, na_value=np.nan)
    return np.fmax(scale, MINIMUM_SCALE)


class FeatureContractError(UserError):
    """The feature mart no longer matches what a model was trained on."""


@dataclass(frozen=True)
class FeatureContract:
    """The features a model expects, in training order, and their types in the mart."""

    types: Mapping[str, str]

    @classmethod
    def of(cls, types: Mapping[str, str]) -> "FeatureContract":
        """The contract of a mart with these columns: all but keys and dollars.

        Raises:
            FeatureContractError: A column that the baselines read is absent.
        """
        left_out = IN_DOLLARS.union(KEYS)
        contract = cls({name: t for name, t in types.items() if name not in left_out})
        contract._require(RECORD, types)
        return contract

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in training order."""
        return tuple(self.types)

    def check(self, types: Mapping[str, str]) -> None:
        """Compare with the mart as it is now.

        Raises:
            FeatureContractError: A feature is absent, or of another type.
        """
        self._require(self.names, types)
        changed = [
            f"{name} ({then} then, {types[name]} now)"
            for name, then in self.types.items()
            if types[name] != then
        ]
        if changed:
            raise FeatureContractError(
                f"{FEATURE_MART} has columns of another type than the model learned "
                f"from: {', '.join(changed)}. Fix the model in "
                "dbt_project/models/marts/features and `make build`, or run "
                "`make train` so that the models learn anew."
            )

    def _require(self, names: tuple[str, ...], types: Mapping[str, str]) -> None:
        absent = [name for name in names if name not in types]
        if absent:
            raise FeatureContractError(
                f"{FEATURE_MART} has no column {', '.join(absent)}. Run `make build`; "
                "if the column was dropped on purpose, run `make train` so that the "
                "models learn without it."
            )


def to_matrix(frame: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    """Columns of the feature mart as numbers.

    Returns:
        Float array, rows x names; an unknown value is NaN.

    Raises:
        FeatureContractError: A column is no number.
    """
    chosen = frame.loc[:, list(names)]
    odd = [
        str(name)
        for name, kind in chosen.dtypes.items()
        if not pd.api.types.is_numeric_dtype(kind)
    ]
    if odd:
        raise FeatureContractError(
            f"{FEATURE_MART} has a column that is no number: {', '.join(odd)}. "
            "Fix its model in dbt_project/models/marts/features, `make build`."
        )
    matrix = chosen.to_numpy(dtype=np.float64, na_value=np.nan)
    # An infinite ratio says no more than an unknown one.
    return np.where(np.isfinite(matrix), matrix, np.nan)
