{#
    What rules changed of every trader day: one row per rule, trader and date. The effect is
    0 where the rule was not hit, and null where nobody knows it.

    `make what-if` reads this file as well: it uses no other macro.

    rules: relation with rule and is_usual_days.
    replays: what rule_replays gives.
    days: replay_days.
#}
{% macro rule_days(rules, replays, days) -%}
    select
        rules.rule,
        days.trader_id,
        days.trade_date,
        days.net_pnl,
        replays.rule is not null as is_hit,
        case
            when rules.is_usual_days and days.usual_day_amount is null then null
            when replays.rule is null then cast(0 as decimal(38, 8))
            else replays.effect
        end as effect,
        case
            when replays.rule is null then cast(0 as decimal(38, 8))
            else replays.effect_after_slip
        end as effect_after_slip
    from {{ rules }} as rules
    cross join {{ days }} as days
    left join {{ replays }} as replays
        on
            rules.rule = replays.rule
            and days.trader_id = replays.trader_id
            and days.trade_date = replays.trade_date
{%- endmacro %}
