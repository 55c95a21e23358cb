{#
    Grain: one row per morning on which the desk holds something overnight, and gap that its
    book is put through: each symbol's own worst so far, and 5, 10 and 20 %, of all symbols
    and of the sector where that costs most.
    Every symbol moves against what the desk nets in it; two traders on opposite sides are
    no risk of each other's. A sector moves as one, against what the desk nets in it all. A symbol without a night of its own between two sessions has
    no worst, and a position without a price no worth: their gap is unknown, and counted.
#}
with

positions as (
    select
        account_id,
        symbol,
        trade_date,
        exposure
    from {{ ref('int_overnight_positions') }}
),

gaps as (
    select * from {{ ref('int_symbol_gaps') }}
),

symbol_sectors as (
    select
        symbol,
        sector
    from {{ ref('int_symbol_sectors') }}
    where sector is not null
),

sessions as (
    select
        session_date,
        lag(session_date) over (order by session_date) as previous_session_date
    from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

books as (
    -- What is held at the end of a session is gapped on the morning of the next.
    select
        sessions.session_date as prediction_date,
        positions.symbol,
        sum(positions.exposure) as net_exposure,
        count(*) = count(positions.exposure) as is_priced
    from positions
    inner join sessions on positions.trade_date = sessions.previous_session_date
    inner join run_context on sessions.session_date <= run_context.prediction_date
    group by sessions.session_date, positions.symbol
),

moments as (
    -- The morning of a gap does not know it yet: its book comes first.
    select
        symbol,
        prediction_date as moment_date,
        0 as is_gap,
        case when is_priced then net_exposure end as net_exposure,
        cast(null as double) as lowest_gap,
        cast(null as double) as highest_gap
    from books
    union all
    select
        symbol,
        trade_date as moment_date,
        1 as is_gap,
        cast(null as decimal(38, 2)) as net_exposure,
        lowest_gap,
        highest_gap
    from gaps
),

moments_known as (
    select
        symbol,
        moment_date,
        is_gap,
        net_exposure,
        {{ last_so_far('lowest_gap', 'symbol', 'moment_date, is_gap') }} as lowest_gap,
        {{ last_so_far('highest_gap', 'symbol', 'moment_date, is_gap') }} as highest_gap
    from moments
),

books_gapped as (
    select
        moment_date as prediction_date,
        symbol,
        net_exposure,
        -- The greatest of a null and 0 would be 0, which nobody knows.
        case
            when net_exposure = 0 then 0
            when lowest_gap is null then null
            when net_exposure > 0 then least(lowest_gap, 0)
            else greatest(highest_gap, 0)
        end as own_gap
    from moments_known
    where is_gap = 0
),

sector_books as (
    select
        books_gapped.prediction_date,
        symbol_sectors.sector,
        sum(books_gapped.net_exposure) as net_exposure
    from books_gapped
    inner join symbol_sectors on books_gapped.symbol = symbol_sectors.symbol
    group by books_gapped.prediction_date, symbol_sectors.sector
),

sectors_ranked as (
    select
        *,
        row_number() over (
            partition by prediction_date
            order by abs(net_exposure) desc nulls last, sector asc
        ) as sector_order
    from sector_books
),

sector_moves as (
    -- By how much of itself each symbol moves the desk if its sector gaps: 0 of others.
    select
        books_gapped.prediction_date,
        books_gapped.symbol,
        books_gapped.net_exposure,
        case when sectors_ranked.net_exposure is not null then sectors_ranked.sector end
            as worst_sector,
        case
            when symbol_sectors.sector is null then null
            when symbol_sectors.sector <> sectors_ranked.sector then 0
            else sign(cast(sectors_ranked.net_exposure as double))
        end as direction
    from books_gapped
    inner join sectors_ranked
        on
            books_gapped.prediction_date = sectors_ranked.prediction_date
            and sectors_ranked.sector_order = 1
    left join symbol_sectors on books_gapped.symbol = symbol_sectors.symbol
),

stresses as (
    select
        prediction_date,
        'overnight_own_worst_gap' as stress,
        cast(null as string) as worst_sector,
        symbol,
        {{ to_amount('cast(net_exposure as double) * own_gap') }} as pnl
    from books_gapped
    {% for percent in [5, 10, 20] -%}
        union all
        select
            prediction_date,
            'overnight_gap_{{ percent }}_percent' as stress,
            cast(null as string) as worst_sector,
            symbol,
            {{ to_amount('-abs(cast(net_exposure as double)) * ' ~ percent / 100) }} as pnl
        from books_gapped
        union all
        select
            prediction_date,
            'sector_gap_{{ percent }}_percent' as stress,
            worst_sector,
            symbol,
            {{ to_amount('-cast(net_exposure as double) * direction * ' ~ percent / 100) }}
                as pnl
        from sector_moves
    {% endfor %}
),

stresses_ranked as (
    select
        *,
        row_number() over (
            partition by prediction_date, stress
            order by pnl asc nulls last, symbol asc
        ) as symbol_order
    from stresses
),

final as (
    select
        ---------- keys
        prediction_date,
        stress,
        ---------- text
        max(worst_sector) as worst_sector,
        max(case when symbol_order = 1 and pnl is not null then symbol end) as worst_symbol,
        ---------- numbers
        count(*) as symbols_count,
        count(*) - count(pnl) as unknown_symbols_count,
        ---------- money
        -- Decimals, so that the order of the rows makes no difference.
        cast(sum(pnl) as decimal(38, 8)) as pnl,
        min(pnl) as worst_symbol_pnl
    from stresses_ranked
    group by prediction_date, stress
)

select * from final
