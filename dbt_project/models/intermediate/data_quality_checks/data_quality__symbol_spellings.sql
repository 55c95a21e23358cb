{#
    Grain: one row: symbols of an account that differ in case or separators alone.
    They are never merged, for two instruments may be written so; but where they are one,
    a position opened in one spelling is never closed by the other. A line of its own in
    instrument_multipliers.csv of the desk says that a spelling is meant.
#}
with

symbol_days as (
    select
        account_id,
        symbol
    from {{ ref('int_symbol_day_results') }}
),

instrument_multipliers as (
    select symbol_prefix from {{ ref('stg_desk__instrument_multipliers') }}
),

account_symbols as (
    select distinct
        symbol_days.account_id,
        symbol_days.symbol,
        translate(upper(symbol_days.symbol), './_- ', '') as plain_symbol
    from symbol_days
    left join instrument_multipliers
        on symbol_days.symbol = instrument_multipliers.symbol_prefix
    where instrument_multipliers.symbol_prefix is null
),

spellings as (
    select
        account_id,
        min(symbol) as first_symbol,
        max(symbol) as last_symbol,
        row_number() over (order by account_id, min(symbol)) as shown_order
    from account_symbols
    group by account_id, plain_symbol
    having count(*) > 1
),

final as (
    select
        'symbol_spellings' as check_name,
        count(*) as found_count,
        'symbols that differ in case or separators alone are kept apart, so a fill in one '
        || 'does not close the other: '
        || {{ first_few_joined(
            "first_symbol || ' and ' || last_symbol || ' of ' || account_id"
        ) }} as finding
    from spellings
)

select * from final
