{#
    Grain: one row per trader and trader day D (int_trader_days).
    How often a trader loses, and how much when it happens: what the reference model of
    the forecasts reads (ml/reference.py). Known at the close of D; recent days weigh
    more, half of it every 10 trader days.
    A day's P&L is of one of three kinds: lost in trading (gross below 0), lost to fees
    alone (net below 0, gross not), or not lost. Sizes are natural logarithms of net
    dollars, of a cent at least.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        trader_days_count,
        gross_pnl,
        net_pnl < 0 and gross_pnl < 0 as is_trading_loss,
        net_pnl < 0 and gross_pnl >= 0 as is_fees_loss,
        net_pnl > 0 as is_gain,
        ln(greatest(abs(cast(net_pnl as double)), 0.01)) as log_size
    from {{ ref('int_trader_days') }}
),

days_decayed as (
    select
        trader_id,
        trade_date,
        gross_pnl,
        {% for kind in ['trading_loss', 'fees_loss', 'gain'] -%}
            {{ decayed_mean('case when is_' ~ kind ~ ' then 1.0 else 0.0 end', 10) }}
                as {{ kind }}_ratio,
            {{ decayed_mean('log_size', 10, 'is_' ~ kind) }} as log_{{ kind }}_size
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from trader_days
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- the day
        cast(gross_pnl as double) as gross_pnl,
        ---------- how often
        trading_loss_ratio as trading_loss_day_ratio_ewm_10d,
        fees_loss_ratio as fees_loss_day_ratio_ewm_10d,
        gain_ratio as gain_day_ratio_ewm_10d,
        ---------- how much
        log_trading_loss_size as log_trading_loss_size_ewm_10d,
        log_fees_loss_size as log_fees_loss_size_ewm_10d,
        log_gain_size as log_gain_size_ewm_10d
    from days_decayed
)

select * from final
