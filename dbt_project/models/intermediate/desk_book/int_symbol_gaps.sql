{#
    Grain: one row per symbol and date on which it opened after a night: the worst and the
    best that it had opened against where it was left, so far, at the desk's own fills.
    Of nights between two sessions on which the same account traded the symbol.
#}
with

prices as (
    select * from {{ ref('int_session_prices') }}
    where is_next_session and first_unit_price is not null
),

gaps as (
    select
        symbol,
        trade_date,
        min({{ safe_divide(
            'first_unit_price - opening_unit_price', 'opening_unit_price'
        ) }}) as low_gap,
        max({{ safe_divide(
            'first_unit_price - opening_unit_price', 'opening_unit_price'
        ) }}) as high_gap
    from prices
    group by symbol, trade_date
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
