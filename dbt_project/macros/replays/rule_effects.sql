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

    trader_totals as (
        select
            rule,
            trader_id,
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
                as effect_after_slip
        from rule_days
        group by rule, trader_id
    ),

    scope_totals as (
        select
            trader_id as scope,
            trader_totals.*,
            1 as traders_count
        from trader_totals
        union all
        select
            'desk' as scope,
            rule,
            cast(null as varchar(100)) as trader_id,
            cast(sum(trader_days_count) as bigint) as trader_days_count,
            cast(sum(unknown_days_count) as bigint) as unknown_days_count,
            sum(hit_days_count) as hit_days_count,
            sum(avoided_loss_amount) as avoided_loss_amount,
            sum(missed_gain_amount) as missed_gain_amount,
            sum(effect) as effect,
            sum(effect_after_slip) as effect_after_slip,
            -- Of whom no day is known, there is no cluster.
            sum(case when trader_days_count > 0 then 1 else 0 end) as traders_count
        from trader_totals
        group by rule
    ),

    walks_numbered as (
        select
            *,
            row_number() over (order by scope, rule) as walk_number
        from scope_totals
    ),

    totals as (
        select
            *,
            -- Of exact sums, so that two builds agree to the last digit.
            cast(effect as double) / nullif(trader_days_count, 0) as mean_effect,
            -- What the days were is the same of all rules that know every one: one walk.
            case
                when unknown_days_count > 0 then walk_number
                else min(case when unknown_days_count = 0 then walk_number end) over (
                    partition by scope
                )
            end as walk_before
        from walks_numbered
    ),

    date_sums as (
        select
            rule,
            trader_id as scope,
            trade_date,
            1 as trader_days_count,
            net_pnl,
            net_pnl + effect as replayed_net_pnl,
            effect
        from rule_days
        where effect is not null
        union all
        select
            rule,
            'desk' as scope,
            trade_date,
            count(*) as trader_days_count,
            sum(net_pnl) as net_pnl,
            sum(net_pnl + effect) as replayed_net_pnl,
            sum(effect) as effect
        from rule_days
        where effect is not null
        group by rule, trade_date
    ),

    walk_dates as (
        select
            totals.walk_number,
            totals.walk_before,
            date_sums.trade_date,
            date_sums.net_pnl,
            date_sums.replayed_net_pnl,
            cast(date_sums.effect as double)
            - date_sums.trader_days_count * totals.mean_effect as beyond_mean
        from date_sums
        inner join totals
            on date_sums.rule = totals.rule and date_sums.scope = totals.scope
    ),

    date_squares as (
        select
            walk_number,
            cast(sum({{ to_amount('beyond_mean * beyond_mean') }}) as double) as date_squares
        from walk_dates
        group by walk_number
    ),

    traders_beyond as (
        select
            trader_totals.rule,
            cast(trader_totals.effect as double)
            - trader_totals.trader_days_count * totals.mean_effect as beyond_mean
        from trader_totals
        inner join totals
            on trader_totals.rule = totals.rule and totals.scope = 'desk'
        where trader_totals.trader_days_count > 0
    ),

    trader_squares as (
        select
            rule,
            cast(sum({{ to_amount('beyond_mean * beyond_mean') }}) as double) as trader_squares
        from traders_beyond
        group by rule
    ),

    walks as (
        -- What the days were, and what they would have been.
        select
            walk_number,
            false as is_replayed,
            trade_date,
            net_pnl
        from walk_dates
        where walk_number = walk_before
        union all
        select
            walk_number,
            true as is_replayed,
            trade_date,
            replayed_net_pnl as net_pnl
        from walk_dates
    ),

    paths as (
        select
            *,
            sum(net_pnl) over (
                partition by walk_number, is_replayed order by trade_date
                rows between unbounded preceding and current row
            ) as running_net_pnl,
            row_number() over (
                partition by walk_number, is_replayed order by net_pnl, trade_date
            ) as worst_place,
            count(*) over (partition by walk_number, is_replayed) as dates_count
        from walks
    ),

    falls as (
        select
            *,
            greatest(
                max(running_net_pnl) over (
                    partition by walk_number, is_replayed order by trade_date
                    rows between unbounded preceding and current row
                ),
                0
            ) - running_net_pnl as fall
        from paths
    ),

    shapes as (
        select
            walk_number,
            is_replayed,
            count(*) as dates_count,
            min(net_pnl) as worst_day_pnl,
            cast(
                sum(case when worst_place <= ceil(0.05 * dates_count) then net_pnl end)
                as double
            ) / ceil(0.05 * count(*)) as tail_mean_pnl,
            max(fall) as max_drawdown
        from falls
        group by walk_number, is_replayed
    ),

    errors as (
        -- Days of one date count as one draw, and days of one trader: the wider counts,
        -- that of dates where traders are too few.
        select
            totals.*,
            before.worst_day_pnl,
            replayed.worst_day_pnl as replayed_worst_day_pnl,
            before.tail_mean_pnl,
            replayed.tail_mean_pnl as replayed_tail_mean_pnl,
            before.max_drawdown,
            replayed.max_drawdown as replayed_max_drawdown,
            case
                when replayed.dates_count >= {{ minimum_dates }}
                    then {{ clustered_error(
                        'date_squares.date_squares',
                        'replayed.dates_count',
                        'totals.trader_days_count',
                    ) }}
            end as date_error,
            case
                when totals.scope = 'desk' and totals.traders_count >= {{ minimum_traders }}
                    then {{ clustered_error(
                        'trader_squares.trader_squares',
                        'totals.traders_count',
                        'totals.trader_days_count',
                    ) }}
            end as trader_error
        from totals
        left join shapes as before
            on totals.walk_before = before.walk_number and not before.is_replayed
        left join shapes as replayed
            on totals.walk_number = replayed.walk_number and replayed.is_replayed
        left join date_squares
            on totals.walk_number = date_squares.walk_number
        left join trader_squares
            on totals.rule = trader_squares.rule
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
        trader_id,
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
