{#
    Grain: one row per account, symbol and date at whose end a position is held, or at
    whose beginning one was.
    What it is worth all day long if it is not traded, at the account's own last fill,
    and overnight: at the mark where one is known, else at the own fill.
#}
with

held_days as (
    select
        account_id,
        symbol,
        trade_date,
        book_symbol,
        units_per_share,
        position_quantity,
        multiplier,
        exchange_rate,
        close_price,
        has_fills
    from {{ ref('int_held_days') }}
),

symbol_prices as (
    select
        account_id,
        symbol,
        trade_date,
        last_unit_price
    from {{ ref('int_symbol_day_prices') }}
),

held_unit_priced as (
    select
        held_days.*,
        {{ last_so_far(
            'symbol_prices.last_unit_price',
            'held_days.account_id, held_days.book_symbol',
            'held_days.trade_date',
        ) }} as own_unit_price
    from held_days
    left join symbol_prices
        on
            held_days.account_id = symbol_prices.account_id
            and held_days.symbol = symbol_prices.symbol
            and held_days.trade_date = symbol_prices.trade_date
),

held_priced as (
    select
        *,
        {{ in_units('own_unit_price', 'units_per_share') }} as own_price
    from held_unit_priced
),

held_valued as (
    select
        *,
        -- What is not traded is worth the same all day long.
        case
            when has_fills then cast(0 as decimal(18, 2))
            else {{ exposure_of(
                'position_quantity', 'own_price', 'multiplier', 'exchange_rate'
            ) }}
        end as carried_exposure,
        case when has_fills then 0 else abs(position_quantity) end as carried_quantity,
        {{ exposure_of(
            'position_quantity',
            'coalesce(close_price, own_price)',
            'multiplier',
            'exchange_rate',
        ) }} as overnight_exposure
    from held_priced
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        trade_date,
        ---------- numbers
        cast(position_quantity as decimal(38, 8)) as position_quantity,
        cast(carried_quantity as decimal(38, 8)) as carried_quantity,
        ---------- money
        cast(carried_exposure as decimal(38, 2)) as carried_exposure,
        cast(overnight_exposure as decimal(38, 2)) as overnight_exposure,
        ---------- flags
        close_price is not null as is_marked
    from held_valued
)

select * from final
