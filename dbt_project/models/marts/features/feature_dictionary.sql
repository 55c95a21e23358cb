{#
    Grain: one row per feature of feat_trader_day.
    Meaning, phrase, unit and window are what the themes' yml says; the rest is counted, of all
    features in one pass: a query of its own for each costs more to plan than to run.
#}
{%- set features = declared_features() -%}
with

declared as (
    select features_declared.*
    from (
        values
        {% for feature in features -%}
            {%- set column, meta = feature.column, feature.column.config.meta -%}
            {%- set meaning = column.description | trim | replace("'", "''") -%}
            {#- Two literals: Spark takes a dollar sign and a brace for a variable. -#}
            {%- set phrase
                = meta.phrase | replace("'", "''") | replace('${', "$' || '{") -%}
            (
                '{{ column.name }}',
                '{{ feature.theme }}',
                '{{ meaning }}',
                '{{ phrase }}',
                '{{ meta.unit }}',
                '{{ meta.window }}',
                '{{ column.data_type }}'
            ){{ ',' if not loop.last }}
        {% endfor -%}
    ) as features_declared (
        feature_name, theme, meaning, phrase, unit, feature_window, data_type
    )
),

counted as (
    select
        {% for feature in features -%}
            {%- set name = feature.column.name -%}
            count({{ name }}) as {{ name }}_count,
            cast(min({{ name }}) as double) as {{ name }}_minimum,
            cast(max({{ name }}) as double) as {{ name }}_maximum,
        {% endfor -%}
        count(*) as rows_count
    from {{ ref('feat_trader_day') }}
),

told as (
    select
        declared.*,
        {% for figure in ['count', 'minimum', 'maximum'] -%}
            case declared.feature_name
                {% for feature in features -%}
                    when '{{ feature.column.name }}'
                        then counted.{{ feature.column.name }}_{{ figure }}
                {% endfor -%}
            end as value_{{ figure }},
        {% endfor -%}
        counted.rows_count
    from declared
    cross join counted
),

final as (
    select
        ---------- keys
        feature_name,
        ---------- text
        theme,
        meaning,
        phrase,
        unit,
        feature_window,
        data_type,
        'marts.feat_trader_day_' || theme as source_model,
        ---------- numbers
        rows_count,
        cast(rows_count - value_count as double) / nullif(rows_count, 0) as null_ratio,
        value_minimum as minimum_value,
        value_maximum as maximum_value
    from told
)

select * from final
