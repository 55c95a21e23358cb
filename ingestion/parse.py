"""Turns a CSV document into typed rows; a row that cannot be read is set aside.

DuckDB does the reading of cells, so that a million rows take seconds, and every rule
is one SQL expression. Money never passes through a float.
"""

import io
import re
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.csv

from ingestion.resources import Column, Kind, Resource
from runtime.errors import UserError
from runtime.sessions import EASTERN

DECIMAL = pa.decimal128(18, 8)
ARROW_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.SIDE: pa.string(),
    Kind.NUMBER: DECIMAL,
    Kind.POSITIVE: DECIMAL,
    Kind.COUNT: pa.int64(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMP: pa.timestamp("us"),
}

_SQL_TYPES = {
    Kind.TEXT: "varchar",
    Kind.SIDE: "varchar",
    Kind.NUMBER: "decimal(18, 8)",
    Kind.POSITIVE: "decimal(18, 8)",
    Kind.COUNT: "bigint",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamp",
}

_MACROS = r"""
create or replace macro is_number(cell) as
    regexp_full_match(
        cell,
        '([-+]?\$?|\$-)(\d{1,3}(,\d{3})+|\d*)(\.\d*)?|\(\$?(\d{1,3}(,\d{3})+|\d*)(\.\d*)?\)'
    )
    and regexp_matches(cell, '\d');
create or replace macro is_too_fine(cell) as
    regexp_matches(cell, '\.\d{8}\d*[1-9]');
create or replace macro is_plain_number(cell) as
    translate(cell, '0123456789', '') in ('', '.', '-', '-.')
    and (not contains(cell, '.') or length(cell) - position('.' in cell) <= 8);
-- Most cells are plain; the patterns cost ten times as much and see only the rest.
create or replace macro read_number(cell) as
    case
        when is_plain_number(cell) then try_cast(cell as decimal(18, 8))
        when is_number(cell) and not is_too_fine(cell) then
        try_cast(
            case when cell[1] = '(' then '-' else '' end
            || regexp_replace(cell, '[()$,+]', '', 'g') as decimal(18, 8)
        )
    end;
create or replace macro read_count(cell) as
    case when regexp_full_match(cell, '\d{1,3}(,\d{3})+|\d+')
        then try_cast(replace(cell, ',', '') as bigint)
    end;
create or replace macro read_date(cell) as
    case
        when regexp_full_match(cell, '\d{4}-\d{2}-\d{2}')
            then cast(try_strptime(cell, '%Y-%m-%d') as date)
        when regexp_full_match(cell, '\d{1,2}/\d{1,2}/\d{4}')
            then cast(try_strptime(cell, '%m/%d/%Y') as date)
        when regexp_full_match(cell, '\d{1,2}/\d{1,2}/\d{2}')
            then cast(try_strptime(cell, '%m/%d/%y') as date)
    end;
create or replace macro read_timestamp(cell) as
    read_date(split_part(cell, ' ', 1))
    + case
        when not contains(cell, ' ') then time '00:00:00'
        when regexp_full_match(cell, '\S+ \d{1,2}:\d{2}:\d{2}')
            then try_cast(split_part(cell, ' ', 2) as time)
    end;
"""

_NUMERIC = (Kind.NUMBER, Kind.POSITIVE, Kind.COUNT)
_READERS = {
    Kind.TEXT: "{cell}",
    Kind.SIDE: "case when upper({cell}) in ('B', 'S', 'T', 'C') then upper({cell}) end",
    Kind.NUMBER: "read_number({cell})",
    Kind.POSITIVE: "read_number({cell})",
    Kind.COUNT: "read_count({cell})",
    Kind.DATE: "read_date({cell})",
    Kind.TIMESTAMP: "read_timestamp({cell})",
}
_REASONS = {
    Kind.TEXT: "is not text",
    Kind.SIDE: "is not one of B, S, T, C",
    Kind.NUMBER: "is not a number with at most 10 digits and 8 decimals",
    Kind.POSITIVE: "is not a number above 0 with at most 10 digits and 8 decimals",
    Kind.COUNT: "is not a whole number",
    Kind.DATE: "is not a date",
    Kind.TIMESTAMP: "is not a date and time",
}

REJECTED_SCHEMA = pa.schema(
    {
        "resource": pa.string(),
        "origin": pa.string(),
        "line_number": pa.int64(),
        "column_name": pa.string(),
        "cell": pa.string(),
        "reason": pa.string(),
    }
)


class DocumentError(UserError):
    """A document cannot be read at all, or is not what it should be."""


