{#
    Grain: one row per feature of feat_trader_day.
    Meaning, phrase, unit and window are what the themes' yml says; the rest is counted.
#}
with

features as (
    select * from {{ ref('feat_trader_day') }}
),

final as (
    {% for feature in declared_features() -%}
        {%- set column, meta = feature.column, feature.column.config.meta -%}
        {%- set meaning = column.description | trim | replace("'", "''") -%}
        {#- Two literals: Spark takes a dollar sign and a brace for a variable. -#}
        {%- set phrase
            = meta.phrase | replace("'", "''") | replace('${', "$' || '{") -%}
        select
            ---------- keys
            '{{ column.name }}' as feature_name,
            ---------- text
            '{{ feature.theme }}' as theme,
            '{{ meaning }}' as meaning,
            '{{ phrase }}' as phrase,
            '{{ meta.unit }}' as unit,
            '{{ meta.window }}' as feature_window,
            '{{ column.data_type }}' as data_type,
            'marts.feat_trader_day_{{ feature.theme }}' as source_model,
            ---------- numbers
            count(*) as rows_count,
            cast(count(*) - count({{ column.name }}) as double)
            / nullif(count(*), 0) as null_ratio,
            cast(min({{ column.name }}) as double) as minimum_value,
            cast(max({{ column.name }}) as double) as maximum_value
        from features
        {% if not loop.last -%}
            union all
        {% endif -%}
    {%- endfor %}
)

select * from final
