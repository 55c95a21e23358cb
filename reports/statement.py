"""An account's month as an accountant reads it: a CSV and a page for each account."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from reports.names import slug
from reports.render import TEMPLATES, counted, environment
from runtime.errors import UserError
from runtime.files import write_atomic
from runtime.home import Home
from runtime.publish.marts_copy import open_published
from runtime.warehouse import rows_of, sum_if_known


@dataclass(frozen=True)
class Line:
    """A line of a statement; an amount of None is not known."""

    section: str
    item: str
    amount: Decimal | None


@dataclass(frozen=True)
class Statement:
    """An account's month: opening equity, what moved it, closing equity."""

    account_id: str
    trader_id: str
    account_role: str
    month: str
    first_date: date
    last_date: date
    lines: tuple[Line, ...]
    payout: dict[str, Any] | None

    @property
    def has_rested(self) -> bool:
        """Whether the account has no day in the month."""
        return f"{self.last_date:%Y-%m}" < self.month

    @property
    def unexplained(self) -> Decimal | None:
        """What the lines leave open, in cents: 0 if all is right, None if unknown."""
        amounts = [line.amount for line in self.lines]
        if any(amount is None for amount in amounts):
            return None
        opening, *flows, closing = (amount for amount in amounts if amount is not None)
        # Each amount at an exchange rate is rounded, to the eighth decimal.
        return (closing - opening - sum(flows, Decimal(0))).quantize(Decimal("0.01"))


def write_statements(home: Home, month: str) -> str:
    """Write the statements of all accounts for a month (2025-11) from the marts.

    Returns:
        A sentence for people.

    Raises:
        UserError: It is no month, or nothing is known of it.
    """
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise UserError(f"MONTH={month} is not a month written as 2025-11.")
    with open_published(home) as connection:
        statements = _statements(connection, month)
        ((first, last),) = connection.execute(
            "select min(trade_date), max(trade_date) from fct_account_equity"
        ).fetchall()
        published = rows_of(connection, "select * from published_at")[0]
    if not statements or month > f"{last:%Y-%m}":
        raise UserError(
            f"There is no account-day in {month}: the marts hold {first} to {last}."
        )
    folder = home.reports / "statements" / month
    for one in statements:
        path = folder / f"{slug(one.account_id)}.csv"
        write_atomic(path, _csv(one).encode())
        write_atomic(path.with_suffix(".html"), _page(one, published).encode())
    said = f"{counted(len(statements), 'account')} of {month} in {folder}"
    unknown = sum(one.unexplained is None for one in statements)
    if unknown:
        said += f"; of {unknown} an amount is not known"
    wrong = [one.account_id for one in statements if one.unexplained]
    if wrong:
        said += f"; {', '.join(wrong[:3])} do not add up"
    return said


def _statements(connection: duckdb.DuckDBPyConnection, month: str) -> list[Statement]:
    within = "trade_date >= ? and trade_date < cast(? as date) + interval 1 month"
    start = [f"{month}-01", f"{month}-01"]
    days = rows_of(
        connection,
        f"""
        with last_days as (
            select * from fct_account_equity where trade_date < cast(? as date)
            qualify row_number() over (
                partition by account_id order by trade_date desc
            ) = 1
        )
        select account_id, max_by(trader_id, trade_date) as trader_id,
            min(trade_date) as first_date, max(trade_date) as last_date,
            arg_min_null(opening_equity, trade_date) as opening,
            arg_max_null(end_balance, trade_date) as closing,
            {_whole("adjustments_amount")}, {_whole("payouts_amount")},
            {_whole("unmapped_amount")}, {_whole("transfers_amount")},
            {_whole("unrealized_delta")}, {_whole("currency_delta")},
            max(currency) as currency, max(adjustments_source) as adjustments_source
        from fct_account_equity where {within} group by account_id
        union all
        -- Who rests has what there was.
        select account_id, trader_id, trade_date, trade_date, end_balance, end_balance,
            0, 0, 0, 0, 0, 0, currency, adjustments_source
        from last_days where end_balance is distinct from 0 and account_id not in (
            select account_id from fct_account_equity where {within}
        )
        order by account_id
        """,
        [start[0], *start, *start],
    )
    money = _by_account(
        rows_of(
            connection,
            f"select account_id, {_whole('gross_pnl')}, {_whole('total_fees')}, "
            "max_by(account_role, trade_date) as role "
            f"from daily_totals where {within} group by account_id",
            start,
        )
    )
    fees = _by_account(
        rows_of(
            connection,
            f"select account_id, fee_name as item, {_whole('fee_amount')} "
            f"from fct_fees where {within} group by all order by all",
            start,
        )
    )
    booked = _by_account(
        rows_of(
            connection,
            "select account_id, adjustment_class as item, "
            f"{_whole('adjustment_amount')} "
            f"from fct_adjustments where {within} group by all order by all",
            start,
        )
    )
    payouts = {
        row["trader_id"]: row
        for row in rows_of(
            connection, "select * from fct_payouts where month_start = ?", start[:1]
        )
    }
    return [
        Statement(
            one["account_id"],
            one["trader_id"],
            next((row["role"] for row in money.get(one["account_id"], ())), "trader"),
            month,
            one["first_date"],
            one["last_date"],
            tuple(
                _lines(
                    one,
                    money.get(one["account_id"], []),
                    fees.get(one["account_id"], []),
                    booked.get(one["account_id"], []),
                )
            ),
            # Once, however many accounts a trader has.
            payouts.pop(one["trader_id"], None),
        )
        for one in days
    ]


