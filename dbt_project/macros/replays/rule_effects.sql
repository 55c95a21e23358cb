{#
    What rules come to: one row per rule and trader, and one of the desk. What nobody knows
    (a threshold in usual days on a trader's first day, an effect without an exchange
    rate) is counted, and in no figure.

    `make what-if` reads this file as well: it uses no macro but to_amount and rule_days.

    rules: relation with rule and is_usual_days.
    replays: what rule_replays gives.
    days: replay_days.
    minimum_dates, minimum_traders: with fewer no interval is known.
#}
{% macro rule_effects(rules, replays, days, minimum_dates, minimum_traders) -%}
    with

    rule_days as (
        {{ rule_days(rules, replays, days) }}
    ),

    scoped_days as (
        select
            'desk' as scope,
            *
        from rule_days
        union all
        select
            trader_id as scope,
            *
        from rule_days
    ),

    totals as (
        select
            rule,
            scope,
            max(trader_id) as trader_id,
            count(distinct trader_id) as traders_count,
            count(effect) as trader_days_count,
            count(*) - count(effect) as unknown_days_count,
            sum(case when is_hit and effect is not null then 1 else 0 end) as hit_days_count,
            -- Of days of which none is known nothing is, not 0.
            sum(case when effect > 0 then effect when effect <= 0 then 0 end)
                as avoided_loss_amount,
            sum(case when effect < 0 then -effect when effect >= 0 then 0 end)
                as missed_gain_amount,
            sum(effect) as effect,
            sum(case when effect is not null then effect_after_slip end)
                as effect_after_slip,
            -- Of exact sums, so that two builds agree to the last digit.
            cast(sum(effect) as double) / nullif(count(effect), 0) as mean_effect
        from scoped_days
        group by rule, scope
    ),

    date_sums as (
        select
            scoped_days.rule,
            scoped_days.scope,
            scoped_days.trade_date,
            sum(scoped_days.net_pnl) as net_pnl,
            sum(scoped_days.net_pnl + scoped_days.effect) as replayed_net_pnl,
            cast(sum(scoped_days.effect) as double)
            - count(scoped_days.effect) * max(totals.mean_effect) as beyond_mean
        from scoped_days
        inner join totals
            on scoped_days.rule = totals.rule and scoped_days.scope = totals.scope
        where scoped_days.effect is not null
        group by scoped_days.rule, scoped_days.scope, scoped_days.trade_date
    ),

    trader_sums as (
        select
            rule_days.rule,
            cast(sum(rule_days.effect) as double)
            - count(rule_days.effect) * max(totals.mean_effect) as beyond_mean
        from rule_days
        inner join totals on rule_days.rule = totals.rule and totals.scope = 'desk'
        where rule_days.effect is not null
        group by rule_days.rule, rule_days.trader_id
    ),

    paths as (
        select
            *,
            sum(net_pnl) over (
                partition by rule, scope order by trade_date
                rows between unbounded preceding and current row
            ) as running_net_pnl,
            sum(replayed_net_pnl) over (
                partition by rule, scope order by trade_date
                rows between unbounded preceding and current row
            ) as running_replayed_net_pnl,
            row_number() over (
                partition by rule, scope order by net_pnl, trade_date
            ) as worst_place,
            row_number() over (
                partition by rule, scope order by replayed_net_pnl, trade_date
            ) as replayed_worst_place,
            count(*) over (partition by rule, scope) as dates_count
        from date_sums
    ),

    falls as (
        select
            *,
            greatest(
                max(running_net_pnl) over (
                    partition by rule, scope order by trade_date
                    rows between unbounded preceding and current row
                ),
                0
            ) - running_net_pnl as fall,
            greatest(
                max(running_replayed_net_pnl) over (
                    partition by rule, scope order by trade_date
                    rows between unbounded preceding and current row
                ),
                0
            ) - running_replayed_net_pnl as replayed_fall
        from paths
    ),

    shapes as (
        select
            rule,
            scope,
            count(*) as dates_count,
            min(net_pnl) as worst_day_pnl,
            min(replayed_net_pnl) as replayed_worst_day_pnl,
            cast(
                sum(case when worst_place <= ceil(0.05 * dates_count) then net_pnl end)
                as double
            ) / ceil(0.05 * count(*)) as tail_mean_pnl,
            cast(
                sum(
                    case
                        when replayed_worst_place <= ceil(0.05 * dates_count)
                            then replayed_net_pnl
                    end
                ) as double
            ) / ceil(0.05 * count(*)) as replayed_tail_mean_pnl,
            max(fall) as max_drawdown,
            max(replayed_fall) as replayed_max_drawdown,
            cast(sum({{ to_amount('beyond_mean * beyond_mean') }}) as double) as date_squares
        from falls
        group by rule, scope
    ),

    trader_shapes as (
        select
            rule,
            cast(sum({{ to_amount('beyond_mean * beyond_mean') }}) as double) as trader_squares
        from trader_sums
        group by rule
    ),

    errors as (
        -- Days of one date count as one draw, and days of one trader: the wider counts,
        -- that of dates where traders are too few.
        select
            totals.*,
            shapes.dates_count,
            shapes.worst_day_pnl,
            shapes.replayed_worst_day_pnl,
            shapes.tail_mean_pnl,
            shapes.replayed_tail_mean_pnl,
            shapes.max_drawdown,
            shapes.replayed_max_drawdown,
            case
                when shapes.dates_count >= {{ minimum_dates }}
                    then {{ clustered_error(
                        'shapes.date_squares', 'shapes.dates_count', 'totals.trader_days_count'
                    ) }}
            end as date_error,
            case
                when totals.scope = 'desk' and totals.traders_count >= {{ minimum_traders }}
                    then {{ clustered_error(
                        'trader_shapes.trader_squares',
                        'totals.traders_count',
                        'totals.trader_days_count',
                    ) }}
            end as trader_error
        from totals
        left join shapes
            on totals.rule = shapes.rule and totals.scope = shapes.scope
        left join trader_shapes
            on totals.rule = trader_shapes.rule
    ),

    widest as (
        select
            *,
            case
                when date_error is not null
                    then 1.645 * greatest(date_error, coalesce(trader_error, 0))
            end as half_interval
        from errors
    )

    select
        ---------- keys
        rule,
        case when scope = 'desk' then 'desk' else 'trader' end as scope,
        case when scope <> 'desk' then trader_id end as trader_id,
        ---------- counts
        cast(trader_days_count as bigint) as trader_days_count,
        cast(unknown_days_count as bigint) as unknown_days_count,
        cast(hit_days_count as bigint) as hit_days_count,
        ---------- money
        cast(avoided_loss_amount as decimal(38, 8)) as avoided_loss_amount,
        cast(missed_gain_amount as decimal(38, 8)) as missed_gain_amount,
        cast(effect as decimal(38, 8)) as effect,
        cast(effect_after_slip as decimal(38, 8)) as effect_after_slip,
        mean_effect,
        mean_effect - half_interval as mean_effect_low,
        mean_effect + half_interval as mean_effect_high,
        ---------- before and after
        cast(worst_day_pnl as decimal(38, 8)) as worst_day_pnl,
        cast(replayed_worst_day_pnl as decimal(38, 8)) as replayed_worst_day_pnl,
        tail_mean_pnl,
        replayed_tail_mean_pnl,
        cast(max_drawdown as decimal(38, 8)) as max_drawdown,
        cast(replayed_max_drawdown as decimal(38, 8)) as replayed_max_drawdown
    from widest
{%- endmacro %}

{#
    Standard error of a mean from the squares of its clusters' sums, as
    ml.losses.clustered_errors has it: widened for few clusters, so that three of them are
    as rare as three of a normal (Student's t by its expansion, Abramowitz and Stegun 26.7.5).
#}
{% macro clustered_error(squares, clusters, rows) -%}
    sqrt({{ clusters }} / ({{ clusters }} - 1.0) * {{ squares }}) / {{ rows }}
    * (
        1
        + 2.5 / ({{ clusters }} - 1)
        + 5.75 / power({{ clusters }} - 1, 2)
        + 10.0625 / power({{ clusters }} - 1, 3)
    )
{%- endmacro %}
