{#
    Grain: one row: limits of accounts, traders, groups or strategies that nobody knows.
    They hold for nobody.
#}
with

scopes as (
    select distinct
        scope_type,
        scope_name
    from {{ ref('int_account_scopes') }}
),

limits as (
    select distinct
        scope_type,
        scope_name
    from {{ ref('stg_desk__limits') }}
),

unmatched_limits as (
    select
        limits.scope_type,
        limits.scope_name,
        row_number() over (order by limits.scope_type, limits.scope_name) as shown_order
    from limits
    left join scopes
        on
            limits.scope_type = scopes.scope_type
            and limits.scope_name = scopes.scope_name
    where scopes.scope_name is null and limits.scope_type <> 'desk'
),

final as (
    select
        'unmatched_limits' as check_name,
        count(*) as found_count,
        'limits are of unknown accounts or traders, and apply to none: '
        || {{ first_few_joined("replace(scope_type, '_', ' ') || ' ' || scope_name") }}
            as finding
    from unmatched_limits
)

select * from final
