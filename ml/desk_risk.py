"""Where the tail comes from: what scoring writes of desk, groups and strategies."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ml.correlations import trader_correlations
from ml.desk import TAIL, DeskHistory, Scenarios
from ml.desk_stress import stresses
from ml.desk_tail import contributions, scope_figures, shortfalls
from ml.tail_tests import tail_tests

DESK = ("desk", "desk")
CORRELATED_SESSIONS = 250
"""A year: further back traders were others."""
_SCOPES = ("trader_group", "strategy")
_TESTED = ["prediction_date", "value_at_risk_pnl", "expected_shortfall_pnl"]
_REPLAYED = (
    "prediction_date", "scope_type", "scope_name", "traders_count", "scenarios_count",
    *_TESTED[1:],
)  # fmt: skip
Scope = tuple[str, str]


@dataclass(frozen=True)
class DeskRisk:
    """Frames of the tables of the same names, without the prediction date."""

    desk_risk: pd.DataFrame = field(default_factory=pd.DataFrame)
    desk_risk_contributions: pd.DataFrame = field(default_factory=pd.DataFrame)
    desk_stress: pd.DataFrame = field(default_factory=pd.DataFrame)
    desk_tail_tests: pd.DataFrame = field(default_factory=pd.DataFrame)
    trader_correlations: pd.DataFrame = field(default_factory=pd.DataFrame)
    replayed_desk_risk: pd.DataFrame = field(default_factory=pd.DataFrame)


class Membership:
    """Who is in which group and follows which strategy, at each time."""

    def __init__(self, traders: pd.DataFrame) -> None:
        """From what the desk says.

        Args:
            traders: trader_id, trader_group, strategy, valid_from, valid_to; no two
                rows of a trader overlap.
        """
        self._said = traders
        self._changes = np.unique(traders["valid_from"].to_numpy("datetime64[s]"))
        self._known: dict[int, dict[str, tuple[str | None, ...]]] = {}

    def scopes(
        self, day: np.datetime64, traders: np.ndarray
    ) -> dict[Scope, np.ndarray]:
        """Places in `traders` of each scope: the desk, each group, each strategy.

        Who is in no group is in the desk alone.
        """
        found: dict[Scope, np.ndarray] = {DESK: np.arange(len(traders))}
        said = self._of(day)
        for number, scope in enumerate(_SCOPES):
            places = defaultdict(list)
            for place, trader in enumerate(traders):
                name = said[trader][number] if trader in said else None
                if name is not None:
                    places[name].append(place)
            found |= {(scope, name): np.array(places[name]) for name in sorted(places)}
        return found

    def _of(self, day: np.datetime64) -> dict[str, tuple[str | None, ...]]:
        """Group and strategy of each trader, looked up once for each time."""
        # In nanoseconds the year 9999 is none.
        day = day.astype("datetime64[s]")
        period = int(np.searchsorted(self._changes, day, "right"))
        if period not in self._known:
            said = self._said[
                (self._said["valid_from"].to_numpy("datetime64[s]") <= day)
                & (self._said["valid_to"].to_numpy("datetime64[s]") > day)
            ]
            columns = said[list(_SCOPES)].astype(object)
            columns = columns.where(columns.notna(), None)
            self._known[period] = {
                trader: tuple(names)
                for trader, names in zip(
                    said["trader_id"], columns.to_numpy(), strict=True
                )
            }
        return self._known[period]


def desk_risk(
    history: DeskHistory,
    today: Scenarios,
    membership: Membership,
    prediction_date: np.datetime64,
    shown: pd.DataFrame,
) -> DeskRisk:
    """All of it for one morning.

    Args:
        history: The desk's past.
        today: The scenarios of the morning.
        membership: Who belongs where.
        prediction_date: The session it is for.
        shown: What the desk was shown on earlier mornings: scope_type, scope_name and
            `_TESTED`; it goes before what is simulated.
    """
    rows, parts = [], []
    for scope, members in membership.scopes(prediction_date, today.traders).items():
        some = today.of(members)
        rows.append(_named(scope) | _counts(some) | scope_figures(some))
        if len(some):
            parts.append(pd.DataFrame(_named(scope) | contributions(some)))
    replayed, severities = _replayed(history, membership)
    return DeskRisk(
        desk_risk=pd.DataFrame(rows),
        desk_risk_contributions=_joined(parts),
        desk_stress=stresses(today),
        desk_tail_tests=_tested(
            history, membership, _latest(shown, replayed), severities
        ),
        trader_correlations=_correlated(history, today.traders),
        replayed_desk_risk=replayed,
    )


def _replayed(
    history: DeskHistory, membership: Membership
) -> tuple[pd.DataFrame, dict[Scope, np.ndarray]]:
    """Tails of past mornings, and how bad the scenarios beyond them were."""
    rows, severities = [], defaultdict(list)
    for date, scenarios in history.past_scenarios():
        if not len(scenarios):
            continue
        for scope, members in membership.scopes(date, scenarios.traders).items():
            total = scenarios.pnl[:, members].sum(axis=1)
            at_risk, shortfall = np.quantile(total, TAIL), shortfalls(total)
            counts = _counts(scenarios.of(members))
            row = (date, *scope, *counts.values(), at_risk, shortfall)
            rows.append(dict(zip(_REPLAYED, row, strict=True)))
            if shortfall < 0:
                severities[scope].append(total[total < at_risk] / shortfall)
    return pd.DataFrame(rows), {
        scope: np.concatenate(found) for scope, found in severities.items()
    }


def _latest(shown: pd.DataFrame, replayed: pd.DataFrame) -> pd.DataFrame:
    """Of each morning and scope what the desk was shown, else what is simulated."""
    both = [frame for frame in (shown, replayed) if len(frame)]
    if not both:
        return replayed
    return (
        pd.concat(both)
        .drop_duplicates(["prediction_date", "scope_type", "scope_name"])
        .dropna(subset=["value_at_risk_pnl"])
        .sort_values("prediction_date")
    )


def _tested(
    history: DeskHistory,
    membership: Membership,
    forecast: pd.DataFrame,
    severities: dict[Scope, np.ndarray],
) -> pd.DataFrame:
    if not len(forecast):
        return pd.DataFrame()
    actual = pd.DataFrame(
        _outcomes(history, membership),
        columns=["prediction_date", "scope_type", "scope_name", "actual"],
    )
    held = forecast.merge(actual, on=["prediction_date", "scope_type", "scope_name"])
    rows = []
    for (kind, name), one in held.groupby(["scope_type", "scope_name"]):
        scope = (str(kind), str(name))
        at_risk, shortfall, made = one[[*_TESTED[1:], "actual"]].to_numpy(float).T
        expected = severities.get(scope, np.empty(0))
        rows.append(_named(scope) | tail_tests(at_risk, shortfall, made, expected))
    return pd.DataFrame(rows)


def _outcomes(
    history: DeskHistory, membership: Membership
) -> Iterator[tuple[np.datetime64, str, str, float]]:
    """What each scope made of the sessions on which anybody with a forecast traded."""
    for place, date in enumerate(history.dates):
        forecasted = np.flatnonzero(~np.isnan(history.predicted[place]))
        pnl = history.pnl[place, forecasted]
        if np.isnan(pnl).all():
            continue
        scopes = membership.scopes(date, history.traders[forecasted])
        for scope, members in scopes.items():
            yield date, *scope, float(np.nansum(pnl[members]))


def _correlated(history: DeskHistory, traders: np.ndarray) -> pd.DataFrame:
    """Of today's traders, by their days of the last year."""
    known = np.isin(traders, history.traders)
    places = np.searchsorted(history.traders, traders[known])
    recent = slice(max(0, len(history.dates) - CORRELATED_SESSIONS), None)
    scaled = np.full((len(history.dates[recent]), len(traders)), np.nan)
    scaled[:, known] = (history.pnl / history.scale)[recent][:, places]
    return trader_correlations(traders, scaled)


def _named(scope: Scope) -> dict[str, object]:
    return dict(zip(("scope_type", "scope_name"), scope, strict=True))


def _counts(scenarios: Scenarios) -> dict[str, object]:
    return {"traders_count": len(scenarios.traders), "scenarios_count": len(scenarios)}


def _joined(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    found = list(frames)
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()
