{#
    Grain: one row per line that says what an account is, from a date on.
    The desk's file, where it has a line; else the project's seed.
#}
with

lines as (
    {{ desk_lines('account_roles') }}
),

final as (
    select
        lines.line_number,
        lines.account_id,
        lines.valid_from,
        lines.role as account_role,
        lines.parent_account_id,
        cast(lines.reset_date as date) as reset_date
    from lines
    union all
    select
        cast(null as bigint) as line_number,
        account_id,
        valid_from,
        role as account_role,
        parent_account_id,
        cast(reset_date as date) as reset_date
    from {{ ref('account_roles') }}
    where not exists (select 1 from lines)
)

select * from final
