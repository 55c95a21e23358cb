{# Grain: one row: columns of the source that nobody has declared. #}
with

extra_cells as (
    select
        resource,
        column_name
    from {{ ref('stg_propreports__extra_cells') }}
),

extra_columns as (
    select
        resource || '.' || column_name as column_text,
        row_number() over (order by resource, column_name) as shown_order
    from extra_cells
    group by resource, column_name
),

final as (
    select
        'unknown_columns' as check_name,
        count(*) as found_count,
        'undeclared columns came in; they are kept in raw.extra_cells: '
        || {{ first_few_joined('column_text') }} as finding
    from extra_columns
)

select * from final
