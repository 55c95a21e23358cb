"""What a model needs to know about its features, and in which order."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from runtime.errors import UserError

FEATURE_MART = "marts.feat_trader_day"
SCALE = "pnl_scale_20d"
# A scale below a dollar is a trader who has not begun: it would blow up every ratio.
MINIMUM_SCALE = 1.0
KEYS = ("trader_id", "trade_date")


def usable_scale(frame: pd.DataFrame) -> np.ndarray:
    """The trader's own scale per row, in dollars, never below `MINIMUM_SCALE`."""
    scale = frame[SCALE].to_numpy(dtype=float, na_value=np.nan)
    return np.fmax(scale, MINIMUM_SCALE)


class FeatureContractError(UserError):
    """The feature mart no longer matches what a model was trained on."""


@dataclass(frozen=True)
class FeatureContract:
    """The features a model expects, in training order."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "FeatureContract":
        """The contract of the mart as it is: every column that is no key."""
        return cls(tuple(name for name in frame.columns if name not in KEYS))

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Features of `frame` (rows of the mart) in training order.

        Returns:
            Float array, rows x features; an unknown value is NaN.

        Raises:
            FeatureContractError: A feature is absent, or is not a number.
        """
        absent = [name for name in self.names if name not in frame.columns]
        if absent:
            raise FeatureContractError(
                f"{FEATURE_MART} has no column {', '.join(absent)}. Run `make build`; "
                "if the column was dropped on purpose, run `make train` so that the "
                "models learn without it."
            )
        chosen = frame.loc[:, list(self.names)]
        odd = [
            name
            for name, kind in chosen.dtypes.items()
            if not pd.api.types.is_numeric_dtype(kind)
        ]
        if odd:
            raise FeatureContractError(
                f"{FEATURE_MART} has a column that is no number: {', '.join(odd)}. "
                "Mend its model in dbt_project/models/marts/features, `make build`."
            )
        matrix = chosen.to_numpy(dtype=np.float64, na_value=np.nan)
        # An infinite ratio says no more than an unknown one.
        return np.where(np.isfinite(matrix), matrix, np.nan)
