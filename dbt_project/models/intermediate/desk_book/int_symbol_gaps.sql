{#
    Grain: one row per symbol and date on which it opened after a night: the worst and the
    best that it had opened against where it was left, so far, at the desk's own fills.
    Of nights between two sessions on which the same account traded the symbol.
#}
with

first_fills as (
    select
        account_id,
        symbol,
        trade_date,
        min_by({{ in_shares('price', 'units_per_share') }}, fill_sequence)
            as first_unit_price
    from {{ ref('int_fills_matched') }}
    where price <> 0
    group by account_id, symbol, trade_date
),

prices as (
    select * from {{ ref('int_session_prices') }}
    where is_next_session
),

gaps as (
    select
        prices.symbol,
        prices.trade_date,
        min({{ safe_divide(
            'first_fills.first_unit_price - prices.opening_unit_price',
            'prices.opening_unit_price',
        ) }}) as low_gap,
        max({{ safe_divide(
            'first_fills.first_unit_price - prices.opening_unit_price',
            'prices.opening_unit_price',
        ) }}) as high_gap
    from prices
    inner join first_fills
        on
            prices.account_id = first_fills.account_id
            and prices.symbol = first_fills.symbol
            and prices.trade_date = first_fills.trade_date
    group by prices.symbol, prices.trade_date
),

final as (
    select
        ---------- keys
        symbol,
        trade_date,
        ---------- numbers
        count(*) over gaps_so_far as gap_nights_count,
        min(low_gap) over gaps_so_far as lowest_gap,
        max(high_gap) over gaps_so_far as highest_gap
    from gaps
    window gaps_so_far as (
        partition by symbol order by trade_date
        rows between unbounded preceding and current row
    )
)

select * from final
