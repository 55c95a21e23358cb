"""Turns a CSV document into typed rows; a row that cannot be read is set aside."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

import duckdb
import pyarrow as pa

from ingestion.cells import MACROS, identifier, typed_sql
from ingestion.documents import (
    REJECTED_SCHEMA,
    Document,
    Header,
    match_header,
    read_cells,
)
from ingestion.resources import Resource
from runtime.sessions import EASTERN


@dataclass(frozen=True)
class Parsed:
    """The rows of a document.

    Attributes:
        rows: Typed rows; with a trade date also account_number, trade_date,
            content_hash (of the account's day) and row_number (within that day).
        fees: content_hash, row_number, fee_name, amount; only of fills, only non-zero.
        days: account_number, trade_date, content_hash, rows_count.
        rejected: As `REJECTED_SCHEMA`.
        unknown_columns: Header cells that are declared nowhere and are left out.
        unlisted: account_number and account_name of accounts that no list names.
    """

    rows: pa.Table
    fees: pa.Table | None
    days: pa.Table | None
    rejected: pa.Table
    unknown_columns: tuple[str, ...]
    unlisted: pa.Table | None


class Parser:
    """Reads documents, with one in-memory DuckDB behind it.

    Args:
        salt: Secret mixed into the hash that stands for an unlisted account's name.
        before: Rows of this date and later are left out: they are the future.
    """

    def __init__(self, *, salt: str, before: date, threads: int = 2) -> None:
        self._salt = salt
        self._before = before
        self._today = datetime.now(EASTERN).date()
        self._connection = duckdb.connect(config={"threads": threads})
        self._connection.execute(MACROS)
        self.set_accounts({})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def set_accounts(self, numbers_by_name: dict[str, str]) -> None:
        """Tell which account number an account's name in a document stands for."""
        names = pa.table(
            {
                "account_name": pa.array(numbers_by_name.keys(), pa.string()),
                "account_number": pa.array(numbers_by_name.values(), pa.string()),
            }
        )
        self._connection.register("names", names)
        self._connection.execute(
            "create or replace temp table account_names as from names"
        )
        self._connection.unregister("names")

    def parse(self, document: Document) -> Parsed:
        """Read a document.

        Raises:
            DocumentError: It is no CSV, or lacks a required column.
        """
        resource = document.resource
        cells, rejected = read_cells(document)
        header = match_header(document, cells.column_names)
        self._connection.register("document", cells)
        self._connection.execute(
            "create or replace temp table typed as "
            + typed_sql(document, header, before=self._before, today=self._today)
        )
        self._connection.unregister("document")
        rejected = pa.concat_tables([rejected, self._rejected(document)])
        if resource.date_column is None:
            names = ", ".join(column.name for column in resource.columns)
            rows = self._arrow(f"select {names} from typed where bad is null")
            return Parsed(rows, None, None, rejected, header.unknown, None)
        return self._parsed_days(document.resource, header, rejected)

    def last_date(self, document: Document) -> date | None:
        """The last plausible trade date in a document; None if it holds none."""
        cells, _ = read_cells(document)
        header = match_header(document, cells.column_names)
        column = identifier(header.columns[document.resource.date_column])
        self._connection.register("document", cells)
        found = self._connection.sql(
            f"select max(trade_date) from (select cast(read_timestamp(trim({column})) "
            "as date) as trade_date from document) where trade_date <= ?",
            params=[self._today],
        ).fetchall()
        self._connection.unregister("document")
        return found[0][0]

    def _rejected(self, document: Document) -> pa.Table:
        day = "trade_date" if document.resource.date_column else "null"
        return self._arrow(
            "select ? as resource, ? as origin, line_number, bad.column_name, "
            f"bad.cell, bad.reason, {day} as trade_date from typed "
            "where bad is not null order by 3",
            [document.resource.name, document.origin],
        ).cast(REJECTED_SCHEMA)

    def _parsed_days(
        self, resource: Resource, header: Header, rejected: pa.Table
    ) -> Parsed:
        unlisted = self._number_accounts()
        names = [
            column.name
            for column in resource.columns
            if column.name not in ("account_name", "trade_date")
        ]
        extra = ["total_fees"] if resource.fees_between else []
        content = ", ".join(f"coalesce(cast({name} as varchar), '')" for name in names)
        # Zero fees are left out, so that a new, empty fee column changes no version.
        for name in header.fees:
            content += f", case when fee_{name} <> 0 then '{name}=' || fee_{name} end"
        self._connection.execute(f"""
            create or replace temp table fingerprinted as
            select *, concat_ws(chr(31), {content}) as content
            from typed where bad is null;
            create or replace temp table days as
            select account_number, trade_date, count(*) as rows_count,
                md5(count(*) || ':' || sum(md5_number_lower(content))) as content_hash
            from fingerprinted group by account_number, trade_date;
            create or replace temp table hashed as
            select fingerprinted.*, days.content_hash,
                row_number() over (
                    partition by days.account_number, days.trade_date order by content
                ) as row_number
            from fingerprinted inner join days using (account_number, trade_date);
        """)
        columns = ", ".join(names + extra)
        rows = self._arrow(
            f"select account_number, trade_date, content_hash, row_number, {columns} "
            "from hashed order by account_number, trade_date, row_number"
        )
        fee_rows = None
        if resource.fees_between:
            selects = [
                "select account_number, trade_date, content_hash, row_number, "
                f"'{name}' as fee_name, fee_{name} as amount "
                f"from hashed where fee_{name} <> 0"
                for name in header.fees
            ] or [
                "select account_number, trade_date, content_hash, row_number, "
                "'' as fee_name, price as amount from hashed where false"
            ]
            fee_rows = self._arrow(" union all ".join(selects))
        days = self._arrow(
            "select account_number, trade_date, content_hash, rows_count from days "
            "order by account_number, trade_date"
        )
        return Parsed(rows, fee_rows, days, rejected, header.unknown, unlisted)

    def _number_accounts(self) -> pa.Table:
        self._connection.execute(
            """
            create or replace temp table typed as
            select typed.*, coalesce(
                account_names.account_number,
                'unlisted-' || left(md5(? || typed.account_name), 12)
            ) as account_number,
            account_names.account_number is null as is_unlisted
            from typed left join account_names using (account_name)
            """,
            [self._salt],
        )
        return self._arrow(
            "select distinct account_number, account_name from typed "
            "where is_unlisted and bad is null order by account_name"
        )

    def _arrow(self, sql: str, parameters: list | None = None) -> pa.Table:
        return self._connection.sql(sql, params=parameters or []).to_arrow_table()
