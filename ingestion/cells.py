"""How the text of a cell becomes a value: one SQL expression per kind of column.

DuckDB does the reading, so that a million rows take seconds. Money never passes
through a float.
"""

from datetime import date

import pyarrow as pa

from ingestion.documents import LINE_NUMBER, Document, Header
from ingestion.resources import Column, Kind

DECIMAL = pa.decimal128(18, 8)
ARROW_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.SIDE: pa.string(),
    Kind.SYMBOL: pa.string(),
    Kind.NUMBER: DECIMAL,
    Kind.POSITIVE: DECIMAL,
    Kind.COUNT: pa.int64(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMP: pa.timestamp("us"),
}

SQL_TYPES = {
    Kind.TEXT: "varchar",
    Kind.SIDE: "varchar",
    Kind.SYMBOL: "varchar",
    Kind.NUMBER: "decimal(18, 8)",
    Kind.POSITIVE: "decimal(18, 8)",
    Kind.COUNT: "bigint",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamp",
}

MACROS = r"""
create or replace macro is_number(cell) as
    regexp_full_match(
        cell,
        '([-+]?\$?|\$-)(\d{1,3}(,\d{3})+|\d*)(\.\d*)?|\(\$?(\d{1,3}(,\d{3})+|\d*)(\.\d*)?\)'
    )
    and regexp_matches(cell, '\d');
create or replace macro has_line_break(cell) as
    contains(cell, chr(10)) or contains(cell, chr(13));
create or replace macro is_symbol(cell) as regexp_full_match(cell, '\PC{1,48}');
create or replace macro is_too_fine(cell) as
    regexp_matches(cell, '\.\d{8}\d*[1-9]');
-- Most cells are plain, and this pattern costs a tenth of the other ones.
create or replace macro is_plain_number(cell) as
    regexp_full_match(cell, '-?\d*\.?\d{0,8}');
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

# Beyond these a product of quantity, price and contract size no longer fits its type.
QUANTITY_LIMIT, NOTIONAL_LIMIT = "1e8", "1e11"
EARLIEST = "1990-01-01"

_NUMERIC = (Kind.NUMBER, Kind.POSITIVE, Kind.COUNT)
_READERS = {
    Kind.TEXT: "{cell}",
    Kind.SIDE: "case when upper({cell}) in ('B', 'S', 'T', 'C') then upper({cell}) end",
    Kind.SYMBOL: "case when is_symbol({cell}) then {cell} end",
    Kind.NUMBER: "read_number({cell})",
    Kind.POSITIVE: "read_number({cell})",
    Kind.COUNT: "read_count({cell})",
    Kind.DATE: "read_date({cell})",
    Kind.TIMESTAMP: "read_timestamp({cell})",
}
_REASONS = {
    Kind.TEXT: "is not text",
    Kind.SIDE: "is not one of B, S, T, C",
    Kind.SYMBOL: "is longer than 48 characters or has one that cannot be seen",
    Kind.NUMBER: "is not a number with at most 10 digits and 8 decimals",
    Kind.POSITIVE: "is not a number above 0 and below 10^8 with at most 8 decimals",
    Kind.COUNT: "is not a whole number",
    Kind.DATE: "is not a date",
    Kind.TIMESTAMP: "is not a date and time",
}


def typed_sql(document: Document, header: Header, *, today: date) -> str:
    """SQL that reads the cells of table `document` into typed columns, `bad` and keys.

    Extra columns come as they are, as `extra_0` and so on in the header's order; zeros
    of known ones are left out, so that a new column of zeros changes no version.
    `bad` says what is wrong with a row, `dropped` which dispensable cell is left empty.

    Three levels, each with names of its own, because a header such as `Price` would
    otherwise hide the value that is read from it.
    """
    resource = document.resource
    declared = [column for column in resource.columns if column.name in header.columns]
    present = [(header.columns[column.name], column) for column in declared]
    present += [
        (label, Column(f"fee_{name}", (label,), Kind.NUMBER))
        for name, label in header.fees.items()
    ]
    cells = [f"{identifier(LINE_NUMBER)} as line_number"]
    values, checks, dropped = [], [], []
    for header_cell, column in present:
        cell, value = f"cell_{column.name}", f"value_{column.name}"
        blanks = "('', '-', '--')" if column.kind in _NUMERIC else "('')"
        reader = _READERS[column.kind].format(cell=cell)
        label = literal(column.labels[0])
        cells.append(f"trim({identifier(header_cell)}) as {cell}")
        values.append(f"case when {cell} not in {blanks} then {reader} end as {value}")
        if column.filled:
            checks.append(_check(f"{cell} in {blanks}", label, cell, "is empty"))
        wrong = f"{cell} not in {blanks} and {value} is null"
        if column.kind is Kind.POSITIVE:
            wrong += f" or {value} <= 0 or {value} >= {QUANTITY_LIMIT}"
        found = dropped if column.is_dispensable else checks
        found.append(_check(wrong, label, cell, _REASONS[column.kind]))
        # A quote that is not closed swallows the lines that follow.
        checks.append(
            _check(f"has_line_break({cell})", label, cell, "holds a line break")
        )
    names = [
        f"value_{column.name} as {column.name}"
        if column.name in header.columns
        else f"cast(null as {SQL_TYPES[column.kind]}) as {column.name}"
        for column in resource.columns
    ]
    names += [f"value_fee_{name} as fee_{name}" for name in header.fees]
    for number, (extra, is_known) in enumerate(header.extra.items()):
        cell = f"trim({identifier(extra)})"
        empty = f"{cell} = ''"
        if is_known:
            empty = f"regexp_full_match({cell}, '[-$(]*[0.]*[)]?')"
        cells.append(f"case when not {empty} then {cell} end as extra_{number}")
        names.append(f"extra_{number}")
        checks.append(
            _check(
                f"has_line_break(extra_{number})",
                literal(extra.strip()),
                f"extra_{number}",
                "holds a line break",
            )
        )
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
                "lies in the future",
            )
        )
        checks.append(
            _check(
                f"trade_day < date '{EARLIEST}'",
                label,
                f"cell_{resource.date_column}",
                f"lies before {EARLIEST}",
            )
        )
        if document.covers is not None:
            first, last = document.covers
            checks.append(
                _check(
                    f"trade_day not between date '{first}' and date '{last}'",
                    label,
                    f"cell_{resource.date_column}",
                    f"lies outside the dates asked for, {first} to {last}",
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
                "times the quantity is 10^11 or more",
            ),
            _check(
                f"try_cast({total} as decimal(18, 8)) is null",
                "'fees'",
                "cell_price",
                "carries fees of more than 10 digits",
            ),
        ]
    if document.account_name is not None:
        names.append(f"{literal(document.account_name)} as account_name")
    if resource.summary_labels:
        labels = ", ".join(literal(label) for label in resource.summary_labels)
        conditions.append(f"lower(cell_{declared[0].name}) not in ({labels})")
    nothing = _check("false", "''", "''", "")
    return f"""
        select line_number, {", ".join(names)},
            coalesce({", ".join([*checks, nothing])}) as bad,
            coalesce({", ".join([*dropped, nothing])}) as dropped
        from (
            select *, {", ".join(values)}
            from (select {", ".join(cells)} from document) as cells
        ) as read_cells
        where {" and ".join(conditions)}
    """


def _check(condition: str, label: str, cell: str, reason: str) -> str:
    """SQL for what is wrong with a cell, null where nothing is."""
    return (
        f"case when {condition} then {{'column_name': {label}, 'cell': {cell}, "
        f"'reason': {literal(reason)}}} end"
    )


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
