{#
    Grain: one row: symbols of which an account held another quantity after its first day
    in them than the broker's positions say: something was held before.
#}
with

symbol_days as (
    select
        account_id,
        symbol,
        trade_date,
        position_quantity
    from {{ ref('int_symbol_day_results') }}
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

position_versions as (
    select distinct
        account_number,
        trade_date
    from {{ ref('stg_propreports__day_versions') }}
    where resource = 'positions'
),

positions as (
    {{ current_rows(ref('stg_propreports__positions'), 'positions') }}
),

first_days as (
    select
        account_id,
        symbol,
        min(trade_date) as trade_date,
        min_by(position_quantity, trade_date) as position_quantity
    from symbol_days
    group by account_id, symbol
),

known_days as (
    select distinct
        accounts.account_id,
        position_versions.trade_date
    from position_versions
    inner join accounts on position_versions.account_number = accounts.account_number
),

broker_positions as (
    select
        accounts.account_id,
        positions.symbol,
        positions.trade_date,
        sum(positions.quantity) as quantity
    from positions
    inner join accounts on positions.account_number = accounts.account_number
    group by accounts.account_id, positions.symbol, positions.trade_date
),

differences as (
    select
        first_days.account_id,
        first_days.symbol,
        first_days.trade_date,
        coalesce(broker_positions.quantity, 0) - first_days.position_quantity
            as missing_quantity
    from first_days
    inner join known_days
        on
            first_days.account_id = known_days.account_id
            and first_days.trade_date = known_days.trade_date
    left join broker_positions
        on
            first_days.account_id = broker_positions.account_id
            and first_days.symbol = broker_positions.symbol
            and first_days.trade_date = broker_positions.trade_date
    where coalesce(broker_positions.quantity, 0) <> first_days.position_quantity
),

differences_numbered as (
    select
        *,
        row_number() over (order by account_id, symbol) as shown_order
    from differences
),

final as (
    select
        'opening_position_suspected' as check_name,
        count(*) as found_count,
        'positions were held before the first fill, by the broker''s positions: '
        || {{ first_few_joined(
            "account_id || ',' || symbol || ',DATE,' "
            ~ "|| cast(cast(missing_quantity as double) as string) || ',PRICE, (first fill '"
            ~ " || trade_date || ')'",
            '; ',
        ) }} as finding
    from differences_numbered
)

select * from final
