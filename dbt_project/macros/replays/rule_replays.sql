{#
    What rules would have done to traders' own fills: one row per rule and trader day that
    it would have hit, or changed for what came on the days before. Known at the fill at
    which it is hit, or the evening before, and nothing later.

    `make what-if` reads this file as well: it uses no macro but to_amount and taken_apart.

    rules: relation with rule, kind, threshold, is_usual_days, is_losing_days and duration.
    days, points, trips: replay_days, replay_points and fct_round_trips.
    slip_basis_points: by how much worse the price of a replacing trade is at worst.
#}
{% macro rule_replays(rules, days, points, trips, slip_basis_points) -%}
    with

    rule_days as (
        -- Below a dollar a usual day is that of a trader who has not begun.
        select
            rules.rule,
            rules.kind,
            rules.duration,
            rules.is_losing_days,
            days.trader_id,
            days.trade_date,
            days.net_pnl,
            days.is_path_foreknown,
            case
                when rules.kind in ('stop', 'warn') then 'loss_amount'
                when rules.kind = 'give_back' then 'give_back_amount'
                when rules.kind = 'max_trades' then 'trades_count'
                when rules.kind in ('losing_trades', 'cool_down')
                    then 'losing_in_a_row_count'
            end as measure,
            cast(
                case
                    when rules.is_usual_days
                        then rules.threshold * greatest(days.usual_day_amount, 1)
                    else rules.threshold
                end as decimal(38, 8)
            ) as threshold
        from {{ rules }} as rules
        cross join {{ days }} as days
        where not rules.is_usual_days or days.usual_day_amount is not null
    ),

    points_measured as (
        -- Each figure by itself, so that a rule meets its own alone.
    {% for measure in [
            'loss_amount', 'give_back_amount', 'trades_count', 'losing_in_a_row_count'
        ] -%}
        select
            trader_id,
            trade_date,
            day_sequence,
            '{{ measure }}' as measure,
            cast({{ measure }} as decimal(38, 8)) as reached
        from {{ points }}
        where {{ measure }} is not null
        {{ 'union all' if not loop.last }}
    {% endfor %}
    ),

    points_reached as (
        select
            days.rule,
            days.kind,
            days.duration,
            days.trader_id,
            days.trade_date,
            days.net_pnl,
            days.is_path_foreknown,
            days.threshold,
            min(points.day_sequence) as day_sequence
        from rule_days as days
        inner join points_measured as points
            on
                days.trader_id = points.trader_id
                and days.trade_date = points.trade_date
                and days.measure = points.measure
                and days.threshold <= points.reached
        group by
            days.rule,
            days.kind,
            days.duration,
            days.trader_id,
            days.trade_date,
            days.net_pnl,
            days.is_path_foreknown,
            days.threshold
    ),

    fills_hit as (
        select
            points_reached.*,
            points.happened_at as hit_at,
            case
                when
                    points_reached.is_path_foreknown
                    and points_reached.kind in ('stop', 'warn', 'give_back')
                    then null
                else points.stop_effect
            end as stop_effect,
            points.replaced_notional,
            cast(case when points_reached.kind = 'warn' then 0.5 else 1 end as decimal(2, 1))
                as share
        from points_reached
        inner join {{ points }} as points
            on
                points_reached.trader_id = points.trader_id
                and points_reached.trade_date = points.trade_date
                and points_reached.day_sequence = points.day_sequence
    ),

    cooled_down as (
        -- A trip whose opening has no time may have been opened in the pause, or not.
        select
            fills_hit.rule,
            fills_hit.trader_id,
            fills_hit.trade_date,
            fills_hit.day_sequence,
            fills_hit.hit_at,
            fills_hit.net_pnl,
            fills_hit.threshold,
            case
                when
                    fills_hit.hit_at is not null
                    and count(trips.trader_id)
                    = count(case when trips.opened_at is not null then trips.net_pnl end)
                    then cast(-coalesce(sum(trips.net_pnl), 0) as decimal(38, 8))
            end as effect,
            cast(0 as decimal(38, 8)) as replaced_notional
        from fills_hit
        left join {{ trips }} as trips
            on
                fills_hit.trader_id = trips.trader_id
                and fills_hit.trade_date = trips.opened_date
                and fills_hit.trade_date = trips.closed_date
                and (
                    trips.opened_at is null
                    or (
                        trips.opened_at > fills_hit.hit_at
                        and trips.opened_at
                        <= fills_hit.hit_at + fills_hit.duration * interval '1' minute
                    )
                )
        where fills_hit.kind = 'cool_down'
        group by
            fills_hit.rule,
            fills_hit.trader_id,
            fills_hit.trade_date,
            fills_hit.day_sequence,
            fills_hit.hit_at,
            fills_hit.net_pnl,
            fills_hit.threshold
    ),

    capped as (
        -- A trip of unknown size may be above the cap, or not.
        select
            rule_days.rule,
            rule_days.trader_id,
            rule_days.trade_date,
            cast(null as bigint) as day_sequence,
            min(trips.opened_at) as hit_at,
            rule_days.net_pnl,
            rule_days.threshold,
            case
                when count(*) = count(trips.net_pnl * trips.peak_notional)
                    then cast(
                        sum({{ to_amount(
                            '-cast(trips.net_pnl as double) * (1 - cast(rule_days.threshold '
                            ~ 'as double) / cast(trips.peak_notional as double))'
                        ) }}) as decimal(38, 8)
                    )
            end as effect,
            cast(0 as decimal(38, 8)) as replaced_notional
        from rule_days
        inner join {{ trips }} as trips
            on
                rule_days.trader_id = trips.trader_id
                and rule_days.trade_date = trips.closed_date
                and coalesce(trips.peak_notional > rule_days.threshold, true)
        where rule_days.kind = 'size_cap'
        group by
            rule_days.rule,
            rule_days.trader_id,
            rule_days.trade_date,
            rule_days.net_pnl,
            rule_days.threshold
    ),

    whole_days as (
        -- Days of a trader under a rule on days before, and whether what hits it begins.
        select
            rule,
            kind,
            trader_id,
            trade_date,
            net_pnl,
            threshold,
            duration,
            case when is_losing_days then cast(threshold as bigint) else 1 end as days_needed,
            row_number() over rule_path as day_number,
            case when is_losing_days then net_pnl < 0 else -net_pnl >= threshold end
                as is_bad
        from rule_days
        where kind in ('sit_out', 'half_size')
        window rule_path as (partition by rule, trader_id order by trade_date)
    ),

    bad_rows as (
        select
            *,
            coalesce(
                min(case when not is_bad then day_number end) over (
                    partition by rule, trader_id order by day_number
                    rows between current row and unbounded following
                ),
                1 + max(day_number) over (partition by rule, trader_id)
            ) - day_number as bad_days_ahead
        from whole_days
    ),

    times as (
        -- While a rule lasts nothing hits it again, so that one time begins where the one
        -- before it is over, or later.
        select
            rule,
            trader_id,
            {{ taken_apart('day_number', 'days_needed + duration') }} as beginning
        from bad_rows
        where bad_days_ahead >= days_needed
        group by rule, trader_id, days_needed, duration
    ),

    days_off as (
        -- An expiry on a day without a fill would have come anyway.
        select
            days.rule,
            days.trader_id,
            days.trade_date,
            cast(null as bigint) as day_sequence,
            cast(null as timestamp) as hit_at,
            days.net_pnl,
            days.threshold,
            case when points.trader_id is null then 0 else points.stop_effect end as stop_effect,
            coalesce(points.replaced_notional, 0) as replaced_notional,
            cast(case when days.kind = 'half_size' then 0.5 else 1 end as decimal(2, 1))
                as share
        from times
        inner join whole_days as days
            on
                times.rule = days.rule
                and times.trader_id = days.trader_id
                and days.day_number >= times.beginning + days.days_needed
                and days.day_number < times.beginning + days.days_needed + days.duration
        left join {{ points }} as points
            on
                days.trader_id = points.trader_id
                and days.trade_date = points.trade_date
                and points.day_sequence = 0
    ),

    rests_replaced as (
        -- Of a day, what came after the fill that was hit; of a day off, all of it.
        select
            rule,
            trader_id,
            trade_date,
            day_sequence,
            hit_at,
            net_pnl,
            threshold,
            stop_effect,
            replaced_notional,
            share
        from fills_hit
        where kind <> 'cool_down'
        union all
        select * from days_off
    ),

    stopped as (
        select
            rule,
            trader_id,
            trade_date,
            day_sequence,
            hit_at,
            net_pnl,
            threshold,
            cast(cast(stop_effect as decimal(24, 8)) * share as decimal(38, 8)) as effect,
            cast(cast(replaced_notional as decimal(24, 8)) * share as decimal(38, 8))
                as replaced_notional
        from rests_replaced
    ),

    replays as (
        select * from stopped
        union all
        select * from cooled_down
        union all
        select * from capped
    )

    select
        ---------- keys
        rule,
        trader_id,
        trade_date,
        day_sequence,
        ---------- money
        threshold as threshold_amount,
        net_pnl,
        cast(net_pnl + effect as decimal(38, 8)) as replayed_net_pnl,
        effect,
        replaced_notional,
        cast(
            effect - cast(replaced_notional as decimal(24, 8))
            * cast({{ slip_basis_points }} / 10000.0 as decimal(8, 6)) as decimal(38, 8)
        ) as effect_after_slip,
        ---------- times
        hit_at
    from replays
{%- endmacro %}
