"""How the text of a cell becomes a value: one SQL expression per type of column.

DuckDB does the reading, so that a million rows take seconds. Money never passes
through a float.
"""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.csv_reader import LINE_NUMBER
from ingestion.documents import Document, Header
from ingestion.reasons import (
    EARLIEST,
    NOTIONAL_LIMIT,
    QUANTITY_LIMIT,
    SENTENCES,
    ReasonCode,
)
from ingestion.resources import Column, ColumnType
from runtime.tables import literal

DECIMAL = pa.decimal128(18, 8)
ARROW_TYPES = {
    ColumnType.TEXT: pa.string(),
    ColumnType.SIDE: pa.string(),
    ColumnType.SYMBOL: pa.string(),
    ColumnType.NUMBER: DECIMAL,
    ColumnType.POSITIVE: DECIMAL,
    ColumnType.COUNT: pa.int64(),
    ColumnType.DATE: pa.date32(),
    ColumnType.TIMESTAMP: pa.timestamp("us"),
}

SQL_TYPES = {
    ColumnType.TEXT: "varchar",
    ColumnType.SIDE: "varchar",
    ColumnType.SYMBOL: "varchar",
    ColumnType.NUMBER: "decimal(18, 8)",
    ColumnType.POSITIVE: "decimal(18, 8)",
    ColumnType.COUNT: "bigint",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "timestamp",
}

MACROS = r"""
create or replace temp macro is_number(cell) as
    regexp_full_match(
        cell,
        '([-+]?\$?|\$-)(\d{1,3}(,\d{3})+|\d*)(\.\d*)?|\(\$?(\d{1,3}(,\d{3})+|\d*)(\.\d*)?\)'
    )
    and regexp_matches(cell, '\d');
create or replace temp macro has_line_break(cell) as
    contains(cell, chr(10)) or contains(cell, chr(13));
-- A pattern that counts to 48 is compiled for each block, in two milliseconds.
create or replace temp macro is_symbol(cell) as
    length(cell) <= 48 and regexp_full_match(cell, '\PC+');
-- 1.23E+11 for a long number, #REF! for a formula that found nothing, ### for a narrow
-- column.
create or replace temp macro is_spreadsheet_value(cell) as
    starts_with(cell, '#') and regexp_full_match(
        cell, '#(NAME\?|REF!|VALUE!|N/A|DIV/0!|NUM!|NULL!|SPILL!|CALC!|#+)'
    )
    or contains(cell, 'E+') and regexp_full_match(cell, '-?\d([.,]\d+)?E\+\d{2,3}');
-- MAR1 becomes 1-Mar, Mar-01 or a date.
create or replace temp macro is_spreadsheet_symbol(cell) as
    is_spreadsheet_value(cell) or cell = 'FALSE'
    or (contains(cell, '-') or contains(cell, '/') or contains(cell, '.'))
    and regexp_full_match(
        cell,
        '\d{1,2}-[A-Za-z]{3}(-\d{2,4})?|[A-Z][a-z]{2}-\d{2,4}|'
        || '\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}( .*)?'
    );
create or replace temp macro has_no_seconds(cell) as
    regexp_full_match(cell, '\S+ \d{1,2}:\d{2}( [AaPp][Mm])?');
create or replace temp macro is_day_before_month(cell) as
    regexp_matches(cell, '^(1[3-9]|2\d|3[01])[-/.](0?[1-9]|1[0-2])[-/.]\d{2}');
create or replace temp macro is_too_fine(cell) as
    regexp_matches(cell, '\.\d{8}\d*[1-9]');
-- Most cells are plain, and this pattern costs a tenth of the other ones.
create or replace temp macro is_plain_number(cell) as
    regexp_full_match(cell, '-?\d*\.?\d{0,8}');
create or replace temp macro read_number(cell) as
    case
        when is_plain_number(cell) then try_cast(cell as decimal(18, 8))
        when is_number(cell) and not is_too_fine(cell) then
        try_cast(
            case when cell[1] = '(' then '-' else '' end
            || regexp_replace(cell, '[()$,+]', '', 'g') as decimal(18, 8)
        )
    end;
create or replace temp macro read_count(cell) as
    case when regexp_full_match(cell, '\d{1,3}(,\d{3})+|\d+')
        then try_cast(replace(cell, ',', '') as bigint)
    end;
create or replace temp macro read_date(cell) as
    case
        when regexp_full_match(cell, '\d{4}-\d{2}-\d{2}')
            then cast(try_strptime(cell, '%Y-%m-%d') as date)
        when regexp_full_match(cell, '\d{1,2}/\d{1,2}/\d{4}')
            then cast(try_strptime(cell, '%m/%d/%Y') as date)
        when regexp_full_match(cell, '\d{1,2}/\d{1,2}/\d{2}')
            then cast(try_strptime(cell, '%m/%d/%y') as date)
    end;
create or replace temp macro read_timestamp(cell) as
    case
        -- Midnight at the end of a day would be another day's.
        when contains(cell, ' 24:') then null
        when regexp_full_match(cell, '\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2}')
            then try_strptime(cell, '%m/%d/%Y %H:%M:%S')
        else read_date(split_part(cell, ' ', 1))
        + case
            when not contains(cell, ' ') then time '00:00:00'
            when regexp_full_match(cell, '\S+ \d{1,2}:\d{2}:\d{2}')
                then try_cast(split_part(cell, ' ', 2) as time)
        end
    end;
"""

