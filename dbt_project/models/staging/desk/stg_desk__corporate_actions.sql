{#
    Grain: one row per line of corporate_actions.csv.
    A line for shares says how many new ones an old one becomes, or of a spin-off is given
    (split, symbol_change, merger, spin_off); one that closes what is open says at which
    price (expiry, merger for cash alone). cost_share is the part of the cost that goes over
    to the new shares, where not all of it does.
#}
with

lines as (
    {{ desk_lines('corporate_actions') }}
),

final as (
    select
        line_number,
        symbol,
        cast(effective_date as date) as effective_date,
        action,
        coalesce(new_symbol, symbol) as new_symbol,
        cast(
            coalesce(regexp_extract(ratio, '^([0-9]+):', 1), '1') as decimal(18, 0)
        ) as new_shares,
        cast(
            coalesce(regexp_extract(ratio, ':([0-9]+)$', 1), '1') as decimal(18, 0)
        ) as old_shares,
        case
            when action = 'expiry' or (new_symbol is null and cash_per_share is not null)
                then cast(coalesce(cash_per_share, '0') as decimal(18, 8))
        end as closing_price,
        case when new_symbol is not null then cast(cash_per_share as decimal(18, 8)) end
            as cash_per_share,
        cast(cost_share as decimal(18, 8)) as cost_share,
        note
    from lines
)

select * from final
