{#
    Grain: one row per account and date with fills of which an exchange rate is another one
    than in the last finished build: of a fill's currency or of the account's.
    Of the lines of exchange_rates.csv, those parts of time count in which the rate that holds
    differs, so that a new rate plans the dates from it to the next one.
#}
with

rates as (
    select
        currency,
        valid_from,
        exchange_rate
    from {{ ref('int_exchange_rates') }}
),

built_rates as (
    select
        currency,
        valid_from,
        exchange_rate
    from {{ ref('stg_ops__built_rates') }}
),

beginnings as (
    select
        currency,
        valid_from
    from rates
    union
    select
        currency,
        valid_from
    from built_rates
),

parts as (
    select
        beginnings.currency,
        beginnings.valid_from,
        coalesce(
            lead(beginnings.valid_from) over (
                partition by beginnings.currency order by beginnings.valid_from
            ),
            {{ max_date() }}
        ) as valid_to,
        {{ last_so_far(
            'rates.exchange_rate', 'beginnings.currency', 'beginnings.valid_from'
        ) }} as exchange_rate,
        {{ last_so_far(
            'built_rates.exchange_rate', 'beginnings.currency', 'beginnings.valid_from'
        ) }} as built_rate
    from beginnings
    left join rates
        on
            beginnings.currency = rates.currency
            and beginnings.valid_from = rates.valid_from
    left join built_rates
        on
            beginnings.currency = built_rates.currency
            and beginnings.valid_from = built_rates.valid_from
),

changed_parts as (
    select
        currency,
        valid_from,
        valid_to
    from parts
    where exchange_rate is distinct from built_rate
),

accounts as (
    select
        account_number,
        currency
    from {{ ref('int_accounts') }}
),

instruments as (
    select
        symbol,
        currency
    from {{ ref('int_instruments') }}
),

fills as (
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        symbol,
        currency
    from {{ ref('int_fills_dated') }}
    union all
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        symbol,
        currency
    from {{ ref('int_booked_lots') }}
),

-- The days themselves first: there are few of them, and fills are many.
days_within as (
    select
        fill_days.account_id,
        fill_days.trade_date,
        fill_days.calendar_date,
        fill_days.account_number,
        fill_days.content_hash,
        changed_parts.currency
    from {{ ref('int_fill_days') }} as fill_days
    inner join changed_parts
        on
            fill_days.trade_date >= changed_parts.valid_from
            and fill_days.trade_date < changed_parts.valid_to
),

final as (
    select distinct
        days_within.account_id,
        days_within.trade_date
    from days_within
    inner join fills
        on
            days_within.account_number = fills.account_number
            and days_within.trade_date = fills.trade_date
            and days_within.calendar_date = fills.calendar_date
            and days_within.content_hash = fills.content_hash
    inner join accounts on days_within.account_number = accounts.account_number
    left join instruments on fills.symbol = instruments.symbol
    where
        days_within.currency = accounts.currency
        or days_within.currency
        = coalesce(fills.currency, instruments.currency, accounts.currency)
)

select * from final
