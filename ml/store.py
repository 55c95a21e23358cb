"""Reads the marts that models learn from, writes their predictions back."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property

import duckdb
import numpy as np
import pandas as pd

from ml.boosting import ModelSettings
from ml.days import TraderDays
from ml.desk_risk import DeskRisk
from ml.evaluation import Metric
from ml.features import FEATURE_MART, KEYS, RECORD, SCALE
from ml.registry import CARD, ModelSet
from ml.replay import Replay
from ml.selection import OUTPUTS
from ml.walk_forward import code_fingerprint
from runtime.build_chain import SCORE, confirm, finish
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import naive_utc_now
from runtime.transform.dbt import project_variables
from runtime.warehouse import open_warehouse

_ORDER = "order by trader_id, trade_date"
_LIMITS = f"""
    select feature.trader_id, feature.trade_date,
        cast(coalesce(trader.daily_loss_limit_amount, ?) as double)
            as daily_loss_limit_amount,
        trader.trader_group
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
    where feature.trader_id > ? and feature.trader_id <= ?
    order by feature.trader_id, feature.trade_date
"""
# Of a part: trader-days with all features, as they are copied from shape to shape, take
# half a gigabyte.
PART_ROWS = 100_000
# What has been read is not read again: the memory is for the matrix.
_READING = {"memory_limit": "1GB"}


@dataclass(frozen=True)
class MartFrames:
    """What one morning's training and scoring read: of all traders, or of a part.

    Attributes:
        features: The feature mart, ordered by trader and date.
        types: Types of its columns in the mart.
        labels: The label mart in the same order: label_date; pnl and gross in dollars.
        limits: Of each of these days, daily_loss_limit_amount: dollars that the trader
            might lose on the next traded day, and trader_group, as was said then.
        traders: trader_status: forecast_basis, traded_days_count, idle_sessions_count,
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

    def parts(self) -> Iterator["MartFrames"]:
        """Itself: what is made by hand is one part."""
        yield self

    def days(self, names: tuple[str, ...]) -> TraderDays:
        """Every day as arrays, with these features."""
        return TraderDays.of(self.features, self.labels, self.limits, names)

    def columns(self, names: tuple[str, ...]) -> Iterator[tuple[str, np.ndarray]]:
        """Each of these features, and its values in order of the days."""
        return zip(names, self.days(names).features.T, strict=True)

    @cached_property
    def fingerprint(self) -> str:
        """Of the data: equal only for equal features, types, labels and traders."""
        return _fingerprint(self.types, self.parts())

    def version(self, settings: ModelSettings) -> str:
        """Names a training run: equal only for equal data, settings, code, library."""
        return _version(self.as_of, self.fingerprint, settings)


