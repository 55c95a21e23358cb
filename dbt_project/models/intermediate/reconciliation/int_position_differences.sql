{#
    Grain: one row per account, symbol and session (or date of the broker's positions) on
    which we or the broker hold a position.
    What differs, and by how many dollars; how long it stands is position_reconciliation's.
    The broker shows average prices and money in cents. Unrealized is compared to a cent and
    half a unit of the close's last decimal for each unit held, for our mark is the close
    as it is shown. The broker shows it in the account's currency, in which it is compared;
    amounts are then in the base currency.
    What the broker takes a contract to be worth is its unrealized / (quantity x (close -
    average price)), between the two bounds that its roundings leave. None is known where the
    price has hardly moved.
#}
{% set six_digits = '(' ~ '[0-9]' * 6 ~ ')' %}
{% set eight_digits = '[0-9]' * 8 %}

with

held_days as (
    select
        account_id,
        symbol,
        trade_date,
        position_quantity,
        currency,
        exchange_rate,
        multiplier,
        open_cost,
        close_price,
        local_unrealized_pnl,
        unrealized_pnl
    from {{ ref('int_held_days') }}
    where position_quantity <> 0
),

broker_positions as (
    select
        account_id,
        symbol,
        trade_date,
        position_quantity,
        average_price,
        close_price,
        unrealized_pnl
    from {{ ref('int_broker_positions') }}
),

days_read as (
    select
        account_id,
        trade_date
    from {{ ref('int_read_position_days') }}
),

instruments as (
    select
        symbol,
        instrument_type,
        multiplier,
        currency
    from {{ ref('int_instruments') }}
),

account_currencies as (
    select
        account_id,
        currency
    from {{ ref('int_account_currencies') }}
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

positions_joined as (
    select
        coalesce(held_days.account_id, broker_positions.account_id) as account_id,
        coalesce(held_days.symbol, broker_positions.symbol) as symbol,
        coalesce(held_days.trade_date, broker_positions.trade_date) as trade_date,
        coalesce(held_days.position_quantity, 0) as position_quantity,
        held_days.currency,
        held_days.multiplier,
        held_days.open_cost,
        coalesce(broker_positions.close_price, held_days.close_price) as close_price,
        broker_positions.close_price as broker_close_price,
        held_days.local_unrealized_pnl,
        held_days.unrealized_pnl,
        broker_positions.account_id is not null as is_listed,
        broker_positions.position_quantity as broker_quantity,
        broker_positions.average_price as broker_average_price,
        broker_positions.unrealized_pnl as broker_unrealized_pnl
    from held_days
    full outer join broker_positions
        on
            held_days.account_id = broker_positions.account_id
            and held_days.symbol = broker_positions.symbol
            and held_days.trade_date = broker_positions.trade_date
    where
        held_days.account_id is not null
        or broker_positions.position_quantity <> 0
),

symbols_split as (
    -- OSI: six digits of the expiry, C or P, the strike; its eight digits where no sign
    -- before the root says that it is an option.
    select
        symbol,
        case
            when upper(left(symbol, 1)) between 'A' and 'Z' or left(symbol, 1) between '0' and '9'
                then regexp_extract(symbol, '^.+{{ six_digits }}[CPcp]{{ eight_digits }}$', 1)
            else regexp_extract(symbol, '^.+{{ six_digits }}[CPcp][0-9.]+$', 1)
        end as expiry_digits
    from (select distinct symbol from positions_joined) as symbols
),

expiries as (
    select
        symbol,
        try_cast(
            '20' || left(expiry_digits, 2) || '-' || substr(expiry_digits, 3, 2)
            || '-' || substr(expiry_digits, 5, 2) as date
        ) as expiry_date
    from symbols_split
),

positions_rated as (
    select
        positions_joined.*,
        account_currencies.currency as account_currency,
        {{ rate_of(
            'coalesce(positions_joined.currency, instruments.currency, account_currencies.currency)',
            'rates',
        ) }} as exchange_rate,
        {{ rate_of('account_currencies.currency', 'account_rates') }}
            as account_exchange_rate,
        coalesce(positions_joined.currency, instruments.currency, account_currencies.currency)
        = account_currencies.currency as is_of_account
    from positions_joined
    inner join account_currencies
        on positions_joined.account_id = account_currencies.account_id
    left join instruments on positions_joined.symbol = instruments.symbol
    {{ join_rates(
        'rates',
        'coalesce(positions_joined.currency, instruments.currency, account_currencies.currency)',
        'positions_joined.trade_date',
    ) }}
    {{ join_rates(
        'account_rates', 'account_currencies.currency', 'positions_joined.trade_date'
    ) }}
),

positions_measured as (
    select
        positions_joined.account_id,
        positions_joined.symbol,
        positions_joined.trade_date,
        positions_joined.position_quantity,
        positions_joined.open_cost,
        positions_joined.close_price,
        positions_joined.broker_close_price,
        positions_joined.account_currency,
        positions_joined.exchange_rate,
        positions_joined.account_exchange_rate,
        case
            when positions_joined.is_of_account then positions_joined.local_unrealized_pnl
            else {{ from_base(
                'positions_joined.unrealized_pnl', 'positions_joined.account_exchange_rate'
            ) }}
        end as unrealized_pnl,
        -- What a unit of the instrument's currency is in the account's.
        case
            when positions_joined.is_of_account then 1.0
            else {{ safe_divide(
                'positions_joined.exchange_rate', 'positions_joined.account_exchange_rate'
            ) }}
        end as account_units,
        positions_joined.is_listed,
        positions_joined.broker_average_price,
        positions_joined.broker_unrealized_pnl,
        coalesce(positions_joined.multiplier, instruments.multiplier) as multiplier,
        -- What a whole list does not name is not held; what nobody read is unknown.
        case
            when positions_joined.is_listed then positions_joined.broker_quantity
            when days_read.account_id is not null then 0
        end as broker_quantity,
        {{ safe_divide(
            'positions_joined.open_cost',
            'positions_joined.position_quantity * positions_joined.multiplier',
        ) }} as average_price,
        case
            when sessions.session_date > expiries.expiry_date then expiries.expiry_date
        end as passed_expiry_date,
        case
            when positions_joined.close_price = cast(positions_joined.close_price as decimal(18, 2))
                then 2
            {% for decimals in range(3, 8) -%}
                when
                    positions_joined.close_price
                    = cast(positions_joined.close_price as decimal(18, {{ decimals }}))
                    then {{ decimals }}
            {% endfor -%}
            else 8
        end as close_decimals
    from positions_rated as positions_joined
    left join days_read
        on
            positions_joined.account_id = days_read.account_id
            and positions_joined.trade_date = days_read.trade_date
    left join instruments on positions_joined.symbol = instruments.symbol
    left join expiries on positions_joined.symbol = expiries.symbol
    left join sessions on positions_joined.trade_date = sessions.session_date
    where sessions.session_date is not null or days_read.account_id is not null
),

positions_compared as (
    select
        *,
        position_quantity - broker_quantity as quantity_difference,
        round(average_price - broker_average_price, 8) as average_price_difference,
        unrealized_pnl - broker_unrealized_pnl as unrealized_difference,
        cast(abs(position_quantity) as double) * cast(multiplier as double) as units_held,
        round(
            {{ var('gross_rounding_per_row') }}
            + 0.5 * power(10, -close_decimals)
            * cast(abs(position_quantity) as double) * cast(multiplier as double)
            * coalesce(account_units, 1),
            10
        ) as unrealized_tolerance,
        abs(cast(broker_close_price - broker_average_price as double)) as price_move,
        {{ var('displayed_rounding') }} + 0.5 * power(10, -close_decimals)
            as price_move_rounding,
        abs(cast(broker_quantity as double)) * cast(account_units as double)
            as broker_units,
        sign(broker_unrealized_pnl)
        = sign(broker_quantity) * sign(broker_close_price - broker_average_price)
            as is_move_shown
    from positions_measured
),

sizes_bounded as (
    select
        *,
        case
            when is_move_shown
                then {{ safe_divide(
                    "abs(cast(broker_unrealized_pnl as double)) - "
                    ~ var('gross_rounding_per_row'),
                    'broker_units * (price_move + price_move_rounding)',
                ) }}
        end as least_multiplier,
        case
            when is_move_shown and price_move > price_move_rounding
                then {{ safe_divide(
                    "abs(cast(broker_unrealized_pnl as double)) + "
                    ~ var('gross_rounding_per_row'),
                    'broker_units * (price_move - price_move_rounding)',
                ) }}
        end as most_multiplier
    from positions_compared
),

sizes_implied as (
    -- The roundest number within the bounds: sizes are round.
    select
        *,
        case
            when most_multiplier <= 1.25 * least_multiplier
                then coalesce(
                    {% for decimals in range(-3, 4) -%}
                        case
                            when
                                round((least_multiplier + most_multiplier) / 2, {{ decimals }})
                                between least_multiplier and most_multiplier
                                then round(
                                    (least_multiplier + most_multiplier) / 2, {{ decimals }}
                                )
                        end,
                    {% endfor -%}
                    (least_multiplier + most_multiplier) / 2
                )
        end as broker_multiplier
    from sizes_bounded
),

classified as (
    select
        *,
        coalesce(
            abs(average_price_difference) > {{ var('displayed_rounding') }}, false
        ) as average_price_differs,
        -- Lots of other prices make unrealized another one, day after day by as much.
        coalesce(
            abs(
                cast(unrealized_difference as double)
                + average_price_difference * sign(position_quantity) * units_held
                * coalesce(account_units, 1)
            )
            <= unrealized_tolerance
            + {{ var('displayed_rounding') }} * units_held * coalesce(account_units, 1),
            true
        ) as is_explained_by_average,
        coalesce(
            abs(cast(unrealized_difference as double)) > unrealized_tolerance, false
        ) as unrealized_differs,
        -- By more than a rate of exchange that is another one.
        coalesce(
            multiplier not between 0.9 * least_multiplier and 1.1 * most_multiplier
            and broker_multiplier is not null,
            false
        ) as multiplier_differs,
        case
            when passed_expiry_date is not null then 'dead_option'
            when broker_quantity is null then 'not_compared'
            when quantity_difference <> 0 then 'position_break'
            when
                abs(average_price_difference) > {{ var('displayed_rounding') }}
                or abs(cast(unrealized_difference as double)) > unrealized_tolerance
                then 'price_break'
            else 'agrees'
        end as difference_class,
        coalesce(
            close_price, broker_average_price, cast(average_price as decimal(18, 8))
        ) as known_price
    from sizes_implied
),

valued as (
    select
        *,
        case difference_class
            -- What it was bought for is what an expiry at 0 books.
            when 'dead_option'
                then {{ in_base(
                    'coalesce(abs(open_cost), abs('
                    ~ exact_product(
                        'broker_quantity',
                        'coalesce(broker_average_price, close_price)',
                        'multiplier',
                    ) ~ '))',
                    'exchange_rate',
                ) }}
            when 'position_break'
                then {{ in_base(
                    'abs(' ~ exact_product('quantity_difference', 'known_price', 'multiplier')
                    ~ ')',
                    'exchange_rate',
                ) }}
            when 'price_break'
                -- Of what has no exchange rate the worth is unknown, not 0.
                then greatest(
                    {{ in_base('abs(unrealized_difference)', 'account_exchange_rate') }},
                    {{ in_base(
                        'cast(abs(average_price_difference) * units_held '
                        ~ 'as decimal(38, 8))',
                        'exchange_rate',
                    ) }}
                )
            when 'agrees' then 0
        end as difference_amount
    from classified
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        trade_date,
        ---------- verdict
        difference_class,
        cast(difference_amount as decimal(38, 8)) as difference_amount,
        passed_expiry_date,
        is_listed,
        average_price_differs,
        unrealized_differs,
        multiplier_differs,
        account_currency,
        -- What makes a break another one; null where nothing is compared.
        case difference_class
            when 'not_compared' then null
            when 'agrees' then 'agrees'
            when 'dead_option'
                then
                    'dead_option '
                    || cast(coalesce(quantity_difference, position_quantity) as string)
            when 'position_break'
                then 'position_break ' || cast(quantity_difference as string)
            when 'price_break'
                then concat_ws(
                    ' ',
                    'price_break',
                    cast(position_quantity as string),
                    case
                        when average_price_differs
                            then cast(cast(average_price_difference as decimal(18, 2)) as string)
                    end,
                    case
                        when not is_explained_by_average
                            then cast({{ to_cents('unrealized_difference') }} as string)
                    end
                )
        end as break_key,
        ---------- numbers
        position_quantity,
        broker_quantity as broker_position_quantity,
        quantity_difference,
        average_price,
        broker_average_price,
        average_price_difference,
        close_price,
        multiplier,
        cast(broker_multiplier as decimal(38, 8)) as broker_multiplier,
        ---------- money, in the account's currency as the broker shows it
        unrealized_pnl as account_unrealized_pnl,
        broker_unrealized_pnl as broker_account_unrealized_pnl,
        cast(unrealized_tolerance as decimal(38, 8)) as unrealized_tolerance,
        ---------- money
        {% for column in ['unrealized_pnl', 'broker_unrealized_pnl'] -%}
            {{ in_base(column, 'account_exchange_rate') }} as {{ column }},
        {% endfor -%}
        -- Of what is shown: at a rate each is rounded, and without one unknown.
        {{ in_base('unrealized_pnl', 'account_exchange_rate') }}
        - {{ in_base('broker_unrealized_pnl', 'account_exchange_rate') }}
            as unrealized_difference
    from valued
)

select * from final
