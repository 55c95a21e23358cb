{{ config(materialized='view') }}
{#
    Grain: one row per fill of a version of an account's day (account_number, calendar_date,
    content_hash, row_number), with its trade date: the calendar date, or the session that
    it belongs to. Decided here and nowhere else.
#}
with

fills as (
    select * from {{ ref('stg_propreports__fills') }}
),

session_dates as (
    select
        account_number,
        calendar_date,
        content_hash,
        row_number,
        session_date,
        is_applied
    from {{ ref('int_session_dates') }}
),

final as (
    select
        ---------- keys
        fills.account_number,
        fills.trade_date as calendar_date,
        fills.content_hash,
        fills.row_number,
        case
            when session_dates.is_applied then session_dates.session_date
            else fills.trade_date
        end as trade_date,
        -- What the trade date would be by the other rule.
        case
            when session_dates.is_applied then fills.trade_date
            else coalesce(session_dates.session_date, fills.trade_date)
        end as other_date,
        ---------- text
        fills.symbol,
        fills.side,
        fills.order_id,
        fills.fill_id,
        fills.propreports_id,
        fills.route,
        fills.liquidity,
        fills.currency,
        fills.isin,
        fills.cusip,
        fills.fill_status,
        ---------- numbers
        fills.quantity,
        fills.price,
        fills.total_fees,
        ---------- flags
        fills.is_buy,
        fills.is_cancelled,
        fills.is_regular,
        ---------- times
        fills.filled_at_et
    from fills
    left join session_dates
        on
            fills.account_number = session_dates.account_number
            and fills.trade_date = session_dates.calendar_date
            and fills.content_hash = session_dates.content_hash
            and fills.row_number = session_dates.row_number
)

select * from final
