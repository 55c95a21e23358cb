{{ config(
    materialized='incremental',
    meta={'planned_by': 'account_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per fill of the current version of each (account, trade date).
    day_sequence numbers the fills of a trader's day in time, ties broken by the
    provider's fill id (as a number where it is one). fill_sequence is the date and that
    number: it orders the fills of all dates, and no day moves another's. Fill ids are not
    unique, so nothing is deduplicated by them.
    A fill belongs to the trader whom the account belonged to on its trade date.
#}
with

fills as (
    select * from {{ ref('stg_propreports__fills') }}
    where trade_date >= {{ first_built_date() }}
),

fill_days as (
    {{ planned_rows(ref('int_fill_days'), 'account_days') }}
),

instruments as (
    select
        symbol,
        instrument_type,
        multiplier
    from {{ ref('int_instruments') }}
),

fills_identified as (
    select
        fills.*,
        fill_days.account_id,
        fill_days.trader_id,
        instruments.instrument_type,
        instruments.multiplier,
        try_cast(fills.fill_id as bigint) as fill_number,
        try_cast(fills.propreports_id as bigint) as propreports_number
    from fills
    inner join fill_days
        on
            fills.account_number = fill_days.account_number
            and fills.trade_date = fill_days.trade_date
            and fills.content_hash = fill_days.content_hash
    left join instruments on fills.symbol = instruments.symbol
),

days_sequenced as (
    select
        *,
        cast(row_number() over (
            partition by trader_id, trade_date
            order by
                filled_at_et asc,
                fill_number asc nulls last,
                fill_id asc nulls last,
                propreports_number asc nulls last,
                propreports_id asc nulls last,
                account_id asc,
                symbol asc,
                row_number asc
        ) as bigint) as day_sequence,
        {{ exact_product('quantity', 'price', 'multiplier') }} as exact_notional,
        case when is_buy then quantity else -quantity end as signed_quantity,
        not is_cancelled and multiplier is not null as is_counted
    from fills_identified
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        trade_date,
        {{ date_prefixed_sequence('trade_date', 'day_sequence') }} as fill_sequence,
        day_sequence,
        account_number,
        row_number,
        ---------- text
        instrument_type,
        side,
        order_id,
        fill_id,
        propreports_id,
        route,
        liquidity,
        fill_status,
        currency,
        ---------- numbers
        quantity,
        signed_quantity,
        price,
        multiplier,
        -- To the cent, so that sums of squares fit 38 digits.
        {{ to_cents('abs(exact_notional)') }} as notional,
        total_fees,
        ---------- flags
        is_buy,
        is_regular,
        is_cancelled,
        is_counted,
        not is_cancelled and multiplier is null as lacks_multiplier,
        -- PropReports writes midnight where the time is unknown.
        filled_at_et > cast(trade_date as timestamp) as has_fill_time,
        ---------- times
        filled_at_et
    from days_sequenced
)

select * from final
