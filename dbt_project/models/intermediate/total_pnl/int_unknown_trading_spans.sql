{#
    Grain: one row per account and span of dates of which it is not known what it made:
    its fills did not arrive, vanished, are of unknown contract size, or in a currency
    without an exchange rate. A span begins after the last date of which there are fills.
#}
with

unknown_trading as (
    select
        account_id,
        vanished_until,
        is_cut
    from {{ ref('int_unknown_trading') }}
),

fill_days as (
    select
        account_id,
        max(trade_date) as last_traded_date
    from {{ ref('int_account_day_fills') }}
    where fills_count > 0
    group by account_id
),

uncounted_days as (
    select distinct
        account_id,
        trade_date
    from {{ ref('int_fills_current') }}
    where lacks_multiplier
),

unconverted_days as (
    select
        account_id,
        trade_date
    from {{ ref('daily_totals') }}
    where net_pnl is null
),

missing_spans as (
    select
        unknown_trading.account_id,
        coalesce(
            cast({{ dbt.dateadd('day', 1, 'fill_days.last_traded_date') }} as date),
            {{ min_date() }}
        ) as unknown_from,
        case
            when unknown_trading.is_cut then {{ max_date() }}
            else unknown_trading.vanished_until
        end as unknown_until
    from unknown_trading
    left join fill_days on unknown_trading.account_id = fill_days.account_id
),

final as (
    select
        ---------- keys
        account_id,
        unknown_from,
        unknown_until,
        ---------- text
        'fills_missing' as unknown_reason
    from missing_spans
    where unknown_from <= unknown_until
    union all
    select
        account_id,
        trade_date as unknown_from,
        trade_date as unknown_until,
        'contract_size_unknown' as unknown_reason
    from uncounted_days
    union all
    select
        account_id,
        trade_date as unknown_from,
        trade_date as unknown_until,
        'no_exchange_rate' as unknown_reason
    from unconverted_days
)

select * from final
