{# Grain: one row per morning, check and batch of the gate whose warning somebody has accepted. #}
with

source as (
    select * from {{ source('desk', 'desk_accepted_warnings') }}
),

file_held as (
    select content_hash
    from {{ ref('stg_desk__files') }}
    where file_name = 'accepted_warnings'
),

final as (
    select
        cast(source.as_of_date as date) as as_of_date,
        source.check_name,
        source.batch_name,
        source.accepted_by,
        source.note
    from source
    inner join file_held on source.content_hash = file_held.content_hash
)

select * from final
