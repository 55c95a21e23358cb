{# Grain: one row per account and date from which its limit holds. #}
with

source as (
    select * from {{ source('desk', 'desk_limits') }}
),

file_held as (
    select content_hash
    from {{ ref('stg_desk__files') }}
    where file_name = 'limits'
),

final as (
    select
        source.account as account_id,
        source.valid_from,
        cast(source.daily_loss_limit_amount as decimal(18, 8)) as daily_loss_limit_amount,
        source.note
    from source
    inner join file_held on source.content_hash = file_held.content_hash
)

select * from final
