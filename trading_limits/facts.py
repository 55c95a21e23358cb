"""What the published copy and the desk's files say, as the rules take it."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from daily.what_if import replay
from ingestion.desk_files import (
    FIX_LIMITS,
    IBKR_RULES,
    LIMIT_BOUNDS,
    DeskFile,
    read_desk,
)
from ingestion.desk_rules import parse_rules
from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.marts_copy import open_published
from runtime.settings import Settings
from runtime.staleness import staleness, today
from runtime.warehouse import rows_of
from trading_limits.rows import amount
from trading_limits.rules import Bound, Breach, Effect, TraderFacts

# How far back a breach tightens the next session's limit.
BREACH_SESSIONS = 5
WARNING_SHARE = Decimal("0.75")
# What limits.csv says of an account or a trader, by what platforms name it.
_DESK_RULES = {
    "daily_loss": "max_loss",
    "drawdown": "max_drawdown",
    "gross_exposure": "max_gross",
    "position": "max_position_shares",
}


@dataclass(frozen=True)
class Facts:
    """What is known on the morning of a session.

    Attributes:
        session: The next session.
        traders: Trader of each account that trades for the desk; no other gets limits.
        by_trader: Facts of the traders with a forecast.
        desk_limits: By account and limit, what limits.csv and traders.csv set.
        warning_shares: By trader, from which share of a limit on it warns.
        bounds: By limit, what the desk allows.
        model_version: Of the forecasts; None where none was trained.
        ibkr_rules: By limit, its rule type and parameter at Interactive Brokers.
        fix_limits: By limit, its type over FIX, and the action that goes with it.
        is_sample: Whether the desk is synthetic.
    """

    session: date
    traders: dict[str, str]
    by_trader: dict[str, TraderFacts]
    desk_limits: dict[tuple[str, str], Decimal]
    warning_shares: dict[str, Decimal]
    bounds: dict[str, Bound]
    model_version: str | None
    ibkr_rules: dict[str, tuple[str, str]]
    fix_limits: dict[str, tuple[int, int | None]]
    is_sample: bool


def read_facts(settings: Settings, home: Home) -> Facts:
    """What is published in a home, and the desk's own files as they are now.

    Raises:
        UserError: Nothing is published, the data is stale, or a file is wrong.
    """
    contents = {
        one.file.name: one for one in read_desk(settings, Home(settings.home_root))
    }
    # What is miswritten is no limit to the models; a platform is not to lose it.
    for name in ("limits", "traders"):
        if name in contents and contents[name].refused:
            _, why = contents[name].refused[0]
            raise UserError(
                f"{contents[name].path}, {why} Until then no limit goes out."
            )

    def lines(file: DeskFile) -> list[dict[str, str | None]]:
        found = contents.get(file.name)
        return [
            dict(zip(file.columns, cells, strict=True))
            for _, cells in (found.lines if found else ())
        ]

    with open_published(home) as connection:
        (published,) = rows_of(
            connection, "select prediction_date, source from published_at"
        )
        session = published["prediction_date"]
        _check_fresh(settings, connection, session, published["source"] == "sample")
        traders = _traders(connection)
        return Facts(
            session=session,
            traders=traders,
            by_trader=_by_trader(connection, session),
            desk_limits=_desk_limits(connection, traders),
            warning_shares=dict(
                connection.execute(
                    "select scope_name, arg_max(warning_share, trade_date) "
                    "from fct_limit_use where scope_type = 'trader' "
                    "and rule = 'daily_loss' and warning_share is not null group by all"
                ).fetchall()
            ),
            bounds={
                str(line["limit_name"]): Bound(
                    *(
                        Decimal(line[column] or 0)
                        for column in (
                            "floor_amount",
                            "ceiling_amount",
                            "largest_change_share",
                        )
                    )
                )
                for line in lines(LIMIT_BOUNDS)
            },
            model_version=connection.execute(
                "select max(model_version) from risk_calls where prediction_date = ?",
                [session],
            ).fetchall()[0][0],
            ibkr_rules={
                str(line["limit_name"]): (
                    str(line["rule_type"]), str(line["value_parameter"])
                )
                for line in lines(IBKR_RULES)
            },
            fix_limits={
                str(line["limit_name"]): (
                    int(line["risk_limit_type"] or 0),
                    int(line["risk_limit_action"])
                    if line["risk_limit_action"]
                    else None,
                )
                for line in lines(FIX_LIMITS)
            },
            is_sample=published["source"] == "sample",
        )  # fmt: skip


def stop_effects(
    home: Home, values: Collection[Decimal]
) -> dict[tuple[str, Decimal], Effect]:
    """What a stop at each of these values would have done, by trader and value.

    By the macros of marts.rule_effects, which has the desk's candidates alone.
    """
    rules = parse_rules("; ".join(f"stop {amount(value)}" for value in values))
    thresholds = {rule.text: rule.threshold for rule in rules}
    with open_published(home) as connection:
        replay(connection, rules)
        found = rows_of(
            connection,
            "select trader_id, rule, mean_effect, mean_effect_low, mean_effect_high "
            "from tried_effects where scope = 'trader' and mean_effect is not null",
        )
    return {
        (row["trader_id"], thresholds[row["rule"]]): Effect(
            Decimal(f"{row['mean_effect']:.2f}"),
            *(
                None if row[name] is None else Decimal(f"{row[name]:.2f}")
                for name in ("mean_effect_low", "mean_effect_high")
            ),
        )
        for row in found
    }


def _check_fresh(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    session: date,
    is_sample: bool,
) -> None:
    (ends,) = connection.execute("select max(trade_date) from daily_totals").fetchall()[
        0
    ]
    if stale := staleness(settings, ends, is_sample=is_sample):
        raise UserError(
            f"The data is stale: {stale}. No limits go out on it. Run `make daily`."
        )
    if not is_sample and session < today():
        raise UserError(
            f"What is published is of the session of {session}, which is over. Run "
            "`make daily`."
        )


def _traders(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Accounts that are listed, in the desk's total and of a trader who is active."""
    return dict(
        connection.execute(
            "select accounts.account_id, accounts.trader_id "
            "from dim_accounts as accounts "
            "left join dim_traders as traders on traders.is_current "
            "and traders.trader_id = accounts.trader_id "
            "where accounts.is_current and accounts.is_in_desk_total "
            "and traders.is_active is distinct from false and exists ("
            "select 1 from account_history as listed where listed.is_listed "
            "and listed.superseded_at is null "
            "and listed.account_id = accounts.account_id) order by 1"
        ).fetchall()
    )


