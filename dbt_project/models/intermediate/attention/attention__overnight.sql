{#
    Grain: one row per trader who holds far more overnight than usual: more than the
    trader held on nineteen of twenty of the last 250 nights, flat ones included.
#}
with

trader_nights as (
    select
        scope_name,
        trade_date,
        overnight_gross_exposure,
        overnight_symbol,
        overnight_symbol_exposure
    from {{ ref('fct_scope_exposure') }}
    where scope_type = 'trader'
),

sessions as (
    select session_date from {{ ref('int_recent_sessions') }}
    where recency = 1
),

nights_numbered as (
    select
        *,
        row_number() over (partition by scope_name order by trade_date desc) as recency
    from trader_nights
),

nights_above as (
    select
        last_night.scope_name,
        last_night.trade_date,
        last_night.overnight_gross_exposure,
        last_night.overnight_symbol,
        last_night.overnight_symbol_exposure,
        count(past_nights.scope_name) as past_count,
        sum(
            case
                when past_nights.overnight_gross_exposure >= last_night.overnight_gross_exposure
                    then 1
                else 0
            end
        ) as as_large_count
    from nights_numbered as last_night
    inner join sessions on last_night.trade_date = sessions.session_date
    inner join nights_numbered as past_nights
        on
            last_night.scope_name = past_nights.scope_name
            and past_nights.recency between 2 and 251
    where last_night.recency = 1 and last_night.overnight_gross_exposure > 0
    group by
        last_night.scope_name, last_night.trade_date, last_night.overnight_gross_exposure,
        last_night.overnight_symbol, last_night.overnight_symbol_exposure
),

final as (
    select
        'held_overnight' as kind,
        2 as severity,
        'trader' as scope_type,
        scope_name,
        trade_date,
        'overnight_exposure' as rule,
        overnight_gross_exposure as amount,
        cast(null as decimal(18, 8)) as limit_value,
        cast(null as double) as ratio,
        cast(null as bigint) as days_count,
        cast(null as timestamp) as occurred_at,
        'holds ' || {{ dollars_text('overnight_gross_exposure') }} || ' overnight, most of it '
        || {{ dollars_text('overnight_symbol_exposure') }} || ' of ' || overnight_symbol as fact,
        'as much on ' || as_large_count || ' of the ' || past_count || ' nights before'
            as comparison,
        'Ask what the plan for the open is' as what_to_do
    from nights_above
    where past_count >= 20 and as_large_count <= 0.05 * past_count
)

select * from final
