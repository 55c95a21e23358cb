{#
    Grain: one row: lines of limits.csv of accounts, traders, groups or strategies that
    nobody knows. They hold for nobody.
#}
with

scopes as (
    select distinct
        scope_type,
        scope_name
    from {{ ref('int_account_scopes') }}
),

limits as (
    select
        line_number,
        scope_type,
        scope_name
    from {{ ref('stg_desk__limits') }}
),

unmatched_limits as (
    select
        'line ' || limits.line_number || ', ' || replace(limits.scope_type, '_', ' ') || ' '
        || limits.scope_name as line_text,
        row_number() over (order by limits.line_number) as shown_order
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
        'lines of limits.csv are of unknown accounts, traders, groups or strategies, and '
        || 'apply to none: ' || {{ first_few_joined('line_text', '; ') }} as finding
    from unmatched_limits
)

select * from final
