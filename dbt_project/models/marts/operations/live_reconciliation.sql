{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per account and live session on which the live desk or PropReports has
    a fill of the account.
    Differences are the live desk's less PropReports'. Fees were estimated: that they
    differ is no class of its own, that gross does is.
#}
with

sessions as (
    select * from {{ ref('stg_ops__live_sessions') }}
),

live_accounts as (
    select * from {{ ref('stg_ops__live_accounts') }}
),

matches as (
    select * from {{ ref('int_live_fill_matches') }}
),

daily_totals as (
    select
        account_id,
        trade_date,
        gross_pnl,
        total_fees,
        net_pnl
    from {{ ref('daily_totals') }}
),

accounts as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('dim_accounts') }}
),

dates_loaded as (
    select distinct trade_date
    from matches
    where fill_key is not null
),

fills_counted as (
    select
        account_id,
        trade_date,
        {{ count_where('live_fill_key is not null') }} as live_fills_count,
        {{ count_where('fill_key is not null') }} as fills_count,
        {{ count_where("match_class = 'missing'") }} as missing_fills_count,
        {{ count_where("match_class = 'extra'") }} as extra_fills_count,
        {{ count_where("match_class = 'price'") }} as price_differs_count,
        {{ count_where("match_class = 'quantity'") }} as quantity_differs_count
    from matches
    group by account_id, trade_date
),

days_compared as (
    select
        fills_counted.*,
        dates_loaded.trade_date is not null as is_loaded,
        sessions.is_synthetic,
        sessions.is_complete,
        coalesce(accounts.trader_id, live_accounts.trader_id, fills_counted.account_id)
            as trader_id,
        -- What has not been loaded yet is unknown; what one side does not have is 0.
        case
            when fills_counted.live_fills_count = 0 then cast(0 as decimal(38, 8))
            else live_accounts.gross_pnl
        end as live_gross_pnl,
        case
            when fills_counted.live_fills_count = 0 then cast(0 as decimal(38, 8))
            else live_accounts.estimated_fees
        end as live_estimated_fees,
        case
            when fills_counted.live_fills_count = 0 then cast(0 as decimal(38, 8))
            else live_accounts.net_pnl
        end as live_net_pnl,
        case
            when daily_totals.account_id is not null then daily_totals.gross_pnl
            when dates_loaded.trade_date is not null then cast(0 as decimal(38, 8))
        end as gross_pnl,
        case
            when daily_totals.account_id is not null then daily_totals.total_fees
            when dates_loaded.trade_date is not null then cast(0 as decimal(38, 8))
        end as total_fees,
        case
            when daily_totals.account_id is not null then daily_totals.net_pnl
            when dates_loaded.trade_date is not null then cast(0 as decimal(38, 8))
        end as net_pnl
    from fills_counted
    inner join sessions on fills_counted.trade_date = sessions.session_date
    left join live_accounts
        on
            fills_counted.account_id = live_accounts.account_id
            and fills_counted.trade_date = live_accounts.session_date
    left join daily_totals
        on
            fills_counted.account_id = daily_totals.account_id
            and fills_counted.trade_date = daily_totals.trade_date
    left join accounts
        on
            fills_counted.account_id = accounts.account_id
            and fills_counted.trade_date >= accounts.valid_from
            and fills_counted.trade_date < accounts.valid_to
    left join dates_loaded on fills_counted.trade_date = dates_loaded.trade_date
),

days_classed as (
    select
        *,
        live_gross_pnl - gross_pnl as gross_difference,
        live_estimated_fees - total_fees as fees_difference,
        live_net_pnl - net_pnl as net_difference,
        case
            when not is_loaded then 'not_loaded'
            when missing_fills_count > 0 then 'missing_fills'
            when extra_fills_count > 0 then 'extra_fills'
            when price_differs_count > 0 then 'price'
            when quantity_differs_count > 0 then 'quantity'
            when live_gross_pnl is null or gross_pnl is null then 'not_comparable'
            when abs(live_gross_pnl - gross_pnl) > {{ var('displayed_rounding') }} * 2
                then 'gross_pnl'
            else 'agrees'
        end as difference_class
    from days_compared
),

final as (
    select
        ---------- keys
        account_id,
        trade_date,
        trader_id,
        ---------- verdict
        difference_class,
        case difference_class
            when 'not_loaded' then 'PropReports shows no fill of this date yet'
            when 'missing_fills'
                then 'the live desk lacked ' || missing_fills_count || ' of its fills'
            when 'extra_fills'
                then 'PropReports lacks ' || extra_fills_count || ' of the live fills'
            when 'price' then price_differs_count || ' fills have another price'
            when 'quantity' then quantity_differs_count || ' fills have another quantity'
            when 'not_comparable' then 'a gross is not known'
            when 'gross_pnl' then 'the fills agree, what the day began with did not'
        end as explanation,
        ---------- numbers
        live_fills_count,
        fills_count,
        missing_fills_count,
        extra_fills_count,
        price_differs_count,
        quantity_differs_count,
        ---------- money
        live_gross_pnl,
        gross_pnl,
        cast(gross_difference as decimal(38, 8)) as gross_difference,
        live_estimated_fees,
        total_fees,
        cast(fees_difference as decimal(38, 8)) as fees_difference,
        live_net_pnl,
        net_pnl,
        cast(net_difference as decimal(38, 8)) as net_difference,
        ---------- flags
        is_synthetic,
        is_complete
    from days_classed
)

select * from final
