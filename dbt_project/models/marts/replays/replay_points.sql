{{ config(meta={'planned_by': 'trader_days'}) }}
{#
    Grain: one row per fill at which a trader's day went further than before, and one for
    the moment before its first fill (day_sequence 0): where a rule can be hit, and what
    stopping there would have done.
#}
with

points as (
    select * from {{ ref('int_replay_points') }}
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        day_sequence,
        ---------- how far the day has gone
        loss_amount,
        give_back_amount,
        trades_count,
        losing_in_a_row_count,
        ---------- what stopping here would have done
        net_pnl_so_far,
        stop_effect,
        replaced_notional,
        ---------- times
        happened_at
    from points
)

select * from final
