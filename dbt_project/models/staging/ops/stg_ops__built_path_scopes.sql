{#
    Grain: one row per scope, account and date from which it belonged to it, of the paths of
    the last finished build. Empty before the first.
#}
with

source as (
    select * from {{ source('ops', 'built_path_scopes') }}
),

final as (
    select
        ---------- keys
        scope_type,
        scope_name,
        account_id,
        ---------- dates
        valid_from,
        valid_to
    from source
)

select * from final
