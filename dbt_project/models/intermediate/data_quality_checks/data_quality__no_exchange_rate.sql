{#
    Grain: one row: account-days with amounts of a currency that has no exchange rate, by
    currency, with the local amounts.
#}
with

symbol_days as (
    select
        account_id,
        trade_date,
        currency,
        exchange_rate,
        position_quantity,
        local_gross_pnl,
        total_fees
    from {{ ref('int_symbol_days') }}
),

adjustments as (
    select
        account_id,
        trade_date,
        currency,
        local_amount
    from {{ ref('int_adjustments') }}
    where adjustment_amount is null
),

account_currencies as (
    select
        account_id,
        currency
    from {{ ref('int_account_currencies') }}
),

unknown_amounts as (
    -- What has no currency is unclear_currency's.
    select
        account_id,
        trade_date,
        currency,
        local_gross_pnl as local_amount
    from symbol_days
    where
        currency <> '{{ var("base_currency") }}'
        and exchange_rate is null
        and (local_gross_pnl <> 0 or position_quantity <> 0)
    union all
    select
        symbol_days.account_id,
        symbol_days.trade_date,
        account_currencies.currency,
        0 as local_amount
    from symbol_days
    inner join account_currencies
        on symbol_days.account_id = account_currencies.account_id
    where
        symbol_days.total_fees is null
        and account_currencies.currency <> '{{ var("base_currency") }}'
    union all
    select
        account_id,
        trade_date,
        currency,
        local_amount
    from adjustments
),

account_days as (
    select
        currency,
        account_id,
        trade_date,
        sum(local_amount) as local_amount
    from unknown_amounts
    group by currency, account_id, trade_date
),

currencies as (
    select
        currency,
        count(*) as days_count,
        count(distinct account_id) as accounts_count,
        min(trade_date) as first_date,
        max(trade_date) as last_date,
        cast(sum(local_amount) as decimal(38, 2)) as local_amount
    from account_days
    group by currency
),

currencies_ordered as (
    select
        *,
        row_number() over (order by days_count desc, currency asc) as shown_order
    from currencies
),

final as (
    select
        'no_exchange_rate' as check_name,
        coalesce(sum(days_count), 0) as found_count,
        'account-days with amounts of a currency without an exchange rate: their P&L in '
        || '{{ var("base_currency") }} is unknown, and no trader''s day; lines to add: '
        || {{ first_few_joined(
            "first_date || ',' || currency || ',RATE, for ' || days_count "
            ~ "|| ' account-days of ' || accounts_count || ' accounts until ' || last_date "
            ~ "|| ', gross and adjustments ' || currency || ' ' || local_amount",
            '; ',
        ) }} as finding
    from currencies_ordered
)

select * from final
