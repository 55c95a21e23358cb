{# Grain: one row: lines of the desk's files that are wrong. #}
with

refused_lines as (
    select
        -- How to fix them is said once, behind all of them.
        file_name || ', ' || regexp_replace(refused_for, '[.]( Fix it[.])?$', '')
            as line_text,
        row_number() over (order by file_order, line_number) as shown_order
    from {{ ref('stg_desk__refused_lines') }}
),

final as (
    select
        'refused_desk_lines' as check_name,
        count(*) as found_count,
        'lines of the desk''s files are wrong and do not count: '
        || {{ first_few_joined('line_text', '; ') }} as finding
    from refused_lines
)

select * from final
