{#
    Grain: one row per trader whose turnover or number of trades in the last session was far
    above the trader's own usual of twenty days.
#}
with

features as (
    select
        trader_id,
        trade_date,
        notional_vs_20d_ratio,
        trips_vs_20d_ratio
    from {{ ref('feat_trader_day') }}
),

trader_days as (
    select
        trader_id,
        trade_date,
        traded_days_count,
        notional,
        net_pnl
    from {{ ref('int_trader_days') }}
    where is_traded_day
),

sessions as (
    select session_date from {{ ref('int_recent_sessions') }}
    where recency = 1
),

final as (
    select
        'unusual_activity' as kind,
        3 as severity,
        'trader' as scope_type,
        features.trader_id as scope_name,
        features.trade_date,
        cast(null as string) as rule,
        trader_days.notional as amount,
        cast(null as decimal(18, 8)) as limit_value,
        greatest(features.notional_vs_20d_ratio, features.trips_vs_20d_ratio) as ratio,
        cast(null as bigint) as days_count,
        cast(null as timestamp) as occurred_at,
        case
            when
                features.notional_vs_20d_ratio >= features.trips_vs_20d_ratio
                or features.trips_vs_20d_ratio is null
                then
                    'turned over ' || {{ dollars_text('trader_days.notional') }} || ', '
                    || {{ times_text('features.notional_vs_20d_ratio') }}
            else 'traded ' || {{ times_text('features.trips_vs_20d_ratio') }}
        end || ' the usual day' as fact,
        'net ' || {{ dollars_text('trader_days.net_pnl') }} || ' on it' as comparison,
        'Ask what changed' as what_to_do
    from features
    inner join sessions on features.trade_date = sessions.session_date
    inner join trader_days
        on
            features.trader_id = trader_days.trader_id
            and features.trade_date = trader_days.trade_date
    where
        trader_days.traded_days_count >= 20
        and (
            features.notional_vs_20d_ratio >= {{ var('attention_unusual_ratio') }}
            or features.trips_vs_20d_ratio >= {{ var('attention_unusual_ratio') }}
        )
)

select * from final
