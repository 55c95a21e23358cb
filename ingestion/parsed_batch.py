"""Reads documents into typed rows, and tells which account-days they hold.

Everything waits in an in-memory DuckDB that spills to disk, so that neither a file of
any size nor years of history have to fit into memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple, Self

import duckdb
import pyarrow as pa

from ingestion.account_names import AccountNames
from ingestion.cell_parsing import (
    ARROW_TYPES,
    MACROS,
    SQL_TYPES,
    identifier,
    is_plain,
    typed_sql,
)
from ingestion.csv_reader import REJECTED_SCHEMA, CsvReader
from ingestion.documents import Document, Header, match_header
from ingestion.errors import DocumentError
from ingestion.exports_folder import THE_FOLDER, UnreadFile
from ingestion.reasons import SENTENCES, ReasonCode
from ingestion.resources import ACCOUNTS, BY_DAY, FILLS, Resource
from runtime.sessions import EASTERN
from runtime.tables import literal

MEMORY = "250MB"
# An Arrow table is scanned by as many cores as it has chunks.
CHUNK_ROWS = 16_384

DATE = pa.date32()

_ORIGIN_KEY = "origin_number, line_number"
_TOLD_ONCE = ", ".join(
    literal(code)
    for code in (ReasonCode.SPREADSHEET_VALUE, ReasonCode.SPREADSHEET_SYMBOL)
)


class _Block(NamedTuple):
    """What table `typed` holds: its header, and the names of accounts in sound rows."""

    header: Header
    account_names: set[str]


def value_columns(resource: Resource) -> list[str]:
    """Declared columns of a day's rows, without the keys they are filed under."""
    return [
        column.name
        for column in resource.columns
        if column.name not in ("account_name", "trade_date")
    ]


