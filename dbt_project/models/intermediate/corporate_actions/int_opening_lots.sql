{#
    Grain: one row per lot that an account held before its first day with fills, as a
    journal entry of the date before: a version of that day, like any other.
    The desk's lines, else what the broker's positions say of the last date before.
    A line that is opened on the first day or later contradicts it and is left out.
#}
with

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

fill_versions as (
    select
        account_number,
        trade_date
    from {{ ref('int_day_versions_current') }}
    where resource = 'fills'
),

position_versions as (
    select
        account_number,
        trade_date
    from {{ ref('stg_propreports__day_versions') }}
    where resource = 'positions'
),

positions as (
    {{ current_rows(ref('stg_propreports__positions'), 'positions') }}
),

desk_lines as (
    select
        content_hash,
        line_number,
        account_id,
        symbol,
        opened_date,
        signed_quantity,
        price
    from {{ ref('stg_desk__opening_lots') }}
),

told_symbols as (
    select distinct
        account_id,
        symbol
    from desk_lines
),

first_days as (
    select
        accounts.account_id,
        min_by(fill_versions.account_number, fill_versions.trade_date) as account_number,
        min(fill_versions.trade_date) as first_date
    from fill_versions
    inner join accounts on fill_versions.account_number = accounts.account_number
    group by accounts.account_id
),

last_position_days as (
    -- A day without positions has a version without rows, and is the last one too.
    select
        accounts.account_id,
        max(position_versions.trade_date) as trade_date
    from position_versions
    inner join accounts on position_versions.account_number = accounts.account_number
    inner join first_days
        on
            accounts.account_id = first_days.account_id
            and position_versions.trade_date < first_days.first_date
    group by accounts.account_id
),

broker_lots as (
    select
        accounts.account_id,
        positions.symbol,
        positions.trade_date as opened_date,
        positions.quantity as signed_quantity,
        positions.average_price as price,
        positions.content_hash,
        cast(null as bigint) as line_number
    from positions
    inner join accounts on positions.account_number = accounts.account_number
    inner join last_position_days
        on
            accounts.account_id = last_position_days.account_id
            and positions.trade_date = last_position_days.trade_date
    left join told_symbols
        on
            accounts.account_id = told_symbols.account_id
            and positions.symbol = told_symbols.symbol
    where
        told_symbols.account_id is null
        and positions.quantity <> 0
        and positions.average_price is not null
),

all_lots as (
    select
        account_id,
        symbol,
        opened_date,
        signed_quantity,
        price,
        content_hash,
        line_number
    from desk_lines
    union all
    select
        account_id,
        symbol,
        opened_date,
        signed_quantity,
        price,
        content_hash,
        line_number
    from broker_lots
),

lots_placed as (
    select
        all_lots.*,
        first_days.account_number,
        cast(first_days.first_date - interval 1 day as date) as trade_date,
        'opening '
        || coalesce(
            max(case when all_lots.line_number is not null then all_lots.content_hash end)
                over (partition by all_lots.account_id),
            ''
        )
        || ' '
        || coalesce(
            max(case when all_lots.line_number is null then all_lots.content_hash end)
                over (partition by all_lots.account_id),
            ''
        ) as version_hash
    from all_lots
    inner join first_days
        on
            all_lots.account_id = first_days.account_id
            and all_lots.opened_date < first_days.first_date
),

final as (
    select
        ---------- keys
        account_id,
        account_number,
        trade_date,
        version_hash as content_hash,
        cast(row_number() over (
            partition by account_id order by opened_date, symbol, price, line_number
        ) as bigint) as row_number,
        symbol,
        ---------- numbers
        signed_quantity,
        price,
        ---------- where it comes from
        line_number,
        ---------- dates
        opened_date
    from lots_placed
)

select * from final
