{{ config(
    materialized='incremental',
    incremental_strategy='replace_planned',
    on_schema_change='fail',
    meta={'planned_by': 'account_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account, date, symbol, route, liquidity code, kind of fill (regular
    or journal entry) and fee of the counted fills. A day's fees add up to
    daily_totals.total_fees, to the last digit where they are in the base currency; else
    to a hundred-millionth for each fill.
#}
with

fills as (
    {{ planned_rows(ref('int_fills_current'), 'account_days') }}
),

fill_days as (
    select
        account_id,
        trade_date,
        calendar_date,
        content_hash
    from {{ ref('int_fill_days') }}
),

accounts as (
    select
        account_number,
        coalesce(currency, '{{ var("base_currency") }}') as currency
    from {{ ref('int_accounts') }}
),

fill_fees as (
    select * from {{ ref('stg_propreports__fill_fees') }}
    where trade_date >= {{ first_read_date() }}
),

final as (
    select
        ---------- keys
        fills.account_id,
        max(fills.trader_id) as trader_id,
        fills.trade_date,
        fills.symbol,
        coalesce(fills.route, 'unknown') as route,
        coalesce(fills.liquidity, 'unknown') as liquidity,
        fill_fees.fee_name,
        ---------- numbers
        cast(count(*) as bigint) as fills_count,
        ---------- money
        -- Of both sides of the join: DuckDB would add up each side first, to no avail.
        cast(
            {{ in_base(
                'sum(case when fills.is_counted then fill_fees.fee_amount end)',
                'max(' ~ rate_of('accounts.currency', 'rates') ~ ')',
            ) }} as decimal(38, 8)
        ) as fee_amount,
        ---------- flags
        fills.is_regular
    from fills
    inner join fill_days
        on
            fills.account_id = fill_days.account_id
            and fills.trade_date = fill_days.trade_date
            and fills.calendar_date = fill_days.calendar_date
    inner join fill_fees
        on
            fills.account_number = fill_fees.account_number
            and fills.calendar_date = fill_fees.trade_date
            and fills.row_number = fill_fees.row_number
            and fill_days.content_hash = fill_fees.content_hash
    left join accounts on fills.account_number = accounts.account_number
    {{ join_rates('rates', 'accounts.currency', 'fills.trade_date') }}
    where fills.is_counted
    group by
        fills.account_id,
        fills.trade_date,
        fills.symbol,
        fills.route,
        fills.liquidity,
        fills.is_regular,
        fill_fees.fee_name
)

select * from final
