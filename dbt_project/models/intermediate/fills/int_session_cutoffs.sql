{#
    Grain: one row per symbol and span of dates (valid_from to valid_to, which is no part of it)
    with a time of day from which on a fill belongs to the next session.
    Of the lines that hold on a date the symbol's own decides, then that of its root, then
    that of its type's sign; the desk's before the project's. Where a cut-off is ended, what
    held before stays known: by it the broker may count.
#}
with

lines as (
    select
        symbol_prefix,
        valid_from,
        cutoff_minute,
        is_told
    from {{ ref('stg_desk__session_cutoffs') }}
),

instruments as (
    select
        symbol,
        symbol_root,
        type_sign
    from {{ ref('int_instruments') }}
),

prefixes as (
    select
        symbol,
        symbol as symbol_prefix
    from instruments
    union
    select
        symbol,
        symbol_root as symbol_prefix
    from instruments
    union
    select
        symbol,
        type_sign as symbol_prefix
    from instruments
),

symbol_lines as (
    select
        prefixes.symbol,
        lines.symbol_prefix,
        lines.valid_from,
        lines.cutoff_minute,
        lines.is_told
    from prefixes
    inner join lines on prefixes.symbol_prefix = lines.symbol_prefix
),

span_starts as (
    select distinct
        symbol,
        valid_from
    from symbol_lines
),

lines_ranked as (
    select
        span_starts.symbol,
        span_starts.valid_from,
        symbol_lines.cutoff_minute,
        row_number() over (
            partition by span_starts.symbol, span_starts.valid_from
            order by
                length(symbol_lines.symbol_prefix) desc,
                symbol_lines.is_told desc,
                symbol_lines.valid_from desc
        ) as line_rank
    from span_starts
    inner join symbol_lines
        on
            span_starts.symbol = symbol_lines.symbol
            and span_starts.valid_from >= symbol_lines.valid_from
),

lines_followed as (
    select
        symbol,
        valid_from,
        line_rank,
        cutoff_minute is not null as is_applied,
        {{ first_following('cutoff_minute', 'symbol, valid_from', 'line_rank') }}
            as cutoff_minute
    from lines_ranked
),

spans as (
    select
        symbol,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by symbol order by valid_from),
            {{ max_date() }}
        ) as valid_to,
        cutoff_minute,
        is_applied
    from lines_followed
    where line_rank = 1
),

final as (
    select * from spans
    where cutoff_minute is not null
)

select * from final
