"""Reads the marts that models learn from, writes what they say back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

import duckdb
import pandas as pd

from ml.boosting import ModelSettings
from ml.champion import OUTPUTS
from ml.evaluation import Metric
from ml.features import FEATURE_MART
from ml.registry import CARD, ModelSet
from ml.replay import Replay
from ml.walk_forward import code_fingerprint
from runtime.errors import UserError
from runtime.home import Home
from runtime.transform import project_variables
from runtime.warehouse import open_warehouse

_ORDER = "order by trader_id, trade_date"
_LIMITS = f"""
    select feature.trader_id, feature.trade_date,
        cast(coalesce(trader.daily_loss_limit_amount, ?) as double)
            as daily_loss_limit_amount
    from {FEATURE_MART} as feature
    left join marts.label_trader_day as label
        on feature.trader_id = label.trader_id
        and feature.trade_date = label.trade_date
    cross join (select prediction_date from raw.run_context) as context
    left join marts.dim_traders as trader
        on feature.trader_id = trader.trader_id
        and coalesce(label.next_trade_date, context.prediction_date)
            >= trader.valid_from
        and coalesce(label.next_trade_date, context.prediction_date)
            < trader.valid_to
    order by feature.trader_id, feature.trade_date
"""


@dataclass(frozen=True)
class MartFrames:
    """What one morning's training and scoring read.

    Attributes:
        features: The feature mart, ordered by trader and date.
        types: Types of its columns in the mart.
        labels: The label mart in the same order: label_date and pnl in dollars.
        limits: Of each of these days, daily_loss_limit_amount: dollars that the trader
            might lose on his next traded day, as was said then.
        traders: trader_status: call_basis, traded_days_count, idle_sessions_count,
            daily_loss_limit_amount.
        prediction_date: The session to predict.
        as_of: The morning.
    """

    features: pd.DataFrame
    types: Mapping[str, str]
    labels: pd.DataFrame
    limits: pd.DataFrame
    traders: pd.DataFrame
    prediction_date: date
    as_of: date

    def fingerprint(self) -> str:
        """Of the data: equal only for equal features, types, labels and traders."""
        digest = hashlib.sha256(repr(sorted(self.types.items())).encode())
        for frame in (self.features, self.labels, self.limits, self.traders):
            _add(digest, frame)
        return digest.hexdigest()

    def version(self, settings: ModelSettings) -> str:
        """Names a training run: equal only for equal data, settings, code, library."""
        digest = hashlib.sha256(code_fingerprint().encode())
        digest.update(self.fingerprint().encode())
        digest.update(repr(settings).encode())
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
            mart = connection.sql(f"from {FEATURE_MART} {_ORDER}")
            types = dict(zip(mart.columns, map(str, mart.types), strict=True))
            features = mart.df()
            labels = connection.sql(
                "select trader_id, trade_date, next_trade_date as label_date, "
                "cast(next_net_pnl as double) as pnl "
                f"from marts.label_trader_day {_ORDER}"
            ).df()
            limits = connection.execute(
                _LIMITS, [project_variables()["default_daily_loss_limit_amount"]]
            ).df()
            traders = connection.sql(
                "select trader_id, call_basis, traded_days_count, idle_sessions_count "
                "from marts.trader_status order by trader_id"
            ).df()
            as_of, prediction_date = connection.execute(
                "select as_of, prediction_date from raw.run_context"
            ).fetchone()
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"The marts are not built ({reason}). Run `make build`."
            ) from None
    return MartFrames(features, types, labels, limits, traders, prediction_date, as_of)


def read_trial(home: Home, trial: str) -> pd.DataFrame:
    """Days under one trial of two policies, with what happened.

    Args:
        trial: Its name, as `policies.trial_name` gives it.

    Returns:
        trader_id, prediction_date, policy, position_multiplier, pnl (net dollars),
        scale (dollars of a usual day); days the trader did not trade are left out.
    """
    with open_warehouse(home.warehouse) as connection:
        return connection.execute(
            """
            select advice.trader_id, advice.prediction_date, advice.policy,
                advice.position_multiplier,
                cast(label.next_net_pnl as double) as pnl,
                greatest(coalesce(feature.pnl_scale_20d, 1), 1) as scale
            from ml.policy_advice as advice
            inner join ml.predictions as prediction
                on advice.trader_id = prediction.trader_id
                and advice.prediction_date = prediction.prediction_date
                and prediction.model = 'champion'
            inner join marts.label_trader_day as label
                on prediction.trader_id = label.trader_id
                and prediction.features_date = label.trade_date
                and prediction.prediction_date = label.next_trade_date
            inner join marts.feat_trader_day as feature
                on label.trader_id = feature.trader_id
                and label.trade_date = feature.trade_date
            where advice.is_live and advice.trial = ?
            order by 1, 2
            """,
            [trial],
        ).df()


def is_scored(home: Home, prediction_date: date, fingerprint: str) -> bool:
    """Whether the very same is written for that date already.

    Args:
        fingerprint: Of the scores, as `Scores.fingerprint` gives it.
    """
    with open_warehouse(home.warehouse) as connection:
        found = connection.execute(
            "select count(*) from ml.roster "
            "where prediction_date = ? and scores_fingerprint = ?",
            [prediction_date, fingerprint],
        ).fetchone()[0]
    return found > 0


@dataclass(frozen=True)
class Scored:
    """The latest calls as they were written: version of their models, and figures."""

    version: str
    predictions: pd.DataFrame


def read_scored(home: Home) -> Scored | None:
    """The latest calls; None before the first."""
    with open_warehouse(home.warehouse) as connection:
        latest = connection.execute(
            "select model_version, prediction_date from ml.roster "
            "order by prediction_date desc limit 1"
        ).fetchall()
        if not latest:
            return None
        predictions = connection.execute(
            "from ml.predictions where prediction_date = ? order by trader_id, model",
            [latest[0][1]],
        ).df()
    return Scored(latest[0][0], predictions)


@dataclass(frozen=True)
class Scores:
    """What scoring writes for one prediction date, as frames of the tables' columns."""

    predictions: pd.DataFrame
    roster: pd.DataFrame
    policy_advice: pd.DataFrame
    feature_drift: pd.DataFrame
    policy_comparison: pd.DataFrame
    desk_predictions: pd.DataFrame

    def fingerprint(self, version: str) -> str:
        """Names what is written: equal only for equal figures of the same models."""
        digest = hashlib.sha256(version.encode())
        for frame in vars(self).values():
            _add(digest, frame)
        return digest.hexdigest()