@dataclass(frozen=True)
class Document:
    """A CSV text as it came.

    Attributes:
        resource: What it holds.
        origin: Where from, for messages: a file, or a request and its dates.
        body: The bytes, header first.
        account_name: Whose it is, for reports without an account column.
        covers: First and last date it speaks for: a day in between that it does not
            hold has no rows. None: from its own first to its own last date.
    """

    resource: Resource
    origin: str
    body: bytes
    account_name: str | None = None
    covers: tuple[date, date] | None = None


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
        self._connection.execute(_MACROS)
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
        cells, rejected = _read_cells(document)
        headers, fees, unknown = _match_header(document, cells.column_names)
        self._connection.register("document", cells)
        self._connection.execute(
            "create or replace temp table typed as "
            + _typed_sql(document, headers, fees, self._before, self._today)
        )
        self._connection.unregister("document")
        rejected = pa.concat_tables([rejected, self._rejected(document)])
        if resource.date_column is None:
            names = ", ".join(column.name for column in resource.columns)
            rows = self._arrow(f"select {names} from typed where bad is null")
            return Parsed(rows, None, None, rejected, unknown, None)
        return self._parsed_days(document, fees, rejected, unknown)

    def last_date(self, document: Document) -> date | None:
        """The last plausible trade date in a document; None if it holds none."""
        cells, _ = _read_cells(document)
        headers, _, _ = _match_header(document, cells.column_names)
        column = _identifier(headers[document.resource.date_column])
        self._connection.register("document", cells)
        found = self._connection.sql(
            f"select max(trade_date) from (select cast(read_timestamp(trim({column})) "
            "as date) as trade_date from document) where trade_date <= ?",
            params=[self._today],
        ).fetchall()
        self._connection.unregister("document")
        return found[0][0]

    def _rejected(self, document: Document) -> pa.Table:
        return self._arrow(
            "select ? as resource, ? as origin, line_number, bad.column_name, "
            "bad.cell, bad.reason from typed where bad is not null order by 3",
            [document.resource.name, document.origin],
        ).cast(REJECTED_SCHEMA)

    def _parsed_days(
        self,
        document: Document,
        fees: dict[str, str],
        rejected: pa.Table,
        unknown: tuple[str, ...],
    ) -> Parsed:
        resource = document.resource
        unlisted = self._number_accounts()
        names = [
            column.name
            for column in resource.columns
            if column.name not in ("account_name", "trade_date")
        ]
        extra = ["total_fees"] if resource.fees_between else []
        content = ", ".join(f"coalesce(cast({name} as varchar), '')" for name in names)
        # Zero fees are left out, so that a new, empty fee column changes no version.
        for name in fees:
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
                for name in fees
            ] or [
                "select account_number, trade_date, content_hash, row_number, "
                "'' as fee_name, price as amount from hashed where false"
            ]
            fee_rows = self._arrow(" union all ".join(selects))
        days = self._arrow(
            "select account_number, trade_date, content_hash, rows_count from days "
            "order by account_number, trade_date"
        )
        return Parsed(rows, fee_rows, days, rejected, unknown, unlisted)

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


def _read_cells(document: Document) -> tuple[pa.Table, pa.Table]:
    """Split a document into text cells: one string column per header, line_number."""
    broken: list[pyarrow.csv.InvalidRow] = []

    def set_aside(row: pyarrow.csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    header = _header(document)
    try:
        table = pyarrow.csv.read_csv(
            # Without its line end a lone header would count as an empty file.
            io.BytesIO(document.body.rstrip(b"\r\n") + b"\n"),
            # One thread: only then does a broken row know its line.
            read_options=pyarrow.csv.ReadOptions(use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=set_aside,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0]
        raise DocumentError(
            f"{document.origin} cannot be read as CSV ({reason}). "
            "Export it again from PropReports as UTF-8 CSV."
        ) from None
    broken_lines = {row.number for row in broken}
    last = 1 + len(table) + len(broken_lines)
    lines = [line for line in range(2, last + 1) if line not in broken_lines]
    rejected = pa.Table.from_pylist(
        [
            {
                "resource": document.resource.name,
                "origin": document.origin,
                "line_number": row.number,
                "column_name": None,
                "cell": row.text,
                "reason": f"has {row.actual_columns} cells, "
                f"the header has {row.expected_columns}",
            }
            for row in broken
            if row.text.strip()
        ],
        schema=REJECTED_SCHEMA,
    )
    # An empty line of a one-column file is a row of one empty cell: it holds nothing.
    return table.append_column("line_number", pa.array(lines, pa.int64())), rejected


def _header(document: Document) -> list[str]:
    first_line = document.body.split(b"\n", 1)[0].removeprefix(b"\xef\xbb\xbf")
    try:
        text = first_line.decode("utf-8")
    except UnicodeDecodeError:
        raise DocumentError(
            f"{document.origin} is not UTF-8 text. Export it again as UTF-8 CSV."
        ) from None
    if text.lstrip().lower().startswith(("<!doctype", "<html")):
        raise DocumentError(
            f"{document.origin} is a web page, not CSV. Check PROPREPORTS_URL: it "
            "must be https://<firm>.propreports.com/api.php."
        )
    if not text.strip():
        raise DocumentError(f"{document.origin} is empty: it has no header line.")
    header = pyarrow.csv.read_csv(
        io.BytesIO(first_line + b"\n"),
        read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True),
        convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=False),
    )
    cells = [str(column[0].as_py()) for column in header.columns]
    twice = sorted({cell for cell in cells if cells.count(cell) > 1})
    if twice:
        raise DocumentError(
            f"{document.origin}: the header has the column {', '.join(twice)} twice."
        )
    return cells


