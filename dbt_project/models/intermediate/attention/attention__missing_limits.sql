{# Grain: one row, where traders who traded lately have no daily loss limit. #}
with

trader_status as (
    select
        trader_id,
        forecast_basis,
        prediction_date
    from {{ ref('trader_status') }}
    where forecast_basis not in ('inactive', 'never_traded')
),

limits as (
    select
        scope_name,
        valid_from,
        valid_to
    from {{ ref('int_limits') }}
    where scope_type = 'trader' and rule = 'daily_loss'
),

traders_limited as (
    select
        trader_status.trader_id,
        trader_status.prediction_date,
        limits.scope_name is null as is_without,
        row_number() over (
            partition by limits.scope_name is null order by trader_status.trader_id
        ) as shown_order
    from trader_status
    left join limits
        on
            trader_status.trader_id = limits.scope_name
            and trader_status.prediction_date >= limits.valid_from
            and trader_status.prediction_date < limits.valid_to
),

counted as (
    select count(*) as traders_count
    from traders_limited
),

without as (
    select
        min(prediction_date) as prediction_date,
        count(*) as without_count,
        {{ first_few_joined('trader_id') }} as traders
    from traders_limited
    where is_without
),

final as (
    select
        'missing_limit' as kind,
        3 as severity,
        'desk' as scope_type,
        'desk' as scope_name,
        without.prediction_date as trade_date,
        'daily_loss' as rule,
        cast(null as decimal(38, 8)) as amount,
        cast(null as decimal(18, 8)) as limit_value,
        {{ safe_divide('without.without_count', 'counted.traders_count') }} as ratio,
        cast(without.without_count as bigint) as days_count,
        cast(null as timestamp) as occurred_at,
        without.without_count || ' of ' || counted.traders_count
        || ' active traders have no daily loss limit' as fact,
        without.traders as comparison,
        'Set them in limits.csv; marts.proposed_limits has proposals' as what_to_do
    from without
    cross join counted
    where without.without_count > 0
)

select * from final