_NUMERIC = (ColumnType.NUMBER, ColumnType.POSITIVE, ColumnType.COUNT)
_READERS = {
    ColumnType.TEXT: "case when not is_spreadsheet_value({cell}) then {cell} end",
    ColumnType.SIDE: "case when upper({cell}) in ('B', 'S', 'T', 'C') "
    "then upper({cell}) end",
    ColumnType.SYMBOL: "case when is_symbol({cell}) "
    "and not is_spreadsheet_symbol({cell}) then {cell} end",
    ColumnType.NUMBER: "read_number({cell})",
    ColumnType.POSITIVE: "read_number({cell})",
    ColumnType.COUNT: "read_count({cell})",
    ColumnType.DATE: "read_date({cell})",
    ColumnType.TIMESTAMP: "read_timestamp({cell})",
}
_PLAIN_READERS = {
    ColumnType.TEXT: "{cell}",
    ColumnType.SYMBOL: "case when is_symbol({cell}) then {cell} end",
}
_REASONS = {
    ColumnType.TEXT: ReasonCode.SPREADSHEET_VALUE,
    ColumnType.SIDE: ReasonCode.NOT_A_SIDE,
    ColumnType.SYMBOL: ReasonCode.NOT_A_SYMBOL,
    ColumnType.NUMBER: ReasonCode.NOT_A_NUMBER,
    ColumnType.POSITIVE: ReasonCode.NOT_A_QUANTITY,
    ColumnType.COUNT: ReasonCode.NOT_A_COUNT,
    ColumnType.DATE: ReasonCode.NOT_A_DATE,
    ColumnType.TIMESTAMP: ReasonCode.NOT_A_TIMESTAMP,
}


# What a spreadsheet has most likely done, as SQL conditions of `{cell}`.
_DAY_BEFORE_MONTH = ("is_day_before_month({cell})", ReasonCode.DAY_BEFORE_MONTH)
_LIKELY_CAUSES = {
    ColumnType.SYMBOL: (
        ("is_spreadsheet_symbol({cell})", ReasonCode.SPREADSHEET_SYMBOL),
    ),
    ColumnType.DATE: (_DAY_BEFORE_MONTH,),
    ColumnType.TIMESTAMP: (
        _DAY_BEFORE_MONTH,
        ("has_no_seconds({cell})", ReasonCode.NO_SECONDS),
    ),
}