def _by_trader(
    connection: duckdb.DuckDBPyConnection, session: date
) -> dict[str, TraderFacts]:
    breaches = {
        row["scope_name"]: Breach(row["last_date"], row["limit_value"], row["worst"])
        for row in rows_of(
            connection,
            "select scope_name, max(trade_date) as last_date, "
            "arg_max(limit_value, trade_date) as limit_value, "
            "arg_max(most_value, trade_date) as worst from fct_breaches "
            "where scope_type = 'trader' and rule = 'daily_loss' and trade_date in ("
            "select session_date from dim_sessions where session_date < ? "
            "order by session_date desc limit ?) group by all",
            [session, BREACH_SESSIONS],
        )
    }
    return {
        row["trader_id"]: TraderFacts(
            row["one_in_twenty_amount"],
            row["usual_days_amount"],
            row["days_count"],
            row["daily_loss_limit_passed_count"],
            breaches.get(row["trader_id"]),
        )
        for row in rows_of(
            connection, "from proposed_limits where prediction_date = ?", [session]
        )
    }


def _desk_limits(
    connection: duckdb.DuckDBPyConnection, traders: dict[str, str]
) -> dict[tuple[str, str], Decimal]:
    """The smallest of the lines about an account and its trader."""
    set_by_desk: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for kind, name, rule, value in connection.execute(
        "select scope_type, scope_name, rule, limit_value from fct_limit_use "
        "where scope_type in ('account', 'trader') qualify is_limit_set and "
        # A limit that was taken back has no row on the scope's last date.
        "trade_date = max(trade_date) over (partition by scope_type, scope_name)"
    ).fetchall():
        if rule in _DESK_RULES:
            for account, trader in traders.items():
                if name == (account if kind == "account" else trader):
                    set_by_desk[account, _DESK_RULES[rule]].append(value)
    for trader, value in connection.execute(
        "select trader_id, daily_loss_limit_amount from proposed_limits "
        "where is_limit_set"
    ).fetchall():
        for account in (one for one, of in traders.items() if of == trader):
            set_by_desk[account, "max_loss"].append(value)
    return {key: Decimal(amount(min(found))) for key, found in set_by_desk.items()}