def _match_header(
    document: Document, header: list[str]
) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """Find the declared columns.

    Returns:
        Header cell by raw column name; header cell by fee name; unknown header cells.
    """
    resource = document.resource
    cells = [cell for cell in header if cell != "line_number"]
    folded = {cell.strip().casefold(): cell for cell in cells}
    found: dict[str, str] = {}
    for column in resource.columns:
        for label in column.labels:
            cell = folded.get(label.casefold())
            if cell is not None:
                found[column.name] = cell
                break
    absent = [
        column.labels[0]
        for column in resource.columns
        if column.in_header and column.name not in found
    ]
    if absent:
        raise DocumentError(
            f"{document.origin} has no column {', '.join(absent)}. Its header is: "
            f"{', '.join(cells)[:200]}. Export it again with all columns."
        )
    rest = [cell for cell in cells if cell not in found.values()]
    fees: dict[str, str] = {}
    if resource.fees_between:
        first, last = (cells.index(folded[x.casefold()]) for x in resource.fees_between)
        fees = {
            re.sub(r"[^0-9a-z]+", "_", cell.strip().casefold()).strip("_"): cell
            for cell in cells[first + 1 : last]
            if cell in rest
        }
        rest = [cell for cell in rest if cell not in fees.values()]
    unknown = [
        cell
        for cell in rest
        if not any(
            fnmatchcase(cell.strip().casefold(), known)
            for known in resource.passed_over
        )
    ]
    return found, fees, tuple(unknown)


def _typed_sql(
    document: Document,
    headers: dict[str, str],
    fees: dict[str, str],
    before: date,
    today: date,
) -> str:
    """SQL that reads the cells of `document` into typed columns, `bad` and keys.

    Three levels, each with names of its own, because a header such as `Price` would
    otherwise hide the value that is read from it.
    """
    resource = document.resource
    declared = [column for column in resource.columns if column.name in headers]
    present = [(headers[column.name], column) for column in declared]
    present += [
        (header, Column(f"fee_{name}", (header,), Kind.NUMBER))
        for name, header in fees.items()
    ]
    cells, values, checks = [], [], []
    for header, column in present:
        cell, value = f"cell_{column.name}", f"value_{column.name}"
        blanks = "('', '-', '--')" if column.kind in _NUMERIC else "('')"
        reader = _READERS[column.kind].format(cell=cell)
        label = _literal(column.labels[0])
        cells.append(f"trim({_identifier(header)}) as {cell}")
        values.append(f"case when {cell} not in {blanks} then {reader} end as {value}")
        if column.filled:
            checks.append(_check(f"{cell} in {blanks}", label, cell, "is empty"))
        wrong = f"{cell} not in {blanks} and {value} is null"
        if column.kind is Kind.POSITIVE:
            wrong += f" or {value} <= 0"
        checks.append(_check(wrong, label, cell, _REASONS[column.kind]))
    names = [
        f"value_{column.name} as {column.name}"
        if column.name in headers
        else f"cast(null as {_SQL_TYPES[column.kind]}) as {column.name}"
        for column in resource.columns
    ]
    names += [f"value_fee_{name} as fee_{name}" for name in fees]
    conditions = ["true"]
    if resource.date_column is not None:
        day = f"cast(value_{resource.date_column} as date)"
        values.append(f"{day} as trade_day")
        if resource.date_column != "trade_date":
            names.append("trade_day as trade_date")
        label = _literal(resource.columns[0].labels[0])
        checks.append(
            _check(
                f"trade_day > date '{today}'",
                label,
                f"cell_{resource.date_column}",
                "lies in the future",
            )
        )
        # Beyond today is no future to wait for: it is a wrong date, to be rejected.
        conditions.append(
            f"(trade_day < date '{before}' or trade_day > date '{today}' "
            "or trade_day is null)"
        )
    if resource.fees_between:
        total = " + ".join(f"coalesce(value_fee_{name}, 0)" for name in fees) or "0"
        names.append(f"cast({total} as decimal(18, 8)) as total_fees")
    if document.account_name is not None:
        names.append(f"{_literal(document.account_name)} as account_name")
    if resource.summary_labels:
        labels = ", ".join(_literal(label) for label in resource.summary_labels)
        conditions.append(f"lower(cell_{declared[0].name}) not in ({labels})")
    return f"""
        select line_number, {", ".join(names)}, coalesce({", ".join(checks)}) as bad
        from (
            select *, {", ".join(values)}
            from (select line_number, {", ".join(cells)} from document) as cells
        ) as read_cells
        where {" and ".join(conditions)}
    """


def _check(condition: str, label: str, cell: str, reason: str) -> str:
    """SQL for what is wrong with a cell, null where nothing is."""
    return (
        f"case when {condition} then {{'column_name': {label}, 'cell': {cell}, "
        f"'reason': {_literal(reason)}}} end"
    )


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
