{# Grain: one row: warnings of the gate that stand, and that somebody has accepted. #}
with

accepted_warnings as (
    select
        check_name || ' of ' || batch_name || ' by ' || accepted_by as warning_text,
        row_number() over (order by check_name, batch_name) as shown_order
    from {{ ref('int_gate_warnings') }}
    where accepted_by is not null
),

final as (
    select
        'accepted_warnings' as check_name,
        count(*) as found_count,
        'warnings of the gate were accepted: '
        || {{ first_few_joined('warning_text', '; ') }} as finding
    from accepted_warnings
)

select * from final