@dataclass(frozen=True)
class Marts:
    """What one morning's training and scoring read, a part of the traders at a time.

    Attributes:
        home: Whose warehouse.
        types: Types of the feature mart's columns.
        bounds: Of each part: it begins after the first trader, and ends with the other.
        rows_count: Trader-days of all traders.
        prediction_date: The session to predict.
        as_of: The morning.
    """

    home: Home
    types: Mapping[str, str]
    bounds: tuple[tuple[str, str], ...]
    rows_count: int
    prediction_date: date
    as_of: date

    def parts(self) -> Iterator[MartFrames]:
        """The frames of one part after the other, in order of trader."""
        return self._parts(tuple(self.types))

    def days(self, names: tuple[str, ...]) -> TraderDays:
        """Every day of every trader as arrays, with these features."""
        columns = tuple(dict.fromkeys((*KEYS, SCALE, *RECORD, *names)))
        parts = (part.days(names) for part in self._parts(columns))
        return TraderDays.joined(parts, self.rows_count)

    def columns(self, names: tuple[str, ...]) -> Iterator[tuple[str, np.ndarray]]:
        """Each of these features, one read after the other, in order of the days."""
        with open_warehouse(self.home.warehouse, config=_READING) as connection:
            # Sorted once, not for each of a hundred columns.
            order = connection.sql(
                "select place from (select trader_id, trade_date, "
                f"row_number() over () - 1 as place from {FEATURE_MART}) {_ORDER}"
            ).fetchnumpy()["place"]
            for name in names:
                read = connection.sql(
                    f'select cast("{name}" as double) as value from {FEATURE_MART}'
                ).fetchnumpy()["value"]
                values = np.ma.filled(read, np.nan)[order]
                yield name, np.where(np.isfinite(values), values, np.nan)

    @cached_property
    def fingerprint(self) -> str:
        """Of the data: equal only for equal features, types, labels and traders."""
        return _fingerprint(self.types, self.parts())

    def version(self, settings: ModelSettings) -> str:
        """Names a training run: equal only for equal data, settings, code, library."""
        return _version(self.as_of, self.fingerprint, settings)

    def _parts(self, columns: tuple[str, ...]) -> Iterator[MartFrames]:
        limit = project_variables()["default_daily_loss_limit_amount"]
        chosen = ", ".join(f'"{name}"' for name in columns)
        within = "where trader_id > ? and trader_id <= ?"
        with open_warehouse(self.home.warehouse, config=_READING) as connection:
            for part in self.bounds:

                def read(
                    sql: str, *values: object, part: tuple[str, str] = part
                ) -> pd.DataFrame:
                    with _marts_of_today():
                        return connection.execute(sql, [*values, *part]).df()

                yield MartFrames(
                    read(f"select {chosen} from {FEATURE_MART} {within} {_ORDER}"),
                    self.types,
                    read(
                        "select trader_id, trade_date, next_trade_date as label_date, "
                        "cast(next_net_pnl as double) as pnl, "
                        "cast(next_gross_pnl as double) as gross "
                        f"from marts.label_trader_day {within} {_ORDER}"
                    ),
                    read(_LIMITS, limit),
                    read(
                        "select trader_id, forecast_basis, traded_days_count, "
                        "idle_sessions_count from marts.trader_status "
                        f"{within} order by trader_id"
                    ),
                    self.prediction_date,
                    self.as_of,
                )


@contextmanager
def _marts_of_today() -> Iterator[None]:
    """Say in one line that the marts are missing, or of another version.

    Raises:
        UserError: They are.
    """
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"The marts are not built ({reason}). Run `make build`."
        ) from None


def open_marts(home: Home) -> Marts:
    """Look at features, labels and traders, to be read part by part.

    Raises:
        UserError: They have not been built.
    """
    if not home.warehouse.exists():
        raise UserError(f"{home.warehouse} does not exist. Run `make daily` first.")
    with open_warehouse(home.warehouse) as connection, _marts_of_today():
        mart = connection.sql(f"from {FEATURE_MART}")
        types = dict(zip(mart.columns, map(str, mart.types), strict=True))
        counts = connection.sql(
            "select trader_id, count(trade_date) from ("
            f"select trader_id, trade_date from {FEATURE_MART} "
            "union all select trader_id, null from marts.trader_status "
            "union all select trader_id, null from marts.label_trader_day "
            ") group by trader_id order by trader_id"
        ).fetchall()
        as_of, prediction_date = connection.execute(
            "select as_of, prediction_date from raw.run_context"
        ).fetchone()
    rows_count = sum(count for _, count in counts)
    return Marts(home, types, _bounds(counts), rows_count, prediction_date, as_of)


def read_marts(home: Home) -> MartFrames:
    """The same of all traders at once.

    Raises:
        UserError: They have not been built.
    """
    marts = open_marts(home)
    return next(replace(marts, bounds=(("", marts.bounds[-1][1]),)).parts())


def read_behaviour(home: Home) -> pd.DataFrame:
    """Behavior of every trader's days: trader_id, trade_date, behaviour and scores."""
    with open_warehouse(home.warehouse) as connection, _marts_of_today():
        return connection.sql(
            "select trader_id, cast(trade_date as timestamp) as trade_date, behaviour, "
            "score, tilt_score from marts.trader_behaviour "
            "order by trader_id, trade_date, behaviour"
        ).df()


