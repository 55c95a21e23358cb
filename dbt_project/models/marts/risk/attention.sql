{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per fact that needs attention this morning, the gravest first.
    Severity 1: act before the open; 2: look at it today; 3: know it. Within one, what
    happened comes before what is forecast, then dollars decide. Facts need no model.
    rank_in_scope = 1 is the gravest of each trader, group, strategy or the desk.
#}
with

facts as (
    {% for kind in [
        'unknown_pnl', 'breaches', 'large_losses', 'new_lows', 'losing_streaks', 'overnight',
        'broker_breaks', 'unusual_activity', 'limit_risk', 'missing_limits',
        'unused_notes'
    ] -%}
        {{ "union all" if not loop.first }}
        select
            {{ loop.index }} as kind_order,
            kind,
            severity,
            scope_type,
            scope_name,
            trade_date,
            rule,
            cast(amount as decimal(38, 8)) as amount,
            limit_value,
            ratio,
            days_count,
            occurred_at,
            fact,
            comparison,
            what_to_do
        from {{ ref('attention__' ~ kind) }}
    {% endfor -%}
),

traders as (
    select
        trader_id,
        display_name
    from {{ ref('dim_traders') }}
    where is_current
),

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

final as (
    select
        ---------- keys
        cast(row_number() over gravest_first as bigint) as attention_rank,
        run_context.prediction_date,
        facts.kind,
        facts.scope_type,
        facts.scope_name,
        facts.rule,
        facts.trade_date,
        ---------- words
        case
            when facts.scope_type = 'desk' then 'The desk'
            else coalesce(traders.display_name, facts.scope_name)
        end as display_name,
        facts.fact,
        facts.comparison,
        facts.what_to_do,
        ---------- numbers
        cast(facts.severity as bigint) as severity,
        cast(
            row_number() over (
                partition by facts.scope_type, facts.scope_name
                order by
                    facts.severity asc, facts.kind_order asc,
                    -- A day's loss before the week's that it is in.
                    case facts.rule when 'daily_loss' then 0 else 1 end asc,
                    facts.amount desc nulls last, facts.trade_date desc, facts.rule asc
            ) as bigint
        ) as rank_in_scope,
        facts.ratio,
        cast(facts.days_count as bigint) as days_count,
        facts.limit_value,
        ---------- money
        facts.amount,
        ---------- times
        facts.occurred_at
    from facts
    cross join run_context
    left join traders
        on
            facts.scope_type = 'trader'
            and facts.scope_name = traders.trader_id
    window gravest_first as (
        order by
            facts.severity asc,
            -- Losses by their dollars, whether a limit was set or not; then what was held.
            case
                when facts.kind = 'unknown_pnl' then 0
                when facts.kind = 'large_loss' then 1
                when
                    facts.kind = 'breach'
                    and facts.rule in ('daily_loss', 'weekly_loss', 'monthly_loss', 'drawdown')
                    then 1
                else facts.kind_order
            end asc,
            facts.amount desc nulls last, facts.kind_order asc, facts.trade_date desc,
            facts.scope_type asc, facts.scope_name asc, facts.rule asc
    )
)

select * from final
