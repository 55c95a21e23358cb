{# Grain: one row: lines of the desk's files that are refused one by one. #}
with

actions as (
    select
        line_number,
        refused_for
    from {{ ref('stg_desk__corporate_actions') }}
    where refused_for is not null
),

lots as (
    select
        line_number,
        refused_for
    from {{ ref('stg_desk__opening_lots') }}
    where refused_for is not null
),

rates as (
    select
        line_number,
        refused_for
    from {{ ref('stg_desk__exchange_rates') }}
    where refused_for is not null
),

rules as (
    select
        line_number,
        refused_for
    from {{ ref('stg_desk__candidate_rules') }}
    where refused_for is not null
),

instruments as (
    select
        line_number,
        refused_for
    from {{ ref('stg_desk__instruments') }}
    where refused_for is not null
),

refused_lines as (
    select
        'corporate_actions.csv, ' || refused_for as line_text,
        1 as file_order,
        line_number
    from actions
    union all
    select
        'opening_lots.csv, ' || refused_for as line_text,
        2 as file_order,
        line_number
    from lots
    union all
    select
        'exchange_rates.csv, ' || refused_for as line_text,
        3 as file_order,
        line_number
    from rates
    union all
    select
        'candidate_rules.csv, ' || refused_for as line_text,
        4 as file_order,
        line_number
    from rules
    union all
    select
        'instruments.csv, ' || refused_for as line_text,
        5 as file_order,
        line_number
    from instruments
),

lines_numbered as (
    select
        line_text,
        row_number() over (order by file_order, line_number) as shown_order
    from refused_lines
),

final as (
    select
        'refused_desk_lines' as check_name,
        count(*) as found_count,
        'lines of the desk''s files are wrong and are excluded: '
        || {{ first_few_joined('line_text', '; ') }} as finding
    from lines_numbered
)

select * from final
