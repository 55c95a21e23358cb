{{ config(post_hook="{{ begin_build() }}") }}
{#
    Grain: one row per account and date whose fills this run builds anew.
    Those that are new, corrected, gone or another trader's since the last finished build,
    those that a build has begun with and not finished, those of which an exchange rate is
    another one, those of an account near a corporate action that come with one of them or
    after it (rows that the broker posted for it are known by each other and by what was held),
    those with a symbol whose book has changed, and the other
    accounts of the same traders on these dates, because the fills of a trader's day are
    numbered together.
#}
{% set days = var('corporate_action_posting_days') %}

with

fill_days as (
    select
        account_id,
        trader_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('int_fill_days') }}
),

built_days as (
    select
        account_id,
        trader_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('stg_ops__built_fill_days') }}
),

begun_days as (
    select
        account_id,
        trade_date
    from {{ ref('stg_ops__begun_fill_days') }}
),

previous_days as (
    select
        account_id,
        trader_id,
        trade_date
    from {{ ref('int_previous_fill_days') }}
),

rated_days as (
    select
        account_id,
        trade_date
    from {{ ref('int_days_of_changed_rates') }}
),

corporate_actions as (
    select distinct
        {{ dbt.dateadd('day', '-' ~ days, 'effective_date') }} as first_date,
        {{ dbt.dateadd('day', days, 'effective_date') }} as last_date
    from {{ ref('int_corporate_actions') }}
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

built_books as (
    select
        account_id,
        symbol,
        valid_from,
        valid_to,
        book_symbol,
        units_per_share
    from {{ ref('stg_ops__built_symbol_books') }}
),

fills as (
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        symbol
    from {{ ref('int_fills_dated') }}
    union all
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        symbol
    from {{ ref('int_booked_lots') }}
),

gone_books as (
    select * from built_books
    except
    select * from books
),

new_books as (
    select * from books
    except
    select * from built_books
),

changed_books as (
    -- A late fill may give later ones of another symbol another book, or other units.
    select
        account_id,
        symbol
    from gone_books
    union
    select
        account_id,
        symbol
    from new_books
),

own_changed_days as (
    select
        coalesce(fill_days.account_id, built_days.account_id) as account_id,
        coalesce(fill_days.trade_date, built_days.trade_date) as trade_date
    from fill_days
    full outer join built_days
        on
            fill_days.account_id = built_days.account_id
            and fill_days.trade_date = built_days.trade_date
            and fill_days.calendar_date = built_days.calendar_date
    where
        fill_days.trader_id is distinct from built_days.trader_id
        or fill_days.account_number is distinct from built_days.account_number
        or fill_days.content_hash is distinct from built_days.content_hash
    union
    select
        account_id,
        trade_date
    from begun_days
    union
    select
        account_id,
        trade_date
    from rated_days
),

changed_days as (
    select
        account_id,
        trade_date
    from own_changed_days
    union
    select
        fill_days.account_id,
        fill_days.trade_date
    from own_changed_days
    inner join corporate_actions
        on
            own_changed_days.trade_date <= corporate_actions.last_date
    inner join fill_days
        on
            own_changed_days.account_id = fill_days.account_id
            and corporate_actions.first_date <= fill_days.trade_date
            and corporate_actions.last_date >= fill_days.trade_date
    union
    select
        fill_days.account_id,
        fill_days.trade_date
    from changed_books
    inner join fills on changed_books.symbol = fills.symbol
    inner join fill_days
        on
            changed_books.account_id = fill_days.account_id
            and fills.account_number = fill_days.account_number
            and fills.calendar_date = fill_days.calendar_date
            and fills.trade_date = fill_days.trade_date
            and fills.content_hash = fill_days.content_hash
),

trader_days as (
    select
        fill_days.trader_id,
        fill_days.trade_date
    from fill_days
    inner join changed_days
        on
            fill_days.account_id = changed_days.account_id
            and fill_days.trade_date = changed_days.trade_date
    union
    select
        previous_days.trader_id,
        previous_days.trade_date
    from previous_days
    inner join changed_days
        on
            previous_days.account_id = changed_days.account_id
            and previous_days.trade_date = changed_days.trade_date
),

final as (
    select
        account_id,
        trade_date
    from changed_days
    union
    select
        fill_days.account_id,
        fill_days.trade_date
    from fill_days
    inner join trader_days
        on
            fill_days.trader_id = trader_days.trader_id
            and fill_days.trade_date = trader_days.trade_date
)

select * from final
