"""Whether proposals help: withheld from half of the traders, compared at one look.

A person registers a trial before it begins, with the session of its one look, in the
ledger. By a hash, half of the traders get no tightening from the rules until then; what
people propose is theirs as ever, and who has no limit at all is proposed one. Nothing
is compared before the look, and what is compared then are the days up to it alone.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ml.assignment import assigned
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import sessions_between
from runtime.settings import Settings
from runtime.tables import Table
from runtime.warehouse import open_warehouse
from trading_limits.facts import read_facts
from trading_limits.keys import person
from trading_limits.ledger import TRIAL, Ledger
from trading_limits.people import check_reason, holder_of
from trading_limits.state import State, Trial, check_trial, replay

# Fewer sessions than this say nothing, whatever comes of them.
LEAST_SESSIONS = 20
RUNNING, LOOKED, TOO_FEW = "running", "looked", "too few traders"
_MEASURES = ("net_pnl_scaled", "loss_ratio")
LIMIT_TRIALS = Table(
    "ops.limit_trials",
    {
        "trial": "varchar",
        "measure": "varchar",
        "status": "varchar",
        "first_session": "date",
        "look_session": "date",
        "registered_by": "varchar",
        "reason": "varchar",
        "proposed_traders_count": "bigint",
        "withheld_traders_count": "bigint",
        "difference": "double",
        "difference_low": "double",
        "difference_high": "double",
    },
)


def register(
    settings: Settings, home: Home, *, name: str, reason: str, look: date
) -> str:
    """Register a trial from the next session on.

    Args:
        name: Who registers it.
        look: The session on whose morning it is looked at, once.

    Raises:
        UserError: Another one is on, or there are too few sessions until the look.
    """
    check_reason(reason)
    facts = read_facts(settings, home)
    sessions = sessions_between(facts.session, look)
    if look not in sessions or len(sessions) <= LEAST_SESSIONS:
        raise UserError(
            f"LOOK={look} is no session at least {LEAST_SESSIONS} sessions after "
            f"{facts.session}."
        )
    someone = person(settings, name)
    ledger = Ledger(home)
    with ledger.locked():
        entries = ledger.entries()
        state = replay(entries)
        holder_of(settings, state, someone)
        check_trial(state, facts.session, look)
        ledger.append(
            entries, TRIAL, {"look": f"{look}"}, session=f"{facts.session}",
            by=someone, reason=reason,
        )  # fmt: skip
    held = [
        trader
        for trader in sorted(set(facts.traders.values()))
        if is_withheld(Trial(facts.session, look, name, reason), trader)
    ]
    return (
        f"From {facts.session} on the rules tighten no limit of {len(held)} of "
        f"{len(set(facts.traders.values()))} traders; they are compared once, on the "
        f"morning of {look} (entry {len(entries)} of the ledger)"
    )


def is_withheld(trial: Trial, trader: str) -> bool:
    """Whether a trader is of the half without proposals."""
    return _arm(trial, trader) == _arms(trial)[0]


def trial_results(home: Home, state: State, session: date) -> list[Mapping[str, Any]]:
    """What is to be said of each trial on the morning of a session.

    Returns:
        As `LIMIT_TRIALS`; differences are of the proposed less the withheld half, and
        None before the look.
    """
    return [row for trial in state.trials for row in _results(home, trial, session)]


def _results(home: Home, trial: Trial, session: date) -> list[Mapping[str, Any]]:
    with open_warehouse(home.warehouse, read_only=True) as connection:
        # Dollars of trader days, in units of the usual day of the evening before.
        days = connection.execute(
            "select trader_id, trade_date as prediction_date, "
            "cast(net_pnl as double) as pnl, "
            "cast(usual_day_amount as double) as scale "
            "from marts.replay_days where trade_date >= ? and trade_date < ? "
            "and usual_day_amount >= 1 order by trade_date, trader_id",
            [trial.first, trial.look],
        ).df()
    days["policy"] = [_arm(trial, one) for one in days["trader_id"]]
    days["position_multiplier"] = 1.0
    counts = days.groupby("policy")["trader_id"].nunique()
    withheld, proposed = _arms(trial)
    common = {
        "trial": f"limits from {trial.first}",
        "first_session": trial.first,
        "look_session": trial.look,
        "registered_by": trial.registered_by,
        "reason": trial.reason,
        "proposed_traders_count": int(counts.get(proposed, 0)),
        "withheld_traders_count": int(counts.get(withheld, 0)),
    }
    nothing = {"difference": None, "difference_low": None, "difference_high": None}
    if session < trial.look:
        return [
            common | nothing | {"measure": one, "status": RUNNING} for one in _MEASURES
        ]
    from ml.trial import compare

    found = compare(days, trial.look, policy=proposed, other=withheld, unit="trader")
    if not len(found):
        return [
            common | nothing | {"measure": one, "status": TOO_FEW} for one in _MEASURES
        ]
    return [
        common
        | {
            "measure": row["metric"],
            "status": LOOKED,
            "difference": row["metric_value"],
            "difference_low": row["value_low"],
            "difference_high": row["value_high"],
        }
        for row in found.to_dict("records")
        if row["metric"] in _MEASURES
    ]


def _arms(trial: Trial) -> tuple[str, str]:
    return f"withheld since {trial.first}", f"proposed since {trial.first}"


def _arm(trial: Trial, trader: str) -> str:
    withheld, proposed = _arms(trial)
    return assigned(trader, trial.first, withheld, proposed, "trader")[0]
