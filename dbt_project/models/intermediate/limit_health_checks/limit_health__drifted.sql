{#
    Grain: one row: limits that stand at a platform as something else than what is in force.
#}
with

platforms as (
    select
        platform,
        account_id,
        limit_name,
        our_value,
        their_value
    from {{ ref('stg_ops__limit_platforms') }}
    where status = 'drifted'
),

drifted as (
    select
        *,
        row_number() over (order by platform, account_id, limit_name) as shown_order
    from platforms
),

final as (
    select
        'drifted' as check_name,
        count(*) as found_count,
        'limits stand at a platform as something else: '
        || {{ first_few_joined(
            "account_id || ' ' || limit_name || ' at ' || platform || ' (ours '"
            ~ " || " ~ plain_number('our_value') ~ " || ', theirs '"
            ~ " || coalesce(" ~ plain_number('their_value') ~ ", 'nothing') || ')'"
        ) }} as finding
    from drifted
)

select * from final
