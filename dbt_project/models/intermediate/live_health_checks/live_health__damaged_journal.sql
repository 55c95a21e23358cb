{# Grain: one row: which sessions' journals could not be read this morning. #}
with

live_problems as (
    select
        session_date,
        problem
    from {{ ref('stg_ops__live_problems') }}
),

final as (
    select
        'damaged_journal' as check_name,
        count(*) as found_count,
        case
            when count(*) = 1 then 'journal of the live desk is damaged: '
            else 'journals of the live desk are damaged: '
        end
        || {{ joined_text('problem', "' '", 'session_date') }} as finding
    from live_problems
)

select * from final
