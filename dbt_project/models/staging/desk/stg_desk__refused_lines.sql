{#
    Grain: one row per line of the desk's files, as they are now, that is wrong and does not
    count.
#}
{% set file_names = [
    'corporate_actions', 'opening_lots', 'exchange_rates', 'instrument_multipliers',
    'currency_suffixes', 'session_cutoffs', 'account_roles', 'traders', 'limits',
    'adjustment_categories', 'payout_terms', 'signed_off_breaks', 'accepted_warnings',
    'breach_notes', 'candidate_rules', 'instruments',
] %}

with

files as (
    select
        file_name,
        content_hash
    from {{ ref('stg_desk__files') }}
),

lines as (
    {% for file_name in file_names -%}
        {{ 'union all' if not loop.first }}
        select
            '{{ file_name }}' as file_name,
            {{ loop.index }} as file_order,
            content_hash,
            line_number,
            refused_for
        from {{ source('desk', 'desk_' ~ file_name) }}
    {% endfor %}
),

final as (
    select
        lines.file_name || '.csv' as file_name,
        lines.file_order,
        lines.line_number,
        lines.refused_for
    from lines
    inner join files
        on
            lines.file_name = files.file_name
            and lines.content_hash = files.content_hash
    where lines.refused_for is not null
)

select * from final
