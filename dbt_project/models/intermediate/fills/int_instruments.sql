{#
    Grain: one row per symbol.
    A line of instrument_multipliers (desk's or seed's) names a symbol, a root or a type's sign, and
    never the beginning of another root: #VX is no #VXM. The symbol's own line decides,
    then that of its root: what stands before the month code and year of a future, or
    before the date of an option. The sign's line says the type, and of all but futures
    the contract size. The empty sign stands for equities, which begin with a letter or
    digit, and whose root is the whole symbol.
    A null multiplier, or no type, means nobody has said what a contract is worth: its
    fills are excluded and reported.
    The currency is the second leg's of a pair, else what the line of the symbol or its
    root says, else that of the ending (.TO), else what the sign's line says; null where none
    of them does: then the fill or its account does.
#}
with

fills as (
    select distinct symbol from {{ ref('stg_propreports__fills') }}
    union
    -- The broker may hold what we have no fill of.
    select distinct symbol from {{ ref('stg_propreports__positions') }}
    union
    select symbol from {{ ref('int_opening_lots') }}
    union
    -- What a corporate action gives may never have been traded.
    select new_symbol as symbol from {{ ref('int_corporate_actions') }}
),

instrument_multipliers as (
    select
        coalesce(symbol_prefix, '') as symbol_prefix,
        instrument_type,
        multiplier,
        currency
    from {{ ref('stg_desk__instrument_multipliers') }}
),

currency_suffixes as (
    select
        symbol_suffix,
        currency
    from {{ ref('stg_desk__currency_suffixes') }}
),

symbols as (
    select
        symbol,
        case
            when upper(left(symbol, 1)) between 'A' and 'Z' then ''
            when left(symbol, 1) between '0' and '9' then ''
            else left(symbol, 1)
        end as type_sign,
        nullif(regexp_extract(
            symbol,
            '^([^A-Za-z0-9][A-Za-z0-9]+)[FGHJKMNQUVXZfghjkmnquvxz]'
            || '([0-9]|[0-9][0-9]|[0-9][0-9][0-9][0-9])$',
            1
        ), '') as future_root,
        nullif(trim(regexp_extract(
            symbol,
            '^([^A-Za-z0-9].+)[0-9][0-9][0-9][0-9][0-9][0-9][CPcp][0-9.]+$',
            1
        )), '') as option_root
    from fills
),

matching_lines as (
    select
        symbol,
        symbol as symbol_prefix,
        cast(null as string) as instrument_type
    from symbols
    union all
    select
        symbol,
        future_root as symbol_prefix,
        'future' as instrument_type
    from symbols
    union all
    select
        symbol,
        option_root as symbol_prefix,
        'option' as instrument_type
    from symbols
    union all
    select
        symbol,
        type_sign as symbol_prefix,
        null as instrument_type
    from symbols
),

lines_ranked as (
    select
        matching_lines.symbol,
        instrument_multipliers.symbol_prefix,
        instrument_multipliers.instrument_type,
        instrument_multipliers.multiplier,
        instrument_multipliers.currency,
        row_number() over (
            partition by matching_lines.symbol
            order by length(instrument_multipliers.symbol_prefix) desc
        ) as match_rank
    from matching_lines
    inner join instrument_multipliers
        on
            matching_lines.symbol_prefix = instrument_multipliers.symbol_prefix
            and coalesce(
                matching_lines.instrument_type, instrument_multipliers.instrument_type
            ) = instrument_multipliers.instrument_type
),

-- Of a symbol written in no way we know, a line for its beginning may be meant or not.
unclear_symbols as (
    select distinct symbols.symbol
    from symbols
    inner join instrument_multipliers
        on
            left(symbols.symbol, length(instrument_multipliers.symbol_prefix))
            = instrument_multipliers.symbol_prefix
            and length(instrument_multipliers.symbol_prefix)
            between 2 and length(symbols.symbol) - 1
    where
        symbols.type_sign <> ''
        and symbols.future_root is null
        and symbols.option_root is null
),

final as (
    select
        symbols.symbol,
        coalesce(symbols.option_root, symbols.future_root, symbols.symbol)
            as symbol_root,
        symbols.type_sign,
        lines_ranked.instrument_type,
        cast(
            case
                when lines_ranked.symbol_prefix = symbols.symbol
                    then lines_ranked.multiplier
                when
                    lines_ranked.symbol_prefix = symbols.type_sign
                    and (
                        lines_ranked.instrument_type = 'future'
                        or unclear_symbols.symbol is not null
                    )
                    then null
                else lines_ranked.multiplier
            end as decimal(18, 8)
        ) as multiplier,
        coalesce(
            {{ quote_currency('symbols.symbol') }},
            case
                when lines_ranked.symbol_prefix <> symbols.type_sign
                    then lines_ranked.currency
            end,
            currency_suffixes.currency,
            lines_ranked.currency
        ) as currency
    from symbols
    left join lines_ranked
        on symbols.symbol = lines_ranked.symbol and lines_ranked.match_rank = 1
    left join unclear_symbols on symbols.symbol = unclear_symbols.symbol
    left join currency_suffixes
        on
            regexp_extract(
                upper(coalesce(symbols.option_root, symbols.symbol)), '[.][A-Z]+$', 0
            ) = currency_suffixes.symbol_suffix
)

select * from final
