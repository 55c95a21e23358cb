{{ config(
    materialized='incremental',
    meta={'planned_by': 'account_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per fill of the current version of each (account, trade date).
    day_sequence numbers the fills of a trader's day in time, ties broken by the
    provider's fill id (as a number where it is one). fill_sequence is the date and that
    number: it orders the fills of all dates, and no day moves another's. Fill ids are not
    unique, so nothing is deduplicated by them.
    A fill belongs to the trader whom the account belonged to on its trade date.
    Its currency is the one it names, else what its symbol tells (int_instruments), else its
    account's, else the base currency. Price and P&L are of that currency, fees of the
    account's: these and notional are in the base currency here, and unknown without a rate.
    trade_date is that of int_fills_dated: of futures the session, not the calendar date.
    Opening lots are journal entries of the date before an account's first, converted lots
    of the session of a corporate action (int_booked_lots).
#}
with

fills as (
    select
        account_number,
        trade_date,
        calendar_date,
        other_date,
        content_hash,
        row_number,
        symbol,
        side,
        order_id,
        fill_id,
        propreports_id,
        route,
        liquidity,
        currency as fill_currency,
        fill_status,
        quantity,
        price,
        total_fees as account_fees,
        is_buy,
        is_cancelled,
        is_regular,
        filled_at_et,
        cast(null as bigint) as booked_number
    from {{ ref('int_fills_dated') }}
    where calendar_date >= {{ first_read_date() }}
    union all
    select
        account_number,
        trade_date,
        calendar_date,
        trade_date as other_date,
        content_hash,
        row_number,
        symbol,
        case when signed_quantity > 0 then 'B' else 'T' end as side,
        null as order_id,
        null as fill_id,
        null as propreports_id,
        null as route,
        null as liquidity,
        currency as fill_currency,
        fill_status,
        abs(signed_quantity) as quantity,
        price,
        0 as account_fees,
        signed_quantity > 0 as is_buy,
        false as is_cancelled,
        false as is_regular,
        cast(trade_date as timestamp) as filled_at_et,
        row_number as booked_number
    from {{ ref('int_booked_lots') }}
    where trade_date >= {{ first_built_date() }}
),

books as (
    select
        account_id,
        symbol,
        valid_from,
        valid_to,
        book_symbol,
        units_per_share
    from {{ ref('int_symbol_books') }}
),

posted_actions as (
    select
        account_number,
        calendar_date,
        content_hash,
        row_number
    from {{ ref('int_posted_actions') }}
),

fill_days as (
    {{ planned_rows(ref('int_fill_days'), 'account_days') }}
),

instruments as (
    select
        symbol,
        instrument_type,
        multiplier,
        currency
    from {{ ref('int_instruments') }}
),

accounts as (
    select
        account_number,
        coalesce(currency, '{{ var("base_currency") }}') as currency
    from {{ ref('int_accounts') }}
),

fills_identified as (
    select
        fills.*,
        fill_days.account_id,
        fill_days.trader_id,
        instruments.instrument_type,
        instruments.multiplier,
        accounts.currency as account_currency,
        coalesce(fills.fill_currency, instruments.currency, accounts.currency) as currency,
        coalesce(books.book_symbol, fills.symbol) as book_symbol,
        coalesce(books.units_per_share, 1) as units_per_share,
        posted_actions.row_number is not null as is_corporate_action,
        try_cast(fills.fill_id as bigint) as fill_number,
        try_cast(fills.propreports_id as bigint) as propreports_number
    from fills
    inner join fill_days
        on
            fills.account_number = fill_days.account_number
            and fills.calendar_date = fill_days.calendar_date
            and fills.trade_date = fill_days.trade_date
            and fills.content_hash = fill_days.content_hash
    left join instruments on fills.symbol = instruments.symbol
    left join accounts on fills.account_number = accounts.account_number
    left join books
        on
            fill_days.account_id = books.account_id
            and fills.symbol = books.symbol
            and fills.trade_date >= books.valid_from
            and fills.trade_date < books.valid_to
    left join posted_actions
        on
            fills.account_number = posted_actions.account_number
            and fills.calendar_date = posted_actions.calendar_date
            and fills.content_hash = posted_actions.content_hash
            and fills.row_number = posted_actions.row_number
),

fills_rated as (
    select
        fills_identified.*,
        {{ rate_of('fills_identified.currency', 'rates') }} as exchange_rate,
        {{ rate_of('fills_identified.account_currency', 'account_rates') }}
            as account_exchange_rate
    from fills_identified
    {{ join_rates('rates', 'fills_identified.currency', 'fills_identified.trade_date') }}
    {{ join_rates(
        'account_rates', 'fills_identified.account_currency', 'fills_identified.trade_date'
    ) }}
),

days_sequenced as (
    select
        *,
        cast(row_number() over (
            partition by trader_id, trade_date
            order by
                -- What was held is there before anything is traded, whatever its time.
                booked_number asc nulls last,
                {{ fill_order() }}
        ) as bigint) as day_sequence,
        {{ exact_product('quantity', 'price', 'multiplier') }} as exact_notional,
        cast({{ in_base('account_fees', 'account_exchange_rate') }} as decimal(18, 8))
            as total_fees,
        case when is_buy then quantity else -quantity end as signed_quantity,
        not is_cancelled and multiplier is not null as is_counted
    from fills_rated
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        trade_date,
        {{ date_prefixed_sequence('trade_date', 'day_sequence') }} as fill_sequence,
        day_sequence,
        account_number,
        calendar_date,
        row_number,
        book_symbol,
        ---------- text
        instrument_type,
        side,
        order_id,
        fill_id,
        propreports_id,
        route,
        liquidity,
        fill_status,
        currency,
        ---------- numbers
        quantity,
        signed_quantity,
        price,
        multiplier,
        units_per_share,
        exchange_rate,
        -- To the cent, so that sums of squares fit 38 digits.
        {{ to_cents(in_base('abs(exact_notional)', 'exchange_rate')) }} as notional,
        total_fees,
        ---------- flags
        is_buy,
        is_regular,
        is_cancelled,
        is_counted,
        is_corporate_action,
        not is_cancelled and multiplier is null as lacks_multiplier,
        fill_currency is null and currency <> '{{ var("base_currency") }}'
            as is_currency_assumed,
        -- PropReports writes midnight where the time is unknown.
        filled_at_et > cast(calendar_date as timestamp) as has_fill_time,
        ---------- times
        other_date,
        filled_at_et
    from days_sequenced
)

select * from final