class ParsedBatch:
    """The typed rows of the documents read so far.

    Tables, one for each resource that is versioned by day unless noted:
        `<resource>_rows`: origin_number, line_number, account_number, trade_date,
            row_hash, the declared columns; of fills also total_fees and one column
            `fee_<name>` for every fee that any document had.
        `extra_cells`: resource, origin_number, line_number, column_name, cell,
            is_known of columns that no raw column is declared for, and of fee columns
            of the broker's summary where they are no amount.
        `broker_fees`: origin_number, line_number, fee_name, amount of the fee columns
            of the broker's summary that are not zero; null where it is no amount.
        `windows`: resource, account_number (null: all), first_date, last_date: for
            these the documents are all there is.
        `repeated`: resource, origin_number, line_number, account_number, trade_date,
            notional of rows that repeat another and were set aside.
        `rejected`: as `REJECTED_SCHEMA`, and the dates its document covers.
        `unread_rows`: resource, account_name, trade_date, rows_count of rows with a
            date that are not loaded, because something else in them is wrong.
        `account_names`: account_name, account_number of the names in the documents.

    Args:
        salt: Secret mixed into the hash that stands for an unlisted account's name.
        spill: Folder for what does not fit into memory.
    """

    def __init__(self, *, salt: str, spill: Path, threads: int = 2) -> None:
        self._salt = salt
        self._today = datetime.now(EASTERN).date()
        self._origins: list[Document] = []
        self._fees: set[str] = set()
        spill.mkdir(parents=True, exist_ok=True)
        self.connection = duckdb.connect(
            config={
                "threads": threads,
                "memory_limit": MEMORY,
                "temp_directory": str(spill),
                "preserve_insertion_order": False,
            }
        )
        self.connection.execute(MACROS)
        for resource in BY_DAY:
            columns = ", ".join(
                f"{column.name} {SQL_TYPES[column.type]}"
                for column in resource.columns
                if column.name in value_columns(resource)
            )
            extra = ", total_fees decimal(18, 8)" if resource.fees_between else ""
            self.connection.execute(
                f"create table {resource.name}_rows (origin_number int, line_number "
                "bigint, account_number varchar, trade_date date, row_hash ubigint, "
                f"{columns}{extra})"
            )
        self.connection.execute("""
            create table extra_cells (
                resource varchar, origin_number int, line_number bigint,
                column_name varchar, cell varchar, is_known boolean
            );
            create table broker_fees (
                origin_number int, line_number bigint, fee_name varchar,
                amount decimal(18, 8)
            );
            create table windows (
                resource varchar, account_number varchar, first_date date,
                last_date date
            );
            create table rejected (
                resource varchar, origin varchar, line_number bigint,
                column_name varchar, cell varchar, reason_code varchar, reason varchar,
                trade_date date, first_date date, last_date date
            );
            create table unread_rows (
                resource varchar, account_name varchar, trade_date date,
                rows_count bigint
            );
            create table account_names (account_name varchar, account_number varchar);
            create table repeated (
                resource varchar, origin_number int, line_number bigint,
                account_number varchar, trade_date date, notional double
            );
        """)
        self.set_accounts([], {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def document(self, number: int) -> Document:
        """The document of an `origin_number`."""
        return self._origins[number]

    @property
    def fees(self) -> list[str]:
        """Names of the fees that any document had."""
        return sorted(self._fees)

    def set_accounts(
        self, listed: Sequence[Mapping[str, str]], unlisted: Mapping[str, str]
    ) -> None:
        """Tell which account number a name in a document stands for.

        Args:
            listed, unlisted: As `AccountNames`.
        """
        self._names = AccountNames(listed, unlisted, salt=self._salt)
        self._seen_names: set[str] = set()
        self._waiting_names: set[str] = set()
        self.connection.execute("truncate account_names")

    def read_accounts(self, document: Document) -> pa.Table:
        """The rows of a list of accounts; columns as declared.

        Raises:
            DocumentError: It is no CSV, lacks a required column, or a spreadsheet has
                changed the name or number of an account.
        """
        names = ", ".join(column.name for column in ACCOUNTS.columns)
        parts = []
        for block in self._typed_blocks(document):
            self._refuse_lost_accounts(document)
            parts.append(
                self.connection.sql(
                    f"select {names} from typed where row_error is null"
                ).to_arrow_table()
            )
            for index, extra in enumerate(block.header.extra):
                code = ReasonCode.UNDECLARED_COLUMN
                self.connection.execute(
                    "insert into rejected select ?, ?, line_number, ?, "
                    f"extra_{index}, ?, ?, null, null, null "
                    f"from typed where extra_{index} is not null",
                    [
                        ACCOUNTS.name,
                        document.origin,
                        extra.label,
                        code,
                        SENTENCES[code],
                    ],
                )
        empty = pa.schema([(x.name, ARROW_TYPES[x.type]) for x in ACCOUNTS.columns])
        return pa.concat_tables([empty.empty_table(), *parts])

    def read(self, document: Document) -> int:
        """Add the rows of a document of account-days; returns how many it holds.

        A document that is not essential and cannot be read at all is set aside as one
        rejected row.

        Raises:
            DocumentError: An essential document is no CSV, or lacks a column.
        """
        count = 0
        resource = document.resource
        number = len(self._origins)
        self._origins.append(document)
        try:
            for block in self._typed_blocks(document):
                self._add_fee_columns(block.header)
                count += self._insert(resource, block, number)
        except DocumentError as error:
            if resource.is_essential:
                self.set_aside(
                    document, ReasonCode.UNREADABLE_DOCUMENT, str(error), error
                )
                raise
            for table in (f"{resource.name}_rows", "extra_cells", "broker_fees"):
                self.connection.execute(
                    f"delete from {table} where origin_number = {number}"
                )
            self.set_aside(document, ReasonCode.UNREADABLE_DOCUMENT, str(error), error)
            return 0
        if document.covers is not None:
            self._insert_window(document, document.covers)
        return count

    def set_aside(
        self,
        document: Document,
        code: ReasonCode,
        reason: str,
        error: DocumentError | None = None,
    ) -> None:
        """Keep what is wrong with a document as one rejected row.

        Args:
            error: Knows the place.
        """
        row = {
            "resource": document.resource.name,
            "origin": document.origin,
            "line_number": (error and error.line) or 1,
            "column_name": error and error.column,
            "cell": error and error.cell,
            "reason_code": code,
            "reason": reason,
        }
        rejected = pa.Table.from_pylist([row], schema=REJECTED_SCHEMA)
        self._append_rejected(rejected, document)

    def set_aside_repeated(self) -> None:
        """Count a row that its document holds twice, to the letter, once.

        Fills without an id may well be equal; whether they are too many of them is for
        the gate to say.
        """
        self.connection.execute("""
            create or replace temp table shared_ids as
            select account_number, trade_date, fill_id from fills_rows
            where fill_id is not null group by all having count(distinct row_hash) > 1
        """)
        for resource in BY_DAY:
            is_fill = resource is FILLS
            count = self.connection.execute(f"""
                insert into repeated
                select '{resource.name}', {_ORIGIN_KEY}, account_number, trade_date,
                    {"cast(quantity as double) * abs(price)" if is_fill else "null"}
                from {resource.name}_rows
                semi join (
                    select origin_number, account_number, trade_date, row_hash
                    from {resource.name}_rows group by all having count(*) > 1
                ) as copied using (origin_number, account_number, trade_date, row_hash)
                where {resource.unique_by}
                qualify row_number() over (
                    partition by origin_number, account_number, trade_date, row_hash
                    order by line_number
                ) > 1
            """).fetchall()[0][0]
            if count:
                self._reject_repeated(resource)

    def _reject_repeated(self, resource: Resource) -> None:
        table = f"{resource.name}_rows"
        origins = pa.table(
            {
                "origin_number": pa.array(range(len(self._origins)), pa.int32()),
                "origin": [document.origin for document in self._origins],
                "first_date": pa.array([_dates(x)[0] for x in self._origins], DATE),
                "last_date": pa.array([_dates(x)[1] for x in self._origins], DATE),
            }
        )
        label, cell = "'Date'", "cast(trade_date as varchar)"
        if resource is FILLS:
            label = "case when propreports_id is null then 'Fill Id' "
            label += "else 'PropReports Id' end"
            cell = "coalesce(propreports_id, fill_id)"
        code = ReasonCode.REPEATED
        self.connection.register("origins", origins)
        self.connection.execute(
            f"""
            insert into rejected
            select resource, origin, line_number, {label}, {cell}, ?,
                ? || coalesce(format(': ${{:,.2f}}', notional), ''),
                trade_date, first_date, last_date
            from repeated
            inner join {table}
                using ({_ORIGIN_KEY}, account_number, trade_date)
            inner join origins using (origin_number)
            where resource = '{resource.name}'
            """,
            [code, SENTENCES[code]],
        )
        self.connection.unregister("origins")
        self.connection.execute(
            f"delete from {table} where ({_ORIGIN_KEY}) in (select ({_ORIGIN_KEY}) "
            f"from repeated where resource = '{resource.name}')"
        )

    def tell(
        self,
        number: int,
        code: ReasonCode,
        reason: str,
        *,
        line: int,
        column: str,
        cell: str,
    ) -> None:
        """Keep what is odd in a document, though all of it is loaded."""
        error = DocumentError(reason, line=line, column=column, cell=cell)
        self.set_aside(self._origins[number], code, reason, error)

    def set_aside_files(self, unread: list[UnreadFile]) -> None:
        """Keep which files of the folder are not read, and why."""
        rows = [
            {
                "resource": THE_FOLDER,
                "origin": file.origin,
                "reason_code": file.code,
                "reason": file.reason,
            }
            for file in unread
        ]
        table = pa.Table.from_pylist(rows, schema=REJECTED_SCHEMA)
        self._insert_rejected(table, [None, None])

    def holds_rejected(self) -> bool:
        """Whether anything could not be read."""
        found = self.connection.execute("select count(*) > 0 from rejected")
        return found.fetchall()[0][0]

    def _refuse_lost_accounts(self, document: Document) -> None:
        """Refuse a list in which nobody can tell any more which account is meant.

        Raises:
            DocumentError: A spreadsheet has made something else of a name or number.
        """
        self._refuse_for(
            document,
            ReasonCode.SPREADSHEET_VALUE,
            ". Export the accounts again from PropReports.",
        )

    def _refuse_turned_dates(self, document: Document) -> None:
        """Refuse a document with a day before its month: other dates hide theirs.

        Raises:
            DocumentError: A date says so.
        """
        self._refuse_for(
            document,
            ReasonCode.DAY_BEFORE_MONTH,
            ", and a date such as 03/04/2025 is ambiguous. Export it again from "
            "PropReports.",
        )

    def _refuse_for(self, document: Document, code: ReasonCode, advice: str) -> None:
        """Refuse a document for the first cell that is wrong in this way."""
        found = self.connection.execute(
            "select line_number, column_name, cell, reason from rejected "
            "where origin = ? and reason_code = ? order by line_number limit 1",
            [document.origin, code],
        ).fetchall()
        if found:
            line, column, cell, reason = found[0]
            raise DocumentError(
                f"{document.origin}, line {line}: {column} `{cell}` {reason}{advice}",
                line=line,
                column=column,
                cell=cell,
            )

    def cover_files(self, last: date) -> None:
        """Files cover the accounts they hold, from the first day in them on."""
        for resource in BY_DAY:
            self.connection.execute(
                "insert into windows select ?, account_number, min(trade_date), "
                f"cast(? as date) from {resource.name}_rows group by account_number",
                [resource.name, last],
            )

    def last_date(self, resource: Resource) -> date | None:
        """The last trade date of any row, readable or not; None without rows.

        A row is not read for lying in the future, and such a date is nobody's last.
        """
        return self.connection.execute(
            f"select max(trade_date) from (select trade_date from {resource.name}_rows "
            f"union all select trade_date from rejected "
            f"where resource = '{resource.name}' and trade_date <= ?)",
            [self._today],
        ).fetchall()[0][0]

    def first_date(self, resource: Resource) -> date | None:
        """The first trade date read; None without rows."""
        return self.connection.execute(
            f"select min(trade_date) from {resource.name}_rows"
        ).fetchall()[0][0]

    def count(self) -> int:
        """Rows that wait."""
        counts = [f"(select count(*) from {x.name}_rows)" for x in BY_DAY]
        return self.connection.execute(f"select {' + '.join(counts)}").fetchall()[0][0]

    def unlisted(self) -> dict[str, str]:
        """Names by number of accounts that no list names."""
        return self._names.unlisted(self._waiting_names)

    def listed_late(self) -> list[tuple[str, str]]:
        """As `AccountNames.listed_late`."""
        return self._names.listed_late()

    def create_origin_days(self) -> None:
        """Make table `origin_days` of what waits: account-days of each document.

        Columns resource, account_number, trade_date, content_hash, rows_count and
        origin_number.
        """
        parts = [
            f"""
            select '{resource.name}' as resource, account_number, trade_date,
                origin_number, count(*) as rows_count,
                md5(count(*) || ':' || sum(row_hash)) as content_hash
            from {resource.name}_rows group by account_number, trade_date, origin_number
            """
            for resource in BY_DAY
        ]
        self.connection.execute(
            "create or replace table origin_days as " + " union all ".join(parts)
        )

    def create_days(self) -> None:
        """Make table `days` of `origin_days`: one row per account-day.

        Its origin_number is the document whose rows stand for the day.

        Raises:
            DocumentError: Two documents hold the same day and disagree.
        """
        clash = self.connection.execute("""
            select trade_date, min(origin_number), max(origin_number) from origin_days
            group by resource, account_number, trade_date
            having count(distinct content_hash) > 1 order by trade_date limit 1
        """).fetchall()
        if clash:
            both = [self._origins[number] for number in clash[0][1:]]
            one, two = (document.origin for document in both)
            message = (
                f"{one} and {two} both hold {clash[0][0]} of the same account and "
                "disagree. Remove or complete one of them."
            )
            for document in both:
                self.set_aside(document, ReasonCode.UNREADABLE_DOCUMENT, message)
            raise DocumentError(message)
        self.connection.execute("""
            create or replace table days as
            select resource, account_number, trade_date, content_hash, rows_count,
                min(origin_number) as origin_number
            from origin_days group by all
        """)

    def create_unread_days(self) -> None:
        """Make table `unread_days` of `unread_rows`.

        Columns resource, account_number (null: of which account they are is not known),
        trade_date and rows_count.
        """
        names = self.connection.execute(
            "select distinct account_name from unread_rows "
            "where account_name is not null"
        ).fetchall()
        numbers = pa.table(
            {
                "account_name": pa.array([x for (x,) in names], pa.string()),
                "account_number": pa.array(
                    [self._names.number(x) for (x,) in names], pa.string()
                ),
            }
        )
        self.connection.register("numbers", numbers)
        self.connection.execute("""
            create or replace table unread_days as
            select resource, account_number, trade_date,
                sum(rows_count) as rows_count
            from unread_rows left join numbers using (account_name) group by all
        """)
        self.connection.unregister("numbers")

    def clear(self) -> None:
        """Forget what waits."""
        tables = [f"{resource.name}_rows" for resource in BY_DAY]
        tables += ["extra_cells", "broker_fees", "windows", "rejected", "repeated"]
        tables += ["unread_rows"]
        for table in tables:
            self.connection.execute(f"truncate {table}")
        self._origins.clear()
        self._waiting_names.clear()

    def _typed_blocks(self, document: Document) -> Iterator[_Block]:
        """Make table `typed` of one block after the other."""
        reader = CsvReader(document)
        header = match_header(document, reader.names)
        day = "trade_date" if document.resource.date_column else "null"
        for block in reader.blocks():
            chunks = block.combine_chunks().to_batches(max_chunksize=CHUNK_ROWS)
            self.connection.register("document", pa.Table.from_batches(chunks))
            plain = is_plain(document, header, block)
            names, flaws_count = self._type(document, header, is_plain=plain)
            if flaws_count and plain:
                # Once more, for the causes.
                self._type(document, header, is_plain=False)
            # A header among rows with a date is no date; most blocks have no flaw.
            if flaws_count or document.resource.date_column is None:
                self._delete_repeated_headers(reader, header)
                self._reject(document, day)
            if flaws_count and document.resource.date_column is not None:
                self._refuse_turned_dates(document)
            self.connection.unregister("document")
            yield _Block(header, names)
        rejected = reader.rejected()
        if rejected.num_rows:
            self._append_rejected(rejected, document)

    def _type(
        self, document: Document, header: Header, *, is_plain: bool
    ) -> tuple[set[str], int]:
        """Make table `typed`: names of accounts in sound rows, and how many have flaws.

        Args:
            is_plain: As `typed_sql`.
        """
        sql = typed_sql(document, header, today=self._today, is_plain=is_plain)
        self.connection.execute(f"create or replace temp table typed as {sql}")
        names, flaws_count = self.connection.execute(
            "select list(distinct account_name) filter (row_error is null), "
            "count(row_error) + count(cell_warning) from typed"
        ).fetchall()[0]
        return set(names or ()), flaws_count

    def _delete_repeated_headers(self, reader: CsvReader, header: Header) -> None:
        """Delete from `typed` what is the header of table `document` once more.

        Raises:
            DocumentError: A row is another header.
        """
        first = identifier(next(iter(header.columns.values())))
        labels = [cell.strip().casefold() for cell in header.cells]
        found = self.connection.execute(
            f"select * from document where trim(lower({first})) in (select unnest(?))",
            [labels],
        ).fetchall()
        repeated = []
        for *cells, line in found:
            reader.refuse_header(line, cells)
            if reader.repeats_header(cells):
                repeated.append(line)
        if repeated:
            self.connection.execute(
                "delete from typed where list_contains(?::bigint[], line_number)",
                [repeated],
            )

    def _reject(self, document: Document, day: str) -> None:
        """Keep what is wrong in table `typed`.

        What is only reported of a text is kept once, with the first row that has it.
        """
        keys = [document.resource.name, document.origin]
        self.connection.execute(
            "insert into rejected select ?, ?, line_number, found.column_name, "
            f"found.cell, found.reason_code, found.reason, {day}, ?, ? from "
            "(select *, coalesce(row_error, cell_warning) as found from typed) "
            "where found is not null and (row_error is not null "
            f"or found.reason_code not in ({_TOLD_ONCE}))",
            [*keys, *_dates(document)],
        )
        if document.resource.date_column is not None:
            self.connection.execute(
                "insert into unread_rows "
                "select ?, account_name, trade_date, count(*) from typed "
                "where row_error is not null and trade_date is not null group by all",
                [document.resource.name],
            )
        self.connection.execute(
            "insert into rejected select ?, ?, min(line_number), found.column_name, "
            "arg_min(found.cell, line_number), found.reason_code, "
            "found.reason || case when count(*) > 1 "
            "then ', in ' || count(*) || ' rows' else '' end, null, ?, ? from "
            "(select line_number, cell_warning as found from typed "
            "where cell_warning is not null and row_error is null) "
            f"where found.reason_code in ({_TOLD_ONCE}) "
            "group by found.column_name, found.reason_code, found.reason",
            [*keys, *_dates(document)],
        )

    def _insert(self, resource: Resource, block: "_Block", number: int) -> int:
        header = block.header
        names = value_columns(resource)
        content = [f"coalesce(cast({name} as varchar), '')" for name in names]
        # Zero fees are left out, so that a new, empty fee column changes no version.
        content += [
            f"case when fee_{name} <> 0 then '{name}=' || fee_{name} end"
            for name in header.fees
        ]
        content += [
            f"{literal(extra.header_cell + '=')} || extra_{index}"
            for index, extra in enumerate(header.extra)
        ]
        columns = [*names, *(["total_fees"] if resource.fees_between else [])]
        columns += [f"fee_{name}" for name in header.fees]
        self._number_accounts(block.account_names)
        count = self.connection.execute(f"""
            insert into {resource.name}_rows (
                {_ORIGIN_KEY}, account_number, trade_date, row_hash,
                {", ".join(columns)}
            )
            select {number}, line_number, account_number, trade_date,
                md5_number_lower(concat_ws(chr(31), {", ".join(content)})),
                {", ".join(columns)}
            from typed inner join account_names using (account_name)
            where row_error is null
        """).fetchall()[0][0]
        self._insert_extra(resource, header, number)
        return count

    def _insert_extra(self, resource: Resource, header: Header, number: int) -> None:
        cells, fees = [], []
        for index, extra in enumerate(header.extra):
            is_kept = f"row_error is null and extra_{index} is not null"
            if extra.fee_name:
                fees.append(
                    f"select {number}, line_number, {literal(extra.fee_name)}, "
                    f"extra_amount_{index} from typed where {is_kept}"
                )
                is_kept += f" and extra_amount_{index} is null"
            cells.append(
                f"select {literal(resource.name)}, {number}, line_number, "
                f"{literal(extra.label)}, extra_{index}, {extra.is_known} "
                f"from typed where {is_kept}"
            )
        for table, parts in (("broker_fees", fees), ("extra_cells", cells)):
            if parts:
                self.connection.execute(
                    f"insert into {table} {' union all '.join(parts)}"
                )

    def _number_accounts(self, names: set[str]) -> None:
        """Bring what names in `typed` stand for into table `account_names`."""
        self._waiting_names |= names
        new = [[name, self._names.number(name)] for name in names - self._seen_names]
        if new:
            self.connection.executemany("insert into account_names values (?, ?)", new)
        self._seen_names |= names

    def _add_fee_columns(self, header: Header) -> None:
        for name in header.fees:
            if name not in self._fees:
                column = identifier(f"fee_{name}")
                self.connection.execute(
                    f"alter table fills_rows add column {column} decimal(18, 8)"
                )
                self._fees.add(name)

    def _insert_window(self, document: Document, covers: tuple[date, date]) -> None:
        account: str | None = None
        if document.account_name is not None:
            account = self._names.number(document.account_name)
        self.connection.execute(
            "insert into windows values (?, ?, ?, ?)",
            [document.resource.name, account, *covers],
        )

    def _append_rejected(self, rejected: pa.Table, document: Document) -> None:
        self._insert_rejected(rejected, _dates(document))

    def _insert_rejected(
        self, rejected: pa.Table, dates: Sequence[date | None]
    ) -> None:
        self.connection.register("appended", rejected)
        self.connection.execute(
            "insert into rejected select *, ?, ? from appended", list(dates)
        )
        self.connection.unregister("appended")


def _dates(document: Document) -> list[date | None]:
    return list(document.covers or (None, None))