def read_phrases(home: Home) -> dict[str, str]:
    """How to say the value of each feature: a format string by feature.

    Raises:
        UserError: The dictionary is not built, or an older version built it.
    """
    with open_warehouse(home.warehouse) as connection, _marts_of_today():
        return dict(
            connection.sql(
                "select feature_name, phrase from marts.feature_dictionary"
            ).fetchall()
        )


def _bounds(counts: Sequence[tuple[str, int]]) -> tuple[tuple[str, str], ...]:
    """Parts of `PART_ROWS` days at most, or of one trader."""
    bounds: list[tuple[str, str]] = []
    begin, last, held = "", "", 0
    for trader, count in counts:
        if held and held + count > PART_ROWS:
            bounds.append((begin, last))
            begin, held = last, 0
        last, held = trader, held + count
    # Also of nobody: one part without rows.
    return (*bounds, (begin, last))


def _fingerprint(types: Mapping[str, str], parts: Iterable[MartFrames]) -> str:
    digest = hashlib.sha256(repr(sorted(types.items())).encode())
    for part in parts:
        for frame in (part.features, part.labels, part.limits, part.traders):
            _add(digest, frame)
    return digest.hexdigest()


def _version(as_of: date, fingerprint: str, settings: ModelSettings) -> str:
    digest = hashlib.sha256(code_fingerprint().encode())
    digest.update(fingerprint.encode())
    digest.update(repr(settings).encode())
    return f"{as_of}-{digest.hexdigest()[:10]}"


