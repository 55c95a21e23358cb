"""From which time of day on a fill belongs to the next session, for the gate's hours.

The trade date itself is the models' business (int_session_cutoffs).
"""

from collections.abc import Iterable

import duckdb
import pyarrow as pa

from ingestion.desk_files import SEEDS, DeskContent

_NAME = "session_cutoffs"


def told_cutoffs(desk: Iterable[DeskContent]) -> pa.Table:
    """What the desk's file says, as text."""
    lines = [
        dict(zip(one.file.columns, cells, strict=True))
        for one in desk
        if one.file.name == _NAME
        for _, cells in one.lines
    ]
    schema = pa.schema(
        dict.fromkeys(("symbol_prefix", "cutoff_time", "valid_from"), pa.string())
    )
    return pa.Table.from_pylist(lines, schema=schema)


def keep_symbol_cutoffs(scratch: duckdb.DuckDBPyConnection, told: pa.Table) -> None:
    """Make `symbol_cutoffs` of the fills that were read.

    One row per symbol and trade date that has one: symbol, trade_date, cutoff_hour. The
    desk's lines go before the project's; the most particular decides.
    """
    scratch.register("told_cutoffs", told)
    scratch.execute(
        f"""
        create or replace temp table symbol_cutoffs as
        with cutoffs as (
            select coalesce(symbol_prefix, '') as symbol_prefix, cutoff_time,
                coalesce(cast(valid_from as date), date '1900-01-01') as valid_from,
                true as is_told
            from told_cutoffs
            union all
            select coalesce(symbol_prefix, ''), cutoff_time, date '1900-01-01', false
            from read_csv('{SEEDS / f"{_NAME}.csv"}', header = true, all_varchar = true)
        ),
        symbols as (select distinct symbol, trade_date from fills_rows),
        holding as (
            select symbol, trade_date, arg_max(
                coalesce(cutoff_time, ''),
                (length(symbol_prefix), is_told, valid_from)
            ) as cutoff_time
            from symbols inner join cutoffs on trade_date >= valid_from and (
                symbol = symbol_prefix
                or symbol_prefix = '' and symbol[1] between 'A' and 'Z'
                or length(symbol_prefix) = 1 and starts_with(symbol, symbol_prefix)
                or regexp_matches(
                    symbol,
                    '^' || regexp_escape(symbol_prefix)
                    || '([FGHJKMNQUVXZ][0-9]{{1,4}}| *[0-9]{{6}}[CP][0-9.]+)$',
                    'i'
                ) and symbol_prefix[1] not between 'A' and 'Z'
            )
            group by all
        )
        select symbol, trade_date,
            cast(cutoff_time[1:2] as int) + cast(cutoff_time[4:5] as int) / 60
                as cutoff_hour
        from holding where cutoff_time <> ''
        """
    )
    scratch.unregister("told_cutoffs")
