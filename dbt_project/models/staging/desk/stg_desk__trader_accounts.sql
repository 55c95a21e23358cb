{#
    Grain: one row per account and date from which it belongs to a trader.
    The desk's file, where it has a line; else the project's seed.
#}
with

source as (
    select * from {{ source('desk', 'desk_trader_accounts') }}
),

file_held as (
    select content_hash
    from {{ ref('stg_desk__files') }}
    where file_name = 'trader_accounts' and lines_count > 0
),

lines as (
    select source.*
    from source
    inner join file_held on source.content_hash = file_held.content_hash
),

final as (
    select
        lines.account_id,
        lines.valid_from,
        lines.trader_id,
        lines.note
    from lines
    union all
    select
        account_id,
        valid_from,
        trader_id,
        note
    from {{ ref('trader_accounts') }}
    where not exists (select 1 from file_held)
)

select * from final