# Signs of what a spreadsheet makes of a text or a symbol; most blocks have none.
_SIGNS = {
    ColumnType.TEXT: ("#", "E+"),
    ColumnType.SYMBOL: ("-", "/", ".", "?", "!", "##", "E+", "TRUE", "FALSE"),
}


def is_plain(document: Document, header: Header, cells: pa.Table) -> bool:
    """Whether no cell has a sign of a spreadsheet; looking costs less than SQL does."""
    return not any(
        pc.any(pc.match_substring(cells[header.columns[column.name]], sign)).as_py()
        for column in document.resource.columns
        if column.name in header.columns
        for sign in _SIGNS.get(column.type, ())
    )


def typed_sql(
    document: Document, header: Header, *, today: date, is_plain: bool = False
) -> str:
    """SQL that reads the cells of table `document` into typed columns, errors and keys.

    Extra columns come as they are, as `extra_0` and so on in the header's order; zeros
    of known ones are left out, so that a new column of zeros changes no version. Those
    that are fees come as amounts, too: `extra_amount_0` and so on. `row_error` is what
    is wrong with a row, `cell_warning` which cell is left empty for an error.

    Three levels, each with names of its own, because a header such as `Price` would
    otherwise hide the value that is read from it.

    Args:
        is_plain: No cell has a sign of a spreadsheet; what is wrong is wrong plainly.
    """
    resource = document.resource
    declared = [column for column in resource.columns if column.name in header.columns]
    present = [(header.columns[column.name], column) for column in declared]
    present += [
        (label, Column(f"fee_{name}", (label,), ColumnType.NUMBER))
        for name, label in header.fees.items()
    ]
    cells = [f"{identifier(LINE_NUMBER)} as line_number"]
    values: list[str] = []
    checks: list[str] = []
    warnings: list[str] = []
    for header_cell, column in present:
        cell, value = f"cell_{column.name}", f"value_{column.name}"
        blanks = "('', '-', '--')" if column.type in _NUMERIC else "('')"
        reader = _READERS[column.type].format(cell=cell)
        if is_plain:
            reader = _PLAIN_READERS.get(column.type, reader).format(cell=cell)
        label = literal(column.labels[0])
        cells.append(f"trim({identifier(header_cell)}) as {cell}")
        values.append(f"case when {cell} not in {blanks} then {reader} end as {value}")
        if column.not_null:
            checks.append(_check(f"{cell} in {blanks}", label, cell, ReasonCode.EMPTY))
        wrong = f"{cell} not in {blanks} and {value} is null"
        if column.type is ColumnType.POSITIVE:
            wrong += f" or {value} <= 0 or {value} >= {QUANTITY_LIMIT}"
        # Text that only describes a row keeps nothing out.
        is_only_told = column.type is ColumnType.TEXT and not column.not_null
        found = warnings if column.null_on_error or is_only_told else checks
        found += [
            _check(f"({wrong}) and {cause.format(cell=cell)}", label, cell, code)
            for cause, code in _LIKELY_CAUSES.get(column.type, ())
            if not is_plain
        ]
        if not (is_plain and column.type is ColumnType.TEXT):
            found.append(_check(wrong, label, cell, _REASONS[column.type]))
        if column.type is ColumnType.SYMBOL and not is_plain:
            true = f"{cell} = 'TRUE'"
            warnings.append(_check(true, label, cell, ReasonCode.SPREADSHEET_SYMBOL))
        # A quote that is not closed swallows the lines that follow.
        checks.append(
            _check(f"has_line_break({cell})", label, cell, ReasonCode.LINE_BREAK)
        )
    names = [
        f"value_{column.name} as {column.name}"
        if column.name in header.columns
        else f"cast(null as {SQL_TYPES[column.type]}) as {column.name}"
        for column in resource.columns
    ]
    names += [f"value_fee_{name} as fee_{name}" for name in header.fees]
    for number, extra in enumerate(header.extra):
        cell = f"trim({identifier(extra.header_cell)})"
        empty = f"{cell} = ''"
        if extra.is_known:
            empty = f"regexp_full_match({cell}, '[-$(]*[0.]*[)]?')"
        cells.append(f"case when not {empty} then {cell} end as extra_{number}")
        names.append(f"extra_{number}")
        if extra.fee_name:
            names.append(f"read_number(extra_{number}) as extra_amount_{number}")
        checks.append(
            _check(
                f"has_line_break(extra_{number})",
                literal(extra.label),
                f"extra_{number}",
                ReasonCode.LINE_BREAK,
            )
        )
    # Cells are put together for the few rows only that begin with nothing.
    first = identifier(header.columns[declared[0].name])
    others = ", ".join(identifier(name) for name in header.cells)
    is_not_blank = f"trim({first}) <> '' or trim(concat({others})) <> ''"
    conditions = ["true"]
    if resource.date_column is not None:
        day = f"cast(value_{resource.date_column} as date)"
        values.append(f"{day} as trade_day")
        if resource.date_column != "trade_date":
            names.append("trade_day as trade_date")
        label = literal(resource.columns[0].labels[0])
        checks.append(
            _check(
                f"trade_day > date '{today}'",
                label,
                f"cell_{resource.date_column}",
                ReasonCode.DATE_IN_FUTURE,
            )
        )
        checks.append(
            _check(
                f"trade_day < date '{EARLIEST}'",
                label,
                f"cell_{resource.date_column}",
                ReasonCode.DATE_TOO_EARLY,
            )
        )
        if document.covers is not None:
            first_day, last_day = document.covers
            checks.append(
                _check(
                    f"trade_day not between date '{first_day}' and date '{last_day}'",
                    label,
                    f"cell_{resource.date_column}",
                    ReasonCode.DATE_NOT_REQUESTED,
                    first_day,
                    last_day,
                )
            )
    if resource.fees_between:
        amounts = [f"coalesce(value_fee_{name}, 0)" for name in header.fees]
        total = " + ".join(amounts) or "0"
        values.append("cast(value_quantity as double) * value_price as notional")
        names.append(f"try_cast({total} as decimal(18, 8)) as total_fees")
        checks += [
            _check(
                f"abs(notional) >= {NOTIONAL_LIMIT}",
                "'Price'",
                "cell_price",
                ReasonCode.NOTIONAL_TOO_LARGE,
            ),
            _check(
                f"try_cast({total} as decimal(18, 8)) is null",
                "'fees'",
                "cell_price",
                ReasonCode.FEES_TOO_LARGE,
            ),
        ]
    if document.account_name is not None:
        names.append(f"{literal(document.account_name)} as account_name")
    if resource.summary_labels:
        labels = ", ".join(literal(label) for label in resource.summary_labels)
        conditions.append(f"lower(cell_{declared[0].name}) not in ({labels})")
    nothing = _check("false", "''", "''", ReasonCode.OTHER)
    return f"""
        select line_number, {", ".join(names)},
            coalesce({", ".join([*checks, nothing])}) as row_error,
            coalesce({", ".join([*warnings, nothing])}) as cell_warning
        from (
            select *, {", ".join(values)}
            from (
                select {", ".join(cells)} from document
                where {is_not_blank}
            ) as cells
        ) as read_cells
        where {" and ".join(conditions)}
    """


def _check(
    condition: str, label: str, cell: str, code: ReasonCode, *details: object
) -> str:
    """SQL for what is wrong with a cell, null where nothing is."""
    sentence = SENTENCES.get(code, "").format(*details)
    return (
        f"case when {condition} then {{'column_name': {label}, 'cell': {cell}, "
        f"'reason_code': {literal(code)}, 'reason': {literal(sentence)}}} end"
    )


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
