{#
    Grain: one row per counted fill of an account and symbol for which a queue in time
    order matches other fills than our rule does on some day.
    Such a queue is walked fill by fill: a closing fill takes today's opening lots first,
    then those held overnight. With P held (say long) and the day's running sum S of
    signed quantities, P shares at most are taken from overnight, as many as S has ever
    been below zero: what a fill adds to that is its overnight part, the rest meets the
    day's other side first with first. A short carry is the mirror image.
#}
with

intraday_matches as (
    select
        account_id,
        symbol,
        trade_date,
        fill_sequence,
        is_buy,
        quantity,
        remaining_quantity,
        price,
        multiplier
    from {{ ref('int_intraday_matches') }}
),

symbol_days as (
    select
        account_id,
        symbol,
        trade_date,
        sum(case when is_buy then quantity else -quantity end) as day_quantity,
        min(case when is_buy then 1 else 0 end) <> max(case when is_buy then 1 else 0 end)
            as has_both_sides
    from intraday_matches
    group by account_id, symbol, trade_date
),

days_carried as (
    select
        account_id,
        symbol,
        trade_date,
        has_both_sides,
        sum(day_quantity) over (
            partition by account_id, symbol order by trade_date
            rows between unbounded preceding and current row
        ) - day_quantity as carried_quantity
    from symbol_days
),

candidates as (
    -- Only a position carried into a day with both sides can be matched either way.
    select distinct
        account_id,
        symbol
    from days_carried
    where has_both_sides and carried_quantity <> 0
),

fills_running as (
    select
        intraday_matches.*,
        days_carried.carried_quantity,
        sum(
            case
                when intraday_matches.is_buy = (days_carried.carried_quantity > 0)
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
    inner join days_carried
        on
            intraday_matches.account_id = days_carried.account_id
            and intraday_matches.symbol = days_carried.symbol
            and intraday_matches.trade_date = days_carried.trade_date
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
            over (partition by account_id, symbol)
            as has_other_split
    from fills_matched
),

final as (
    select
        account_id,
        symbol,
        trade_date,
        fill_sequence,
        is_buy,
        quantity,
        matched_quantity,
        quantity - matched_quantity as remaining_quantity,
        price,
        multiplier
    from splits_compared
    where has_other_split = 1
)

select * from final
