"""Trader-days as arrays: what models learn from and predict."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pandas as pd

from ml.features import FEATURE_MART, KEYS, RECORD, to_matrix, usable_scale
from ml.outputs import BREACHES
from runtime.errors import UserError

# P&L has fat tails: a day beyond five times the usual teaches no more than five.
TARGET_LIMIT = 5.0
MINIMUM_ROWS = 30
# Kinds of a day, as feat_trader_day_losses names them; any day not lost is a gain.
KINDS = ("trading_loss", "fees_loss", "gain")
LOST_TRADING, LOST_TO_FEES, NOT_LOST = range(3)
# Dollars; the logarithm of less says nothing of a day's size.
LEAST_SIZE = 0.01


@dataclass(frozen=True)
class TraderDays:
    """Every traded day of every trader, in order of trader and date.

    Models take the whole and the numbers of the rows they may use: a trader's past is
    then at hand for any row, and nothing is copied.

    Attributes:
        traders: Trader of each row.
        dates: Date of each row, at whose close its features are known; datetime64[ns].
        label_dates: Date at whose close its outcome is known; NaT while it is not.
        groups: The trader's group on the next traded day; "" where the desk names none.
        net, gross: Dollars of the day itself.
        pnl: Net dollars of the trader's next traded day; NaN while it is not known.
        next_gross: Gross dollars of it.
        scale: The trader's own scale that day, in dollars, above 0.
        limit: Dollars that the trader may lose on the next traded day at most, above 0.
        features: Rows x features; NaN where unknown.
        record: Columns of `RECORD`, by name.
    """

    traders: np.ndarray
    dates: np.ndarray
    label_dates: np.ndarray
    groups: np.ndarray
    net: np.ndarray
    gross: np.ndarray
    pnl: np.ndarray
    next_gross: np.ndarray
    scale: np.ndarray
    limit: np.ndarray
    features: np.ndarray
    record: dict[str, np.ndarray]

    @classmethod
    def of(
        cls,
        features: pd.DataFrame,
        labels: pd.DataFrame,
        limits: pd.DataFrame,
        names: tuple[str, ...],
    ) -> "TraderDays":
        """The rows of the feature mart, with the outcomes of those that have one.

        Args:
            features: The feature mart.
            labels: trader_id, trade_date, label_date, pnl and gross.
            limits: trader_id, trade_date, daily_loss_limit_amount and trader_group.
            names: Features, in the order that models know.

        Raises:
            FeatureContractError: A feature is no number.
            UserError: A trader has a day twice.
        """
        _refuse_twice(features)
        order = list(KEYS)
        frame = features.sort_values(order, ignore_index=True)
        for more in (labels, limits):
            frame = frame.merge(more, on=order, how="left", validate="one_to_one")
        record = to_matrix(frame, RECORD)
        return cls(
            traders=frame["trader_id"].to_numpy(dtype=object),
            dates=frame["trade_date"].to_numpy(dtype="datetime64[ns]"),
            label_dates=frame["label_date"].to_numpy(dtype="datetime64[ns]"),
            groups=frame["trader_group"].fillna("").to_numpy(dtype=object),
            net=record[:, RECORD.index("net_pnl")],
            gross=record[:, RECORD.index("gross_pnl")],
            pnl=frame["pnl"].to_numpy(dtype=float),
            next_gross=frame["gross"].to_numpy(dtype=float),
            scale=usable_scale(frame),
            limit=frame["daily_loss_limit_amount"].to_numpy(dtype=float),
            features=to_matrix(frame, names),
            record=dict(zip(RECORD, record.T, strict=True)),
        )

    @classmethod
    def joined(cls, parts: Iterable["TraderDays"], rows_count: int) -> "TraderDays":
        """The days of several parts, one after the other, each copied but once.

        Args:
            parts: In order of trader; a trader is in one of them.
            rows_count: Of all of them.
        """
        whole: dict[str, np.ndarray] = {}
        begin = 0
        for part in parts:
            arrays = {field.name: getattr(part, field.name) for field in fields(cls)}
            arrays |= arrays.pop("record")
            # One text for all days of a trader.
            for text in ("traders", "groups"):
                numbers, names = pd.factorize(arrays[text])
                arrays[text] = names[numbers]
            end = begin + len(part)
            for name, values in arrays.items():
                if name not in whole:
                    shape = (rows_count, *values.shape[1:])
                    whole[name] = np.empty(shape, values.dtype)
                whole[name][begin:end] = values
            begin = end
        record = {name: whole.pop(name) for name in RECORD}
        return cls(**whole, record=record)

    def __len__(self) -> int:
        return len(self.dates)

    @cached_property
    def is_loss(self) -> np.ndarray:
        """1.0 where the next traded day's net P&L is below 0; NaN while unknown."""
        return np.where(np.isnan(self.pnl), np.nan, (self.pnl < 0).astype(float))

    @cached_property
    def is_realised_loss(self) -> np.ndarray:
        """1.0 where the next traded day's gross P&L is below 0; NaN while unknown."""
        is_lost = (self.next_gross < 0).astype(float)
        return np.where(np.isnan(self.pnl), np.nan, is_lost)

    def threshold(self, output: str) -> np.ndarray:
        """Dollars that one of `BREACHES` is the chance of losing more than."""
        amount = BREACHES[output]
        return self.limit if amount is None else np.full(len(self), amount)

    def is_breach(self, output: str) -> np.ndarray:
        """1.0 where the next traded day loses more than that; NaN while unknown."""
        return self._breaches[output]

    @cached_property
    def _breaches(self) -> dict[str, np.ndarray]:
        is_unknown = np.isnan(self.pnl)
        found = {}
        for output in BREACHES:
            is_beyond = (self.pnl < -self.threshold(output)).astype(float)
            found[output] = np.where(is_unknown, np.nan, is_beyond)
        return found

    @cached_property
    def kind(self) -> np.ndarray:
        """Which of `KINDS` the next traded day is; -1 while it is not known."""
        return kind_of(self.next_gross, self.pnl)

    @cached_property
    def log_size(self) -> np.ndarray:
        """Logarithm of the next traded day's absolute dollars; NaN while unknown."""
        return np.log(np.maximum(np.abs(self.pnl), LEAST_SIZE))

    @cached_property
    def trader_number(self) -> np.ndarray:
        """Each row's trader by number, in order of trader: faster than by name."""
        is_first = self.traders[1:] != self.traders[:-1]
        return np.cumsum(np.r_[False, is_first][: len(self)])

    @cached_property
    def number(self) -> np.ndarray:
        """How many days the trader has had, this one included."""
        places = np.arange(len(self))
        is_first = np.r_[True, self.traders[1:] != self.traders[:-1]][: len(self)]
        return places - np.maximum.accumulate(np.where(is_first, places, 0)) + 1

    @cached_property
    def scaled_pnl(self) -> np.ndarray:
        """The outcome in units of the trader's own scale, limited to five of them."""
        return np.clip(self.pnl / self.scale, -TARGET_LIMIT, TARGET_LIMIT)

    def known(self, morning: np.datetime64) -> np.ndarray:
        """Numbers of the rows whose outcome was known before a morning."""
        return np.flatnonzero(self.label_dates < morning)

    def by_trader(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Places in `rows`, by trader."""
        numbers = self.trader_number[rows]
        order = np.argsort(numbers, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
        return {str(self.traders[rows[part[0]]]): part for part in parts if len(part)}

    def is_trainable(self, rows: np.ndarray) -> bool:
        """Whether there are enough rows to learn from, and both outcomes among them."""
        losses = self.is_loss[rows].sum()
        return len(rows) >= MINIMUM_ROWS and 0 < losses < len(rows)


def kind_of(gross: np.ndarray, net: np.ndarray) -> np.ndarray:
    """Which of `KINDS` days of so many dollars are; -1 where it is not known."""
    return np.select(
        [np.isnan(net), (net < 0) & (gross < 0), net < 0],
        [-1, LOST_TRADING, LOST_TO_FEES],
        NOT_LOST,
    )


def _refuse_twice(features: pd.DataFrame) -> None:
    twice = features[features.duplicated(list(KEYS))]
    if len(twice):
        trader, day = twice.iloc[0][list(KEYS)]
        raise UserError(
            f"{FEATURE_MART} has {trader} on {day:%Y-%m-%d} twice. Run `make build`: "
            "its tests say which model is wrong."
        )
