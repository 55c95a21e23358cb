{# Grain: one row: symbols of instruments.csv that were never traded, nor held. #}
with

instruments as (
    select symbol
    from {{ ref('stg_desk__instruments') }}
),

known_symbols as (
    select symbol
    from {{ ref('int_instruments') }}
    union
    select symbol_root as symbol
    from {{ ref('int_instruments') }}
),

unused_lines as (
    select
        instruments.symbol,
        row_number() over (order by instruments.symbol) as shown_order
    from instruments
    left join known_symbols on instruments.symbol = known_symbols.symbol
    where known_symbols.symbol is null
),

final as (
    select
        'unused_instruments' as check_name,
        count(*) as found_count,
        'symbols of instruments.csv were never traded: '
        || {{ first_few_joined('symbol') }} as finding
    from unused_lines
)

select * from final
