{#
    Grain: one row per breach of a limit of the last ten sessions that is not closed.
    Where a trader's only account has the limit, the trader's row tells of it.
#}
with

breaches as (
    select * from {{ ref('fct_breaches') }}
    where status = 'open'
),

sessions as (
    select * from {{ ref('int_recent_sessions') }}
),

recent as (
    select
        min(session_date) as first_date,
        min(case when recency <= 5 then session_date end) as first_new_date,
        max(session_date) as last_date
    from sessions
),

account_scopes as (
    select
        account_id,
        scope_name as trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_scopes') }}
    where scope_type = 'trader'
),

told_of_traders as (
    select distinct
        account_scopes.account_id,
        breaches.rule,
        breaches.trade_date
    from breaches
    inner join account_scopes
        on
            breaches.scope_name = account_scopes.trader_id
            and breaches.trade_date >= account_scopes.valid_from
            and breaches.trade_date < account_scopes.valid_to
    where breaches.scope_type = 'trader'
),

final as (
    select
        'breach' as kind,
        -- What began long ago and was looked at since stays in sight, behind what is new.
        case
            when
                breaches.last_breached_date = recent.last_date
                and breaches.trade_date >= recent.first_new_date
                then 1
            else 2
        end as severity,
        breaches.scope_type,
        breaches.scope_name,
        breaches.trade_date,
        breaches.rule,
        case when breaches.limit_unit = 'dollars' then breaches.most_value end as amount,
        breaches.limit_value,
        {{ safe_divide('breaches.most_value', 'breaches.limit_value') }} as ratio,
        breaches.breached_days_count as days_count,
        breaches.breached_at as occurred_at,
        {{ limit_words('breaches.rule', 'breaches.most_value') }}
        || case
            when breaches.rule = 'daily_loss' and breaches.used_value < breaches.peak_value
                then ', closed at ' || {{ dollars_text('breaches.net_pnl') }}
            when breaches.breached_days_count > 1
                then ', ' || breaches.breached_days_count || ' sessions beyond the limit'
            else ''
        end
        || case
            when breaches.is_reopened
                then
                    ', deeper since ' || breaches.noted_by || ' closed it on '
                    || cast(breaches.noted_at as date)
            else ''
        end as fact,
        'limit ' || {{ limit_amount_words('breaches.limit_unit', 'breaches.limit_value') }}
        || case
            when breaches.fills_after_breach_count > 0
                then
                    '; ' || breaches.fills_after_breach_count || ' fills after it '
                    || case when breaches.net_pnl_after_breach < 0 then 'lost ' else 'made ' end
                    || {{ dollars_text('abs(breaches.net_pnl_after_breach)') }}
            else ''
        end as comparison,
        case
            when
                breaches.rule in (
                    'daily_loss', 'weekly_loss', 'monthly_loss', 'drawdown', 'losing_streak'
                )
                then 'Speak with the trader before the open; note what was agreed'
            when breaches.rule = 'overnight_exposure' then 'Reduce what is held at the open'
            else 'Check the size in the platform''s settings'
        end as what_to_do
    from breaches
    cross join recent
    left join told_of_traders
        on
            breaches.scope_type = 'account'
            and breaches.scope_name = told_of_traders.account_id
            and breaches.rule = told_of_traders.rule
            and breaches.trade_date = told_of_traders.trade_date
    where
        breaches.last_breached_date >= recent.first_date
        and told_of_traders.account_id is null
)

select * from final
