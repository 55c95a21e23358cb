{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date, stress and its place among those of its kind: what
    it would cost the desk of that morning.
    Stresses of P&L are of today's roster (ml/desk_stress.py), those of a gap of the book
    held overnight, at marks or own fills. What is unknown of a book is left out, counted.
#}
with

desk_stress as (
    select * from {{ ref('stg_ml__desk_stress') }}
),

overnight_gaps as (
    select * from {{ ref('int_overnight_gaps') }}
),

all_stresses as (
    select
        prediction_date,
        stress,
        stress_order,
        worst_trader_id,
        cast(null as string) as worst_sector,
        cast(null as string) as worst_symbol,
        pnl,
        worst_trader_pnl as worst_pnl,
        traders_count as losing_traders_count,
        cast(null as bigint) as symbols_count,
        cast(null as bigint) as unknown_symbols_count,
        first_session_date,
        last_session_date
    from desk_stress
    union all
    select
        prediction_date,
        stress,
        1 as stress_order,
        cast(null as string) as worst_trader_id,
        worst_sector,
        worst_symbol,
        pnl,
        worst_symbol_pnl as worst_pnl,
        cast(null as bigint) as losing_traders_count,
        symbols_count,
        unknown_symbols_count,
        cast(null as date) as first_session_date,
        cast(null as date) as last_session_date
    from overnight_gaps
),

final as (
    select
        ---------- keys
        prediction_date,
        stress,
        cast(stress_order as bigint) as stress_order,
        ---------- text
        worst_trader_id,
        worst_sector,
        worst_symbol,
        ---------- money
        pnl,
        worst_pnl,
        ---------- numbers
        losing_traders_count,
        symbols_count,
        unknown_symbols_count,
        ---------- dates
        first_session_date,
        last_session_date
    from all_stresses
)

select * from final
