{#
    Grain: one row per trader and date of which an account in the desk's total has P&L, or
    of which it is not known whether it has.
    Realized is net; total is net, adjustments and unrealized delta, and null where any
    account's part is unknown: pnl_basis says what is known, unknown_parts what is not. The
    label that models learn is realized.
#}
with

account_days as (
    select * from {{ ref('int_account_total_pnl') }}
    where is_in_desk_total
),

traders as (
    select
        trader_id,
        daily_loss_limit_amount,
        valid_from,
        valid_to
    from {{ ref('dim_traders') }}
),

unknown_accounts as (
    select
        trader_id,
        trade_date,
        account_id,
        unknown_reason,
        row_number() over (
            partition by trader_id, trade_date order by account_id
        ) as shown_order
    from account_days
    where unknown_reason is not null
),

unknown_parts as (
    select
        trader_id,
        trade_date,
        {{ first_few_joined("account_id || ' (' || replace(unknown_reason, '_', ' ') || ')'") }}
            as unknown_parts
    from unknown_accounts
    group by trader_id, trade_date
),

trader_days as (
    select
        trader_id,
        trade_date,
        count(*) as accounts_count,
        {{ count_where('unknown_reason is not null') }} as unknown_accounts_count,
        {{ count_where('not is_realised_known') }} as incomplete_accounts_count,
        {{ count_where('stale_marks_count > 0') }} as carried_marks_accounts_count,
        sum(stale_marks_count) as stale_marks_count,
        max(oldest_mark_age_sessions_count) as oldest_mark_age_sessions_count,
        -- One unknown part makes the sum unknown.
        {{ sum_if_known('gross_pnl') }} as gross_pnl,
        {{ sum_if_known('total_fees') }} as total_fees,
        {{ sum_if_known('net_pnl') }} as net_pnl,
        {{ sum_if_known('adjustments_amount') }} as adjustments_amount,
        {{ sum_if_known('unrealized_delta') }} as unrealized_delta,
        {{ sum_if_known('total_pnl') }} as total_pnl
    from account_days
    group by trader_id, trade_date
),

trader_days_limited as (
    select
        trader_days.*,
        unknown_parts.unknown_parts,
        coalesce(
            traders.daily_loss_limit_amount, {{ var('default_daily_loss_limit_amount') }}
        ) as daily_loss_limit_amount,
        -- Of fills that are not there nobody can tell what was realized.
        case when trader_days.incomplete_accounts_count = 0 then trader_days.net_pnl end
            as known_net_pnl
    from trader_days
    inner join traders
        on
            trader_days.trader_id = traders.trader_id
            and trader_days.trade_date >= traders.valid_from
            and trader_days.trade_date < traders.valid_to
    left join unknown_parts
        on
            trader_days.trader_id = unknown_parts.trader_id
            and trader_days.trade_date = unknown_parts.trade_date
),

trader_days_with_losses as (
    select
        *,
        case when known_net_pnl < 0 then -known_net_pnl when known_net_pnl >= 0 then 0 end
            as realised_loss,
        case when total_pnl < 0 then -total_pnl when total_pnl >= 0 then 0 end
            as total_loss
    from trader_days_limited
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- what the total covers
        case
            when total_pnl is not null then 'total'
            when known_net_pnl is not null then 'realised_only'
            else 'incomplete'
        end as pnl_basis,
        unknown_parts,
        cast(accounts_count as bigint) as accounts_count,
        unknown_accounts_count,
        carried_marks_accounts_count,
        cast(stale_marks_count as bigint) as stale_marks_count,
        cast(oldest_mark_age_sessions_count as bigint) as oldest_mark_age_sessions_count,
        ---------- money
        cast(gross_pnl as decimal(38, 8)) as gross_pnl,
        cast(total_fees as decimal(38, 8)) as total_fees,
        cast(net_pnl as decimal(38, 8)) as net_pnl,
        cast(adjustments_amount as decimal(38, 8)) as adjustments_amount,
        cast(unrealized_delta as decimal(38, 8)) as unrealized_delta,
        cast(total_pnl as decimal(38, 8)) as total_pnl,
        ---------- against the limit
        cast(daily_loss_limit_amount as decimal(18, 8)) as daily_loss_limit_amount,
        {{ safe_divide('realised_loss', 'daily_loss_limit_amount') }}
            as limit_use_ratio,
        {{ safe_divide('total_loss', 'daily_loss_limit_amount') }}
            as total_limit_use_ratio,
        known_net_pnl < -daily_loss_limit_amount as is_limit_breached,
        total_pnl < -daily_loss_limit_amount as is_limit_breached_by_total
    from trader_days_with_losses
)

select * from final
