{{ config(
    materialized='incremental',
    meta={'planned_by': 'symbol_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per counted fill of an account, symbol and date on which a queue in
    time order matches other fills than our rule does.
    Such a queue is walked fill by fill: a closing fill takes today's opening lots first,
    then those held overnight. With P held (say long) and the day's running sum S of
    signed quantities, P shares at most are taken from overnight, as many as S has ever
    been below zero: what a fill adds to that is its overnight part, the rest meets the
    day's other side first with first. A short carry is the mirror image. Journal entries
    are fills like any other there.
#}
with

symbol_days as (
    {{ planned_rows(ref('int_symbol_day_results'), 'symbols') }}
),

fill_days as (
    select
        account_id,
        symbol,
        trade_date,
        has_journal_entries
    from {{ ref('int_symbol_day_fills') }}
    where has_both_sides and trade_date >= {{ first_built_date() }}
),

candidates as (
    -- Only a position carried into a day with both sides can be matched either way, or
    -- a journal entry that our rule keeps apart.
    select
        symbol_days.account_id,
        symbol_days.symbol,
        symbol_days.book_symbol,
        symbol_days.trade_date,
        symbol_days.opening_quantity as carried_quantity
    from symbol_days
    inner join fill_days
        on
            symbol_days.account_id = fill_days.account_id
            and symbol_days.symbol = fill_days.symbol
            and symbol_days.trade_date = fill_days.trade_date
    where symbol_days.opening_quantity <> 0 or fill_days.has_journal_entries
),

intraday_matches as (
    select
        account_id,
        symbol,
        trade_date,
        fill_sequence,
        is_buy,
        quantity,
        remaining_quantity
    from {{ ref('int_fills_matched') }}
    where trade_date >= {{ first_built_date() }}
),

fills_running as (
    select
        intraday_matches.*,
        candidates.book_symbol,
        candidates.carried_quantity,
        sum(
            case
                when intraday_matches.is_buy = (candidates.carried_quantity > 0)
                    then intraday_matches.quantity
                else -intraday_matches.quantity
            end
        ) over (
            partition by
                intraday_matches.account_id,
                intraday_matches.symbol,
                intraday_matches.trade_date
            order by intraday_matches.fill_sequence
            rows between unbounded preceding and current row
        ) as running_quantity
    from intraday_matches
    inner join candidates
        on
            intraday_matches.account_id = candidates.account_id
            and intraday_matches.symbol = candidates.symbol
            and intraday_matches.trade_date = candidates.trade_date
),

fills_lowest as (
    select
        *,
        least(
            greatest(
                -min(running_quantity) over (
                    partition by account_id, symbol, trade_date order by fill_sequence
                    rows between unbounded preceding and current row
                ),
                0
            ),
            abs(carried_quantity)
        ) as overnight_end
    from fills_running
),

fills_split as (
    select
        *,
        quantity - overnight_end + lag(overnight_end, 1, cast(0 as decimal(38, 8))) over (
            partition by account_id, symbol, trade_date order by fill_sequence
        ) as intraday_quantity
    from fills_lowest
),

fills_numbered as (
    select
        *,
        sum(intraday_quantity) over (
            partition by account_id, symbol, trade_date, is_buy
            order by fill_sequence
            rows between unbounded preceding and current row
        ) as share_end,
        sum(case when is_buy then intraday_quantity else 0 end) over (
            partition by account_id, symbol, trade_date
        ) as bought_quantity,
        sum(case when is_buy then 0 else intraday_quantity end) over (
            partition by account_id, symbol, trade_date
        ) as sold_quantity
    from fills_split
),

fills_matched as (
    select
        *,
        greatest(
            least(share_end, bought_quantity, sold_quantity)
            - (share_end - intraday_quantity),
            0
        ) as matched_quantity
    from fills_numbered
),

splits_compared as (
    select
        *,
        max(case when quantity - matched_quantity <> remaining_quantity then 1 else 0 end)
            over (partition by account_id, symbol, trade_date)
            as has_other_split
    from fills_matched
),

final as (
    select
        account_id,
        symbol,
        trade_date,
        book_symbol,
        fill_sequence,
        quantity,
        matched_quantity,
        quantity - matched_quantity as remaining_quantity
    from splits_compared
    where has_other_split = 1
)

select * from final
