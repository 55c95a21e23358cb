"""What leads from each version of schemas `raw`, `ml` and `ops` to the next.

Cells are parsed by the same SQL as those of a load; the old sentences are frozen here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import duckdb
import pyarrow as pa

from ingestion.account_ids import give_ids
from ingestion.accounts import account_code
from ingestion.cell_parsing import MACROS
from ingestion.documents import fee_name
from ingestion.downstream import OPS_TABLES
from ingestion.landing import GATE_CONCERNS, IS_TRANSFER, with_fee_columns_amount
from ingestion.reasons import ReasonCode
from ingestion.resources import FEE_LABELS
from ml.tables import TABLES as ML_TABLES
from runtime.sessions import naive_utc_now
from runtime.tables import prepare_tables
from runtime.warehouse import RUN_CONTEXT, has_column

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


@dataclass(frozen=True)
class Migration:
    """One step of a schema from a version to the next.

    Attributes:
        schema: raw, ml or ops.
        version: The one it leads to, from the one before.
        apply: Does it, in a transaction of the caller's.
    """

    schema: str
    version: int
    apply: Callable[[duckdb.DuckDBPyConnection], None]


def _dates_of_documents(connection: duckdb.DuckDBPyConnection) -> None:
    """From 1 to 2: what is quarantined has its document's dates, accounts a last date.

    A first load that was stopped then begins anew: it named no run.
    """
    connection.execute(f"""
        create or replace table raw.quarantine as
        select
            resource, origin, line_number, column_name, cell, reason, trade_date,
            trade_date as first_date, trade_date as last_date, rejected_at
        from raw.quarantine;
        drop table raw.load_progress;
        create table raw.load_progress (
            run varchar, request varchar, last_date date, read_at timestamp,
            primary key (run, request)
        );
        create table if not exists raw.owner (source varchar, firm varchar);
        insert into raw.owner
        select source, firm from {RUN_CONTEXT}
        where not exists (select 1 from raw.owner);
        create or replace table {RUN_CONTEXT} as
        select
            source, firm, as_of, prediction_date, null::varchar as source_version,
            ingested_at, 2 as layout
        from {RUN_CONTEXT};
        create table if not exists raw.accounts_read (
            account_number varchar primary key, last_date date
        );
        insert or ignore into raw.accounts_read
        select distinct account_number, as_of - 1
        from raw.account_versions cross join {RUN_CONTEXT}
        where account_number not like 'unlisted-%';
    """)
    _add_is_known(connection)


def _add_is_known(connection: duckdb.DuckDBPyConnection) -> None:
    """Whether a cell was of a label that is known, as fees are."""
    has_cells = connection.execute(
        "select 1 from duckdb_tables() "
        "where schema_name = 'raw' and table_name = 'extra_cells'"
    ).fetchall()
    # A first load that was stopped may have made no table of rows yet.
    if has_cells:
        connection.execute("alter table raw.extra_cells add column is_known boolean")
        connection.execute(
            "update raw.extra_cells "
            "set is_known = list_contains(?, lower(column_name))",
            [list(FEE_LABELS)],
        )


def _typed_summaries_and_reason_codes(connection: duckdb.DuckDBPyConnection) -> None:
    """From 2 to 3: what staging parsed until then is parsed once, and kept typed."""
    connection.execute(MACROS)
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


def _account_ids_and_gate_concerns(connection: duckdb.DuckDBPyConnection) -> None:
    """From 3 to 4: the ids that the marts give accounts are stored from now on.

    So is what the gate warns of, which is shown while the days are unchanged.
    """
    now = naive_utc_now()
    connection.execute(GATE_CONCERNS)
    connection.execute("""
        create table raw.account_ids (
            account_number varchar, account_id varchar, parted_from varchar,
            given_at timestamp
        )
    """)
    if has_column(connection, "marts", "account_history", "account_id"):
        connection.execute(
            "insert into raw.account_ids select account_number, any_value(account_id), "
            "null, ? from marts.account_history group by account_number",
            [now],
        )
    if has_column(connection, "raw", "accounts", "account_code"):
        give_ids(connection, now)
    connection.execute("""
        update raw.account_ids as ids set given_at = seen.first_seen_at from (
            select account_number, min(first_seen_at) as first_seen_at
            from raw.account_versions group by account_number
        ) as seen where seen.account_number = ids.account_number
    """)


def _scopes_as_limits_name_them(connection: duckdb.DuckDBPyConnection) -> None:
    """To 3: a group is a trader_group and the desk has a name, as everywhere else."""
    prepare_tables(connection, ML_TABLES)
    for table in ("desk_risk", "desk_risk_contributions", "desk_tail_tests"):
        connection.execute(
            f"update ml.{table} set scope_type = 'trader_group' "
            "where scope_type = 'group'"
        )
        connection.execute(
            f"update ml.{table} set scope_name = 'desk' where scope_type = 'desk'"
        )


# In the order in which they are done; another one is a function and a line here. The
# last version of raw is RAW_LAYOUT, in runtime/warehouse.py.
MIGRATIONS = (
    Migration("raw", 2, _dates_of_documents),
    Migration("raw", 3, _typed_summaries_and_reason_codes),
    Migration("raw", 4, _account_ids_and_gate_concerns),
    # Names of today, and the columns that were missing: each Table says its own.
    Migration("ml", 2, partial(prepare_tables, tables=ML_TABLES)),
    Migration("ml", 3, _scopes_as_limits_name_them),
    Migration("ops", 2, partial(prepare_tables, tables=OPS_TABLES)),
)