def _whole(column: str) -> str:
    return f"{sum_if_known(column)} as {column}"


def _negative(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else -amount


def _by_account(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["account_id"], []).append(row)
    return found


def _lines(
    days: dict[str, Any],
    money: list[dict[str, Any]],
    fees: list[dict[str, Any]],
    booked: list[dict[str, Any]],
) -> Iterable[Line]:
    yield Line("opening equity", "", days["opening"])
    total = money[0] if money else {"gross_pnl": Decimal(0), "total_fees": Decimal(0)}
    yield Line("net P&L", "gross", total["gross_pnl"])
    for one in fees:
        name = f"fee: {one['item'].replace('_', ' ')}"
        yield Line("net P&L", name, _negative(one["fee_amount"]))
    # What no fee column of the fills tells of is in the day's fees all the same.
    if total["total_fees"] is None:
        untold = None
    else:
        untold = (
            sum((x["fee_amount"] or 0 for x in fees), Decimal(0)) - total["total_fees"]
        )
    # Fee by fee and fill by fill, an exchange rate rounds otherwise.
    if untold is None or untold.quantize(Decimal("0.01")) != 0:
        yield Line("net P&L", "fee: of no name", untold)
    if days["adjustments_source"] == "adjustments":
        for one in booked:
            section = (
                f"{one['item']}s"
                if one["item"] in ("payout", "transfer")
                else "adjustments"
            )
            name = one["item"].replace("_", " ")
            yield Line(section, name, one["adjustment_amount"])
    else:
        told = "as the broker's summary shows"
        yield Line("adjustments", told, days["adjustments_amount"])
        yield Line("transfers", told, days["transfers_amount"])
    yield Line("unrealized", "change", days["unrealized_delta"])
    if days["currency_delta"] != 0:
        yield Line("exchange rate", f"of {days['currency']}", days["currency_delta"])
    yield Line("closing equity", "", days["closing"])


def _csv(statement: Statement) -> str:
    """The lines; an empty amount is not known. Amounts are exact, not rounded."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["account_id", "trader_id", "month", "section", "item", "amount"])
    key = [statement.account_id, statement.trader_id, statement.month]
    for line in statement.lines:
        writer.writerow([*key, line.section, line.item, _written(line.amount)])
    if statement.payout:
        for name in ("watermark_amount", "payout_amount", "paid_amount"):
            amount = statement.payout[name]
            item = name.removesuffix("_amount")
            section = f"payout of {statement.trader_id}, all accounts"
            writer.writerow([*key, section, item, _written(amount)])
    return text.getvalue()


def _written(amount: Decimal | None) -> str:
    # Not 0E-8, as Decimal writes a nothing of eight decimals.
    return "" if amount is None else f"{amount:f}"


def _page(statement: Statement, published: dict[str, Any]) -> str:
    template = environment(TEMPLATES).get_template("statement.html.j2")
    return template.render(
        statement=statement,
        firm=published["firm"],
        as_of=published["as_of_date"],
        is_sample=published["firm_kind"] == "synthetic",
    )
