{#
    Grain: one row per symbol.
    The longest prefix in the seed instrument_multipliers that a symbol begins with
    decides. The empty prefix stands for equities, which begin with a letter or digit. A
    null multiplier, or no row, means nobody has said what a contract is worth: its
    fills are excluded and reported.
#}
with

fills as (
    select distinct symbol from {{ ref('stg_propreports__fills') }}
),

instrument_multipliers as (
    select
        coalesce(symbol_prefix, '') as symbol_prefix,
        instrument_type,
        multiplier
    from {{ ref('instrument_multipliers') }}
),

prefixes_ranked as (
    select
        fills.symbol,
        instrument_multipliers.instrument_type,
        instrument_multipliers.multiplier,
        row_number() over (
            partition by fills.symbol
            order by length(instrument_multipliers.symbol_prefix) desc
        ) as match_rank
    from fills
    inner join instrument_multipliers
        on
            left(fills.symbol, length(instrument_multipliers.symbol_prefix))
            = instrument_multipliers.symbol_prefix
            and (
                instrument_multipliers.symbol_prefix <> ''
                or upper(left(fills.symbol, 1)) between 'A' and 'Z'
                or left(fills.symbol, 1) between '0' and '9'
            )
),

final as (
    select
        symbol,
        instrument_type,
        cast(multiplier as decimal(18, 8)) as multiplier
    from prefixes_ranked
    where match_rank = 1
)

select * from final
