{{ config(meta={'planned_by': 'symbol_spans'}) }}
{#
    Grain: one row per account, symbol and flat-to-flat position, open ones included.
#}
with

round_trips as (
    select * from {{ ref('int_round_trips') }}
),

final as (
    select
        ---------- keys
        concat_ws('|', account_id, symbol, cast(opening_sequence as string)) as round_trip_id,
        account_id,
        trader_id,
        symbol,
        ---------- text
        case when is_long then 'long' else 'short' end as side,
        ---------- numbers
        cast(fills_count as bigint) as fills_count,
        cast(peak_quantity as decimal(38, 8)) as peak_quantity,
        multiplier,
        cast(average_entry_price as double) as average_entry_price,
        cast(average_exit_price as double) as average_exit_price,
        cast({{ dbt.datediff('opened_at_et', 'closed_at_et', 'second') }} as bigint)
            as held_seconds,
        ---------- money
        entry_notional,
        peak_notional,
        cast(gross_pnl as decimal(38, 8)) as gross_pnl,
        cast(total_fees as decimal(38, 8)) as total_fees,
        cast(net_pnl as decimal(38, 8)) as net_pnl,
        ---------- flags
        is_closed,
        opened_date < closed_date as is_carried,
        has_averaged_down,
        ---------- times
        opened_date,
        closed_date,
        opened_at,
        closed_at
    from round_trips
)

select * from final
