{#
    Grain: one row per feature of feat_trader_day.
    Meaning, unit and window are what the theme marts' yml says; the rest is counted.
#}
{%- set features = [] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values()
        if node.name.startswith('feat_trader_day_') and node.resource_type == 'model' -%}
        {%- for column in node.columns.values()
            if column.name not in ('trader_id', 'trade_date') -%}
            {%- do features.append({
                'name': column.name,
                'theme': node.name | replace('feat_trader_day_', ''),
                'model': node.name,
                'type': column.data_type,
                'meaning': column.description | trim | replace("'", "''"),
                'unit': column.meta.unit or column.config.meta.unit,
                'window': column.meta.window or column.config.meta.window,
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endif %}

with

features as (
    select * from {{ ref('feat_trader_day') }}
),

final as (
    {% for feature in features -%}
        select
            ---------- keys
            '{{ feature.name }}' as feature_name,
            ---------- text
            '{{ feature.theme }}' as theme,
            '{{ feature.meaning }}' as meaning,
            '{{ feature.unit }}' as unit,
            '{{ feature.window }}' as feature_window,
            '{{ feature.type }}' as data_type,
            'marts.{{ feature.model }}' as source_model,
            ---------- numbers
            count(*) as rows_count,
            cast(count(*) - count({{ feature.name }}) as double)
            / nullif(count(*), 0) as null_ratio,
            cast(min({{ feature.name }}) as double) as minimum_value,
            cast(max({{ feature.name }}) as double) as maximum_value
        from features
        {% if not loop.last -%}
            union all
        {% endif -%}
    {%- endfor %}
)

select * from final
