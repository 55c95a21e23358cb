"""What a rule would have done to traders' own fills, from the published copy."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import duckdb

from ingestion.desk_rules import Rule, parse_rules
from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.marts_copy import open_published, require_published
from runtime.settings import PROJECT_ROOT
from runtime.terminal import dollars, table
from runtime.transform.dbt import project_variables
from runtime.warehouse import rows_of

_MACROS = PROJECT_ROOT / "dbt_project" / "macros"
# Macros that those of replays use, in their form for DuckDB.
_DIALECT = ("to_amount", "taken_apart")
# Chances below this are no chance, given how many rules were tried.
CLEAR_BELOW = 0.05
TRADERS_SHOWN = 20
# What a narrow terminal does without, the first one first.
_OPTIONAL = (
    "a trader day", "90 % of it", "5 % tail", "gains missed", "losses avoided",
    "drawdown",
)  # fmt: skip


def what_if(home: Home, text: str | None) -> str:
    """What rules would have changed, as tables; without a text, the desk's candidates.

    Raises:
        UserError: The text is no rule, nobody has traded yet, or the copy is not of the
            marts as they are and nobody is making them.
    """
    rules = parse_rules(text) if text else ()
    if home.lock_holder() is None:
        require_published(home)
    with open_published(home) as connection:
        if not rules:
            rules = _candidates(connection)
        replay(connection, rules)
        return "\n".join(_answer(connection, rules))


def replay(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> None:
    """Make the temporary tables `tried_rules`, `tried_replays` and `tried_effects`.

    By the macros that make marts.fct_rule_replays and marts.rule_effects of the desk's
    candidates; the marts that they read are found by their names alone.
    """
    variables = project_variables()
    connection.execute(
        "create or replace temp table tried_rules (rule varchar, kind varchar, "
        "threshold decimal(18, 4), is_usual_days boolean, is_losing_days boolean, "
        "duration bigint)"
    )
    connection.executemany(
        "insert into tried_rules values (?, ?, ?, ?, ?, ?)",
        [
            (r.text, r.kind, r.threshold, r.is_usual_days, r.is_losing_days, r.duration)
            for r in rules
        ],
    )
    replays = _rendered(
        "rule_replays", "tried_rules", "replay_days", "replay_points",
        "fct_round_trips", variables["replay_slip_basis_points"],
    )  # fmt: skip
    connection.execute(f"create or replace temp table tried_replays as {replays}")
    effects = _rendered(
        "rule_effects", "tried_rules", "tried_replays", "replay_days",
        variables["replay_minimum_dates"], variables["replay_minimum_traders"],
    )  # fmt: skip
    connection.execute(f"create or replace temp table tried_effects as {effects}")


def _rendered(name: str, *arguments: object) -> str:
    """The SQL of a macro of dbt that needs nothing of dbt."""
    import jinja2

    made = jinja2.Environment(undefined=jinja2.StrictUndefined)

    def macro(folder: str, file: str, name: str) -> Callable[..., str]:
        text = (_MACROS / folder / f"{file}.sql").read_text(encoding="utf-8")
        return getattr(made.from_string(text).module, name)

    for used in _DIALECT:
        made.globals[used] = macro("dialects", used, f"default__{used}")
    made.globals["rule_days"] = macro("replays", "rule_days", "rule_days")
    return macro("replays", name, name)(*arguments)


def _candidates(connection: duckdb.DuckDBPyConnection) -> tuple[Rule, ...]:
    found = connection.execute(
        "select rule from rule_effects where scope = 'desk' order by rule"
    ).fetchall()
    if not found:
        raise UserError(
            "The desk has no candidate rules: name one with RULE=, or add a line to "
            "candidate_rules.csv of the desk's folder, for the next morning."
        )
    return parse_rules("; ".join(row[0] for row in found))


def _answer(
    connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule]
) -> Iterator[str]:
    order = {rule.text: place for place, rule in enumerate(rules)}
    desk = rows_of(connection, "from tried_effects where scope = 'desk'")
    desk.sort(key=lambda row: order[row["rule"]])
    if not desk:
        raise UserError("Nobody has traded yet: there is no day to try a rule on.")
    days, traders, first, last = connection.execute(
        "select count(*), count(distinct trader_id), min(trade_date), max(trade_date) "
        "from replay_days"
    ).fetchall()[0]
    slip = project_variables()["replay_slip_basis_points"]
    yield (
        f"{days:,} days of {traders} traders, {first} to {last}. Dollars better than "
        f"it was; slip: the trade that ends a day {slip:g} basis points dearer"
    )
    yield ""
    head = (
        "rule", "days hit", "losses avoided", "gains missed", "net", "after slip",
        "a trader day", "90 % of it", "worst day", "5 % tail", "drawdown",
    )  # fmt: skip
    yield from table([head, *beside_what_was(desk)], _OPTIONAL)
    for row in desk:
        if row["unknown_days_count"]:
            yield (
                f"  {row['rule']}: {row['unknown_days_count']:,} trader days left out, "
                "whose usual day or effect is unknown"
            )
    yield ""
    if len(desk) == 1:
        yield from _traders(connection)
    else:
        yield best_of(connection, [row["rule"] for row in desk])


def beside_what_was(desk: Sequence[dict]) -> Iterator[tuple[str, ...]]:
    """Lines of rules, each below what its own days were: some know fewer of them."""
    was: tuple[str, ...] | None = None
    for row in desk:
        if _shape(row, "") != was:
            was = _shape(row, "")
            left_out = row["unknown_days_count"]
            days = f", without {left_out:,} days" if left_out else ""
            yield (f"as it was{days}", *[""] * 7, *was)
        yield (
            row["rule"],
            *_figures(row),
            _cents(row["mean_effect"]),
            _span(row),
            *_shape(row, "replayed_"),
        )


def _figures(row: dict) -> tuple[str, ...]:
    return (
        f"{row['hit_days_count']:,}",
        dollars(row["avoided_loss_amount"]),
        dollars(row["missed_gain_amount"]),
        dollars(row["effect"]),
        dollars(row["effect_after_slip"]),
    )


def _shape(row: dict, prefix: str) -> tuple[str, ...]:
    names = ("worst_day_pnl", "tail_mean_pnl", "max_drawdown")
    return tuple(dollars(row[prefix + name]) for name in names)


def _cents(amount: float | Decimal | None) -> str:
    return "" if amount is None else f"{amount:,.2f}"


def _span(row: dict) -> str:
    if row["mean_effect_low"] is None:
        return "too few dates"
    return f"{_cents(row['mean_effect_low'])} to {_cents(row['mean_effect_high'])}"


def _traders(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    found = rows_of(
        connection,
        "from tried_effects where scope = 'trader' and hit_days_count > 0 "
        "order by abs(effect) desc, trader_id",
    )
    if not found:
        yield "  No day of any trader would have been hit."
        return
    head = (
        "trader", "days", "days hit", "losses avoided", "gains missed", "net",
        "after slip",
    )  # fmt: skip
    yield from table(
        [head]
        + [
            (row["trader_id"], f"{row['trader_days_count']:,}", *_figures(row))
            for row in found[:TRADERS_SHOWN]
        ]
    )
    if len(found) > TRADERS_SHOWN:
        yield f"  and {len(found) - TRADERS_SHOWN} more traders"


def best_of(connection: duckdb.DuckDBPyConnection, rules: Sequence[str]) -> str:
    """The best of several rules, if it is better than the best of chance would be."""
    import numpy as np

    from ml.searched import chances

    rule_days = _rendered("rule_days", "tried_rules", "tried_replays", "replay_days")
    # A day that one rule knows nothing of tells none from another.
    frame = connection.execute(
        "select rule, trader_id, trade_date, "
        "cast(case when effect is not null then effect_after_slip end as double) "
        f"as gain from ({rule_days}) "
        "qualify count(gain) over (partition by trader_id, trade_date) = ? "
        "order by rule, trader_id, trade_date",
        [len(rules)],
    ).df()
    names = sorted(rules)
    (all_days,) = connection.execute("select count(*) from replay_days").fetchall()[0]
    days = len(frame) // len(names)
    common = ""
    if days < all_days:
        common = f" Compared on the {days:,} days that all know."
    gains = frame["gain"].to_numpy().reshape(len(names), days)
    of_one = frame.iloc[:days]
    found = chances(
        gains, of_one["trade_date"].to_numpy(), of_one["trader_id"].to_numpy()
    )
    if found is None:
        return f"  Too few dates to tell the best of them from chance.{common}"
    clear = {
        name: gain.sum()
        for name, gain, chance in zip(names, gains, found, strict=True)
        if chance < CLEAR_BELOW and gain.sum() > 0
    }
    if not clear:
        return (
            f"  No rule of these {len(names)} is better than chance, having tried so "
            f"many (the clearest: a chance of {np.min(found):.0%}).{common}"
        )
    best = max(clear, key=lambda name: clear[name])
    others = len(clear) - 1
    return (
        f"  Best of these {len(names)}, having tried them all: {best}, "
        f"{dollars(clear[best])} after slip (chance that the best of none would look "
        f"so: {found[names.index(best)]:.1%}); {others} more better than "
        f"chance.{common}"
    )
