{#
    Grain: one row per trader, as of the AS_OF morning.
    forecast_basis says which model forecasts a trader's next session: a model of the
    trader's own, the model all share, or nothing (and why). Who has no fill because the
    fills did not arrive (fills_missing) has not "never traded".
#}
with

accounts as (
    select
        account_id,
        trader_id
    from {{ ref('int_account_traders') }}
    where valid_to = {{ max_date() }} and is_in_desk_total
),

traders_said as (
    select
        trader_id,
        display_name,
        is_active,
        daily_loss_limit_amount
    from {{ ref('dim_traders') }}
    where is_current
),

trader_days as (
    select
        trader_id,
        trade_date
    from {{ ref('int_trader_days') }}
    where is_traded_day
),

unknown_trading as (
    select
        account_id,
        vanished_until,
        is_cut
    from {{ ref('int_unknown_trading') }}
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

trader_accounts as (
    select
        trader_id,
        count(distinct account_id) as accounts_count
    from accounts
    group by trader_id
),

trader_histories as (
    select
        trader_id,
        count(*) as traded_days_count,
        min(trade_date) as first_traded_date,
        max(trade_date) as last_traded_date
    from trader_days
    group by trader_id
),

idle_sessions as (
    select
        trader_histories.trader_id,
        count(sessions.session_date) as idle_sessions_count
    from trader_histories
    cross join run_context
    left join sessions
        on
            trader_histories.last_traded_date < sessions.session_date
            and run_context.prediction_date > sessions.session_date
    group by trader_histories.trader_id
),

unconverted_days as (
    -- Days without an exchange rate are no trader's days, and not idle either.
    select
        account_id,
        max(trade_date) as vanished_until,
        false as is_cut
    from {{ ref('daily_totals') }}
    where net_pnl is null
    group by account_id
),

all_unknown as (
    select * from unknown_trading
    union all
    select * from unconverted_days
),

traders_unknown as (
    select
        accounts.trader_id,
        max(all_unknown.vanished_until) as vanished_until,
        max(case when all_unknown.is_cut then 1 else 0 end) as is_cut
    from accounts
    inner join all_unknown on accounts.account_id = all_unknown.account_id
    group by accounts.trader_id
),

traders as (
    select
        trader_accounts.trader_id,
        traders_said.display_name,
        traders_said.is_active,
        traders_said.daily_loss_limit_amount,
        trader_accounts.accounts_count,
        coalesce(trader_histories.traded_days_count, 0) as traded_days_count,
        trader_histories.first_traded_date,
        trader_histories.last_traded_date,
        -- What has not arrived is not idle.
        case
            when traders_unknown.is_cut = 1 then null
            when
                traders_unknown.vanished_until > trader_histories.last_traded_date
                then null
            else idle_sessions.idle_sessions_count
        end as idle_sessions_count,
        coalesce(traders_unknown.is_cut = 1, false) as is_cut,
        run_context.prediction_date
    from trader_accounts
    inner join traders_said on trader_accounts.trader_id = traders_said.trader_id
    cross join run_context
    left join trader_histories
        on trader_accounts.trader_id = trader_histories.trader_id
    left join idle_sessions on trader_accounts.trader_id = idle_sessions.trader_id
    left join traders_unknown on trader_accounts.trader_id = traders_unknown.trader_id
),

final as (
    select
        ---------- keys
        trader_id,
        ---------- text
        display_name,
        case
            when not is_active then 'inactive'
            when traded_days_count = 0 and is_cut then 'fills_missing'
            when traded_days_count = 0 then 'never_traded'
            when idle_sessions_count > {{ var('inactive_above_idle_sessions') }}
                then 'inactive'
            when traded_days_count < {{ var('prediction_minimum_traded_days') }}
                then 'too_little_history'
            when traded_days_count <= {{ var('own_model_above_traded_days') }}
                then 'global_model'
            else 'own_model'
        end as forecast_basis,
        ---------- money
        cast(
            coalesce(
                daily_loss_limit_amount, {{ var('default_daily_loss_limit_amount') }}
            )
            as decimal(18, 8)
        ) as daily_loss_limit_amount,
        ---------- numbers
        cast(accounts_count as bigint) as accounts_count,
        cast(traded_days_count as bigint) as traded_days_count,
        cast(idle_sessions_count as bigint) as idle_sessions_count,
        ---------- dates
        first_traded_date,
        last_traded_date,
        prediction_date
    from traders
)

select * from final
