"""Brings the raw tables of a warehouse of before to the present layout.

A migration is one transaction: if it fails, or is killed, the warehouse is as it was.
Cells are parsed by the same SQL as those of a load; the old sentences are frozen here.
"""

from collections.abc import Callable

import duckdb
import pyarrow as pa

from ingestion.accounts import account_code
from ingestion.cell_parsing import MACROS
from ingestion.documents import fee_name
from ingestion.landing import IS_TRANSFER, with_fee_columns_amount
from ingestion.reasons import ReasonCode
from ingestion.resources import FEE_LABELS
from runtime.errors import UserError
from runtime.home import Home
from runtime.limits import is_out_of_resources
from runtime.logs import detail_log
from runtime.warehouse import RAW_LAYOUT, RUN_CONTEXT, open_warehouse, raw_layout

_ROW = "account_number, trade_date, content_hash, row_number"

# The sentences of layout 2, the first that fits.
_SENTENCES_2 = (
    ("is empty", ReasonCode.EMPTY),
    ("holds a line break", ReasonCode.LINE_BREAK),
    ("is not one of B, S, T, C%", ReasonCode.NOT_A_SIDE),
    ("is longer than%", ReasonCode.NOT_A_SYMBOL),
    ("is not a number above 0%", ReasonCode.NOT_A_QUANTITY),
    ("is not a number%", ReasonCode.NOT_A_NUMBER),
    ("is not a whole number%", ReasonCode.NOT_A_COUNT),
    ("is not a date and time%", ReasonCode.NOT_A_TIMESTAMP),
    ("is not a date%", ReasonCode.NOT_A_DATE),
    ("lies in the future%", ReasonCode.DATE_IN_FUTURE),
    ("lies before%", ReasonCode.DATE_TOO_EARLY),
    ("lies %", ReasonCode.DATE_NOT_REQUESTED),
    ("times the quantity%", ReasonCode.NOTIONAL_TOO_LARGE),
    ("carries fees%", ReasonCode.FEES_TOO_LARGE),
    ("has % cells, the header has %", ReasonCode.WRONG_WIDTH),
    ("is in a column nobody has declared", ReasonCode.UNDECLARED_COLUMN),
    ("came without even a header%", ReasonCode.BLANK_DOCUMENT),
)


def migrate(home: Home) -> None:
    """Bring the warehouse of `home` to the present layout, if it is of an earlier one.

    A file that is none, or is of a layout that nothing leads from, stays as it is.

    Raises:
        UserError: It failed; the warehouse is as it was.
    """
    if not home.warehouse.exists():
        return
    with open_warehouse(home.warehouse, read_only=True) as connection:
        layout = raw_layout(connection)
    if layout not in _MIGRATIONS:
        return
    with open_warehouse(home.warehouse) as connection:
        connection.execute(MACROS)
        for step in range(layout, RAW_LAYOUT):
            try:
                connection.execute("begin")
                _MIGRATIONS[step](connection)
                connection.execute(f"update {RUN_CONTEXT} set layout = {step + 1}")
                connection.execute("commit")
            except duckdb.Error as error:
                reason = " ".join(str(error).split())[:300]
                how_to_fix = (
                    "Make room, and run `make daily` again."
                    if is_out_of_resources(str(error))
                    else f"Move {home.root} away and run `make daily`: it loads anew."
                )
                raise UserError(
                    f"{home.warehouse} could not be brought to layout {step + 1} "
                    f"({reason}); it is as it was. {how_to_fix}"
                ) from None
            detail_log.info("%s is of layout %s now", home.warehouse, step + 1)


def _typed_summaries_and_reason_codes(connection: duckdb.DuckDBPyConnection) -> None:
    """From 2 to 3: what staging parsed until then is parsed once, and kept typed."""
    _add_reason_codes(connection)
    tables = {
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'raw'"
        ).fetchall()
    }
    # A first load that was stopped may have made no table of rows yet.
    if "broker_days" in tables:
        _type_broker_fees(connection)
        connection.execute("alter table raw.adjustments add column is_transfer boolean")
        connection.execute(f"update raw.adjustments set is_transfer = {IS_TRANSFER}")
    if "accounts" in tables:
        _add_account_codes(connection)
    # dlt allows no columns beside those of the schema it has stored. Without one it
    # takes the tables as they are, and the next load stores the new schema.
    for table in ("_dlt_version", "_dlt_pipeline_state"):
        for schema in ("raw", "raw_staging"):
            connection.execute(f"drop table if exists {schema}.{table}")


def _add_reason_codes(connection: duckdb.DuckDBPyConnection) -> None:
    cases = " ".join(
        f"when reason like '{pattern}' then '{code}'" for pattern, code in _SENTENCES_2
    )
    connection.execute(f"""
        create or replace table raw.quarantine as
        select
            resource, origin, line_number, column_name, cell,
            case
                {cases}
                when column_name is null then '{ReasonCode.UNREADABLE_DOCUMENT}'
                else '{ReasonCode.OTHER}'
            end as reason_code,
            reason, trade_date, first_date, last_date, rejected_at
        from raw.quarantine
    """)


def _type_broker_fees(connection: duckdb.DuckDBPyConnection) -> None:
    names = pa.table(
        {"label": FEE_LABELS, "fee_name": [fee_name(label) for label in FEE_LABELS]}
    )
    connection.register("fee_names", names)
    added_up = with_fee_columns_amount(
        "raw.broker_days", "raw.broker_fees", "raw.extra_cells", _ROW
    )
    connection.execute(f"""
        create table raw.broker_fees (
            account_number varchar not null, trade_date date not null,
            content_hash varchar not null, row_number bigint not null,
            fee_name varchar, amount decimal(18, 8)
        );
        insert into raw.broker_fees
        select {_ROW}, fee_name, read_number(cell)
        from raw.extra_cells inner join fee_names on label = lower(column_name)
        where resource = 'broker_days';
        delete from raw.extra_cells
        where resource = 'broker_days' and read_number(cell) is not null
            and lower(column_name) in (select label from fee_names);
        create or replace temp table added_up as
        select {_ROW}, fee_columns_amount as amount from ({added_up});
        alter table raw.broker_days add column fee_columns_amount decimal(18, 8);
        update raw.broker_days as held set fee_columns_amount = added_up.amount
        from added_up
        where held.account_number = added_up.account_number
            and held.trade_date = added_up.trade_date
            and held.content_hash = added_up.content_hash
            and held.row_number = added_up.row_number;
    """)
    connection.unregister("fee_names")


def _add_account_codes(connection: duckdb.DuckDBPyConnection) -> None:
    names = [
        name
        for (name,) in connection.execute(
            "select distinct account_name from raw.accounts"
        ).fetchall()
    ]
    codes = pa.table(
        {
            "account_name": pa.array(names, pa.string()),
            "account_code": pa.array(map(account_code, names), pa.string()),
        }
    )
    connection.execute("alter table raw.accounts add column account_code varchar")
    connection.register("codes", codes)
    connection.execute(
        "update raw.accounts as accounts set account_code = codes.account_code "
        "from codes where accounts.account_name = codes.account_name"
    )
    connection.unregister("codes")


_MIGRATIONS: dict[int, Callable[[duckdb.DuckDBPyConnection], None]] = {
    2: _typed_summaries_and_reason_codes
}
