"""Reads the marts that models learn from, writes what they say back."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path

import duckdb
import pandas as pd

from ml.features import FEATURE_MART
from ml.registry import ModelSet
from runtime.errors import UserError
from runtime.home import Home
from runtime.warehouse import open_warehouse

_ORDER = "order by trader_id, trade_date"


@dataclass(frozen=True)
class MartFrames:
    """What one morning's training and scoring read.

    Attributes:
        features: The feature mart, ordered by trader and date.
        labels: The label mart in the same order: label_date and pnl in dollars.
        traders: trader_status: call_basis, traded_days_count, idle_sessions_count.
        prediction_date: The session to predict.
        as_of: The morning.
    """

    features: pd.DataFrame
    labels: pd.DataFrame
    traders: pd.DataFrame
    prediction_date: date
    as_of: date

    def version(self) -> str:
        """Names a training run: equal only for equal data, features, code, library."""
        digest = hashlib.sha256(metadata.version("lightgbm").encode())
        for frame in (self.features, self.labels, self.traders):
            digest.update(",".join(frame.columns).encode())
            digest.update(pd.util.hash_pandas_object(frame, index=False).values)
        for path in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(path.read_bytes())
        return f"{self.as_of}-{digest.hexdigest()[:10]}"


def read_marts(home: Home) -> MartFrames:
    """Read features, labels and traders.

    Raises:
        UserError: They have not been built.
    """
    if not home.warehouse.exists():
        raise UserError(f"{home.warehouse} does not exist. Run `make daily` first.")
    with open_warehouse(home.warehouse) as connection:
        try:
            features = connection.sql(f"from {FEATURE_MART} {_ORDER}").df()
            labels = connection.sql(
                "select trader_id, trade_date, next_trade_date as label_date, "
                "cast(next_net_pnl as double) as pnl "
                f"from marts.label_trader_day {_ORDER}"
            ).df()
            traders = connection.sql(
                "select trader_id, call_basis, traded_days_count, idle_sessions_count "
                "from marts.trader_status order by trader_id"
            ).df()
            as_of, prediction_date = connection.execute(
                "select as_of, prediction_date from raw.run_context"
            ).fetchone()
        except duckdb.CatalogException as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"The marts are not built ({reason}). Run `make build`."
            ) from None
    return MartFrames(features, labels, traders, prediction_date, as_of)


def is_scored(home: Home, version: str, prediction_date: date) -> bool:
    """Whether this version's calls for that date are written already."""
    with open_warehouse(home.warehouse) as connection:
        found = connection.execute(
            "select count(*) from ml.roster "
            "where prediction_date = ? and model_version = ?",
            [prediction_date, version],
        ).fetchone()[0]
    return found > 0


def write_scores(
    home: Home,
    models: ModelSet,
    prediction_date: date,
    predictions: pd.DataFrame,
    roster: pd.DataFrame,
) -> None:
    """Replace the predictions for a date in one transaction.

    Args:
        home: Whose warehouse.
        models: The models that spoke.
        prediction_date: The session predicted.
        predictions: Columns of ml.predictions without version and times.
        roster: Columns of ml.roster without date and time.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    predictions = predictions.assign(
        prediction_date=prediction_date,
        model_version=models.version,
        trained_through=models.trained_through,
        scored_at=now,
    )
    roster = roster.assign(
        prediction_date=prediction_date, model_version=models.version, scored_at=now
    )
    metrics = pd.DataFrame(
        [
            {
                "model_version": models.version,
                "model": metric.model,
                "trader_id": metric.trader_id,
                "metric": metric.metric,
                "metric_value": metric.value,
                "rows_count": metric.rows_count,
                "trained_through": models.trained_through,
            }
            for metric in models.metrics
        ]
    )
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        for table, frame in (("predictions", predictions), ("roster", roster)):
            connection.execute(
                f"delete from ml.{table} where prediction_date = ?", [prediction_date]
            )
            connection.register("new_rows", frame)
            connection.execute(f"insert into ml.{table} by name from new_rows")
            connection.unregister("new_rows")
        connection.execute(
            "delete from ml.model_metrics where model_version = ?", [models.version]
        )
        if len(metrics):
            connection.register("new_rows", metrics)
            connection.execute("insert into ml.model_metrics by name from new_rows")
        connection.execute("commit")
