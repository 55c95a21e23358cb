{#
    Grain: one row: account-days of which an exchange rate was carried on for more sessions
    than a rate may be, by currency and rate.
#}
with

symbol_days as (
    select
        account_id,
        trade_date,
        currency,
        local_gross_pnl,
        open_cost
    from {{ ref('int_symbol_days') }}
    where currency <> '{{ var("base_currency") }}'
),

daily_totals as (
    select
        account_id,
        trade_date
    from {{ ref('daily_totals') }}
),

account_currencies as (
    select
        account_id,
        currency
    from {{ ref('int_account_currencies') }}
),

account_days as (
    -- Fees of an account are of its currency, whatever it trades.
    select
        symbol_days.account_id,
        symbol_days.trade_date,
        symbol_days.currency,
        symbol_days.local_gross_pnl,
        symbol_days.open_cost
    from symbol_days
    union all
    select
        daily_totals.account_id,
        daily_totals.trade_date,
        account_currencies.currency,
        0 as local_gross_pnl,
        0 as open_cost
    from daily_totals
    inner join account_currencies
        on daily_totals.account_id = account_currencies.account_id
    where account_currencies.currency <> '{{ var("base_currency") }}'
),

rates as (
    select
        currency,
        valid_from,
        valid_to
    from {{ ref('int_exchange_rates') }}
),

sessions as (
    select
        session_date,
        row_number() over (order by session_date) as session_number
    from {{ ref('stg_propreports__sessions') }}
),

rates_numbered as (
    select
        rates.currency,
        rates.valid_from,
        rates.valid_to,
        count(sessions.session_date) as session_number
    from rates
    left join sessions on rates.valid_from >= sessions.session_date
    group by rates.currency, rates.valid_from, rates.valid_to
),

days_aged as (
    select
        account_days.account_id,
        account_days.trade_date,
        account_days.currency,
        account_days.local_gross_pnl,
        account_days.open_cost,
        rates_numbered.valid_from,
        sessions.session_number - rates_numbered.session_number as age_sessions_count
    from account_days
    inner join rates_numbered
        on
            account_days.currency = rates_numbered.currency
            and account_days.trade_date >= rates_numbered.valid_from
            and account_days.trade_date < rates_numbered.valid_to
    inner join sessions on account_days.trade_date = sessions.session_date
),

stale_rates as (
    select
        currency,
        valid_from,
        max(age_sessions_count) as age_sessions_count,
        count(distinct account_id || ' ' || cast(trade_date as string)) as days_count,
        cast(sum(abs(local_gross_pnl)) as decimal(38, 2)) as local_gross_pnl,
        cast(max(abs(open_cost)) as decimal(38, 2)) as open_cost
    from days_aged
    where age_sessions_count > {{ var('exchange_rate_stale_after_sessions') }}
    group by currency, valid_from
),

rates_ordered as (
    select
        *,
        row_number() over (order by valid_from desc, currency asc) as shown_order
    from stale_rates
),

final as (
    select
        'stale_exchange_rates' as check_name,
        coalesce(sum(days_count), 0) as found_count,
        'account-days with an exchange rate that is older than '
        || '{{ var("exchange_rate_stale_after_sessions") }} sessions: '
        || {{ first_few_joined(
            "currency || ' of ' || valid_from || ', up to ' || age_sessions_count "
            ~ "|| ' sessions old on ' || days_count || ' account-days (gross ' || currency "
            ~ "|| ' ' || local_gross_pnl || ', largest position at cost ' || open_cost || ')'",
            '; ',
        ) }} as finding
    from rates_ordered
)

select * from final