def write_scores(
    home: Home, models: ModelSet, frames: MartFrames, scores: Scores
) -> None:
    """Replace the predictions for a date in one transaction.

    Args:
        home: Whose warehouse.
        models: The models that spoke.
        frames: What they spoke of.
        scores: Rows without version, date and time.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    prediction_date = frames.prediction_date
    dated = {"prediction_date": prediction_date, "model_version": models.version}
    through, version = models.trained_through, models.version
    tables = {
        "predictions": scores.predictions.assign(
            **dated, trained_through=through, scored_at=now
        ),
        "roster": scores.roster.assign(
            **dated, scored_at=now, scores_fingerprint=scores.fingerprint(version)
        ),
        "policy_advice": scores.policy_advice.assign(prediction_date=prediction_date),
        "feature_drift": scores.feature_drift.assign(**dated),
    }
    metrics = metrics_frame(models.metrics).assign(
        model_version=version, trained_through=through
    )
    trained_at = datetime.fromtimestamp(
        (home.models / version / CARD).stat().st_mtime, UTC
    ).replace(tzinfo=None)
    registry = registry_frame(models).assign(trained_at=trained_at)
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        for table, frame in tables.items():
            _replace(connection, table, frame, "prediction_date = ?", prediction_date)
        for table, frame in (("model_metrics", metrics), ("registry", registry)):
            _replace(connection, table, frame, "model_version = ?", version)
        comparison = scores.policy_comparison
        _replace(connection, "policy_comparison", comparison, "as_of = ?", frames.as_of)
        _replace(
            connection,
            "desk_predictions",
            scores.desk_predictions.assign(
                prediction_date=prediction_date, is_replayed=False
            ),
            "prediction_date = ? and not is_replayed",
            prediction_date,
        )
        connection.execute("commit")


def read_replayed(home: Home) -> pd.DataFrame:
    """What `write_replay` wrote; no rows before the first."""
    with open_warehouse(home.warehouse) as connection:
        return connection.sql(
            "select trader_id, features_date, prediction_date, pnl_scale, "
            "cast(predicted_pnl as double) as predicted_pnl "
            "from ml.replayed_calls order by trader_id, features_date"
        ).df()


def write_replay(home: Home, version: str, replay: Replay) -> None:
    """Replace the calls of past days in one transaction.

    Args:
        version: Of the training run that they come from.
    """
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        calls = replay.calls.assign(model_version=version)
        _replace(connection, "replayed_calls", calls, "true")
        desk = replay.desk.assign(is_replayed=True)
        _replace(connection, "desk_predictions", desk, "is_replayed")
        connection.execute("commit")


def write_backtest(
    home: Home,
    predictions: pd.DataFrame,
    metrics: tuple[Metric, ...],
    policies: pd.DataFrame,
) -> None:
    """Replace the last backtest in one transaction."""
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        _replace(connection, "backtest_predictions", predictions, "true")
        _replace(connection, "backtest_metrics", metrics_frame(metrics), "true")
        _replace(connection, "backtest_policies", policies, "true")
        connection.execute("commit")


def registry_frame(models: ModelSet) -> pd.DataFrame:
    """A row for each model of the set: what it was made from."""
    card = asdict(models.card)
    whole = {
        "model_version": card.pop("version"),
        "features_count": len(models.contract.names),
        "features": json.dumps(models.contract.names),
    } | {f"{output}_speaker": models.verdict.speaker(output) for output in OUTPUTS}
    rows = [card | whole | asdict(window) for window in models.windows]
    return pd.DataFrame(rows).assign(
        parameters=[
            json.dumps(models.parameters(window), sort_keys=True)
            for window in models.windows
        ]
    )


def metrics_frame(metrics: tuple[Metric, ...]) -> pd.DataFrame:
    """Figures as rows of ml.model_metrics and ml.backtest_metrics."""
    columns = {"value": "metric_value", "low": "value_low", "high": "value_high"}
    frame = pd.DataFrame([asdict(metric) for metric in metrics]).rename(columns=columns)
    numbers = [name for name in columns.values() if name in frame]
    # A figure that cannot be known is null in the warehouse, not NaN.
    frame[numbers] = frame[numbers].astype(object).where(frame[numbers].notna(), None)
    return frame


def _replace(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    frame: pd.DataFrame,
    condition: str,
    *values: object,
) -> None:
    connection.execute(f"delete from ml.{table} where {condition}", list(values))
    if len(frame):
        connection.register("new_rows", frame)
        connection.execute(f"insert into ml.{table} by name from new_rows")
        connection.unregister("new_rows")


def _add(digest: "hashlib._Hash", frame: pd.DataFrame) -> None:
    digest.update(",".join(frame.columns).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).values)
