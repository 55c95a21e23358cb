{{ config(
    materialized='incremental',
    meta={'planned_by': 'account_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account and date with a fill.
    What there is to count and to check of the day's fills.
#}
with

fills as (
    {{ planned_rows(ref('int_fills_current'), 'account_days') }}
),

final as (
    select
        ---------- keys
        account_id,
        trade_date,
        ---------- what counts as trading
        cast(
            count(distinct case when is_counted and is_regular then order_id end) as bigint
        ) as orders_count,
        {{ count_where('is_counted and is_regular') }} as fills_count,
        {{ sum_or_zero('case when is_counted and is_regular then quantity end') }}
            as quantity,
        ---------- what moves position and P&L
        {{ count_where('is_counted') }} as counted_fills_count,
        {{ sum_or_zero(
            'case when is_counted then quantity * cast(multiplier as decimal(19, 8)) end'
        ) }} as traded_units,
        max(
            case
                when
                    not is_counted
                    or price = cast(price as decimal(18, 2))
                    then 2
                {% for decimals in range(3, 8) %}
                    when price = cast(price as decimal(18, {{ decimals }})) then {{ decimals }}
                {% endfor %}
                else 8
            end
        ) as price_decimals,
        ---------- journal entries and cancelled fills
        {{ count_where('is_counted and not is_regular') }} as journal_fills_count,
        {{ sum_or_zero('case when is_counted and not is_regular then quantity end') }}
            as journal_quantity,
        {{ count_where('is_cancelled') }} as cancelled_fills_count,
        {{ sum_or_zero('case when is_cancelled then quantity end') }} as cancelled_quantity,
        ---------- what to ask about
        {{ count_where('lacks_multiplier') }} as unknown_size_fills_count,
        {{ count_where('is_counted and is_currency_assumed') }}
            as assumed_currency_fills_count,
        {{ count_where("is_counted and instrument_type = 'equity' and price < 0") }}
            as negative_price_fills_count
    from fills
    group by account_id, trade_date
)

select * from final
