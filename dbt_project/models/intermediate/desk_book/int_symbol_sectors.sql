{#
    Grain: one row per symbol that the desk gives a sector or a proxy in instruments.csv.
    A symbol's own line decides, then that of its root (#ES). What is named as a proxy
    moves as itself. A desk without the file has no row.
#}
with

symbols as (
    select
        symbol,
        symbol_root
    from {{ ref('int_instruments') }}
),

instruments as (
    select
        symbol,
        sector,
        proxy
    from {{ ref('stg_desk__instruments') }}
),

proxies as (
    select distinct proxy
    from instruments
    where proxy is not null
),

in_lines as (
    select
        symbols.symbol,
        case when own_lines.symbol is null then root_lines.sector else own_lines.sector end
            as sector,
        coalesce(
            case when own_lines.symbol is null then root_lines.proxy else own_lines.proxy end,
            proxies.proxy
        ) as proxy
    from symbols
    left join instruments as own_lines on symbols.symbol = own_lines.symbol
    left join instruments as root_lines on symbols.symbol_root = root_lines.symbol
    left join proxies on symbols.symbol_root = proxies.proxy
),

final as (
    select
        ---------- keys
        symbol,
        ---------- text
        sector,
        proxy
    from in_lines
    where sector is not null or proxy is not null
)

select * from final