def read_trial(home: Home, trial: str) -> pd.DataFrame:
    """Days under one trial of two policies, with what happened.

    Args:
        trial: Its name, as `assignment.trial_name` gives it.

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


def confirm_scores(home: Home, build_id: str) -> None:
    """Say that what is written is what these marts would make, too.

    Args:
        build_id: Of the build that made them.
    """
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        confirm(connection, SCORE, build_id)
        connection.execute("commit")


@dataclass(frozen=True)
class Scored:
    """The latest forecasts as they were written: version of their models, figures."""

    version: str
    predictions: pd.DataFrame


def read_scored(home: Home) -> Scored | None:
    """The latest forecasts; None before the first."""
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
    desk: DeskRisk = DeskRisk()

    def fingerprint(self, version: str) -> str:
        """Names what is written: equal only for equal figures of the same models."""
        digest = hashlib.sha256(version.encode())
        frames = vars(self) | vars(self.desk)
        for frame in (frames[name] for name in frames if name != "desk"):
            _add(digest, frame)
        return digest.hexdigest()


def write_scores(
    home: Home, models: ModelSet, marts: Marts, scores: Scores, build_id: str
) -> None:
    """Replace the predictions for a date in one transaction.

    Args:
        home: Whose warehouse.
        models: The models that predicted.
        marts: What they predicted from.
        scores: Rows without version, date and time.
        build_id: Of the build that made the marts.
    """
    now = naive_utc_now()
    prediction_date = marts.prediction_date
    dated: dict[str, date | str] = {
        "prediction_date": prediction_date,
        "model_version": models.version,
    }
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
    evidence = pd.DataFrame([vars(one) for one in models.policy_evidence]).assign(
        model_version=version
    )
    trained_at = datetime.fromtimestamp(
        (home.models / version / CARD).stat().st_mtime, UTC
    ).replace(tzinfo=None)
    registry = registry_frame(models).assign(trained_at=trained_at)
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        for table, frame in tables.items():
            _replace(connection, table, frame, "prediction_date = ?", prediction_date)
        for table, frame in (
            ("model_metrics", metrics),
            ("registry", registry),
            ("policy_evidence", evidence),
        ):
            _replace(connection, table, frame, "model_version = ?", version)
        comparison = scores.policy_comparison
        _replace(connection, "policy_comparison", comparison, "as_of = ?", marts.as_of)
        _replace(
            connection,
            "desk_predictions",
            scores.desk_predictions.assign(
                prediction_date=prediction_date, is_replayed=False
            ),
            "prediction_date = ? and not is_replayed",
            prediction_date,
        )
        _write_desk(connection, scores.desk, prediction_date)
        finish(connection, SCORE, build_id)
        connection.execute("commit")


def _write_desk(
    connection: duckdb.DuckDBPyConnection, desk: DeskRisk, prediction_date: date
) -> None:
    """Replace what is shown of the desk for a date, and all that is simulated."""
    on_date = "prediction_date = ?"
    for table in ("desk_risk_contributions", "desk_stress", "desk_tail_tests"):
        frame = getattr(desk, table).assign(prediction_date=prediction_date)
        _replace(connection, table, frame, on_date, prediction_date)
    told = desk.desk_risk.assign(prediction_date=prediction_date, is_replayed=False)
    on_date += " and not is_replayed"
    _replace(connection, "desk_risk", told, on_date, prediction_date)
    replayed = desk.replayed_desk_risk.assign(is_replayed=True)
    _replace(connection, "desk_risk", replayed, "is_replayed")
    # Of the latest morning alone: a row for every pair of traders.
    pairs = desk.trader_correlations.assign(prediction_date=prediction_date)
    _replace(connection, "trader_correlations", pairs, "true")


def read_membership(home: Home) -> pd.DataFrame:
    """Of which group and strategy each trader is, and when."""
    with open_warehouse(home.warehouse) as connection, _marts_of_today():
        return connection.sql(
            "select trader_id, trader_group, strategy, valid_from, valid_to "
            "from marts.dim_traders order by trader_id, valid_from"
        ).df()


def read_told_desk_risk(home: Home, before: date) -> pd.DataFrame:
    """The tails that the desk was shown on mornings before a date."""
    with open_warehouse(home.warehouse) as connection:
        return connection.execute(
            "select cast(prediction_date as timestamp) as prediction_date, "
            "scope_type, scope_name, "
            "cast(value_at_risk_pnl as double) as value_at_risk_pnl, "
            "cast(expected_shortfall_pnl as double) as expected_shortfall_pnl "
            "from ml.desk_risk where not is_replayed and prediction_date < ? "
            "order by prediction_date, scope_type, scope_name",
            [before],
        ).df()


def read_replayed(home: Home) -> pd.DataFrame:
    """What `write_replay` wrote; no rows before the first."""
    with open_warehouse(home.warehouse) as connection:
        return connection.sql(
            "select trader_id, features_date, prediction_date, pnl_scale, "
            "cast(predicted_pnl as double) as predicted_pnl "
            "from ml.replayed_forecasts order by trader_id, features_date"
        ).df()


def write_replay(home: Home, version: str, replay: Replay) -> None:
    """Replace the forecasts of past days in one transaction.

    Args:
        version: Of the training run that they come from.
    """
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        forecasts = replay.forecasts.assign(model_version=version)
        _replace(connection, "replayed_forecasts", forecasts, "true")
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
    } | {
        f"{output}_model": models.selection.selected_model(output) for output in OUTPUTS
    }
    rows = [card | whole | asdict(window) for window in models.windows]
    return pd.DataFrame(rows).assign(
        parameters=[
            json.dumps(models.parameters(window), sort_keys=True)
            for window in models.windows
        ]
    )


def metrics_frame(metrics: tuple[Metric, ...]) -> pd.DataFrame:
    """Figures as rows of ml.model_metrics and ml.backtest_metrics."""
    rows = [
        vars(metric)
        | {
            "metric_value": metric.value,
            "value_low": metric.low,
            "value_high": metric.high,
        }
        for metric in metrics
    ]
    frame = pd.DataFrame(rows).drop(columns=["value", "interval"], errors="ignore")
    measured = ("metric_value", "value_low", "value_high")
    numbers = [name for name in measured if name in frame]
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
    hashes = pd.util.hash_pandas_object(frame, index=False)
    digest.update(hashes.to_numpy().tobytes())
