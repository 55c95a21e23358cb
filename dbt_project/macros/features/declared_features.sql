{#
    Features as the yml of their themes declares them, in the order of feat_trader_day:
    theme and column of each. While dbt parses there are none yet.
#}
{% macro declared_features() -%}
    {%- set features = [] -%}
    {%- if execute -%}
        {%- for theme in feature_themes() -%}
            {%- set mart = graph.nodes['model.risk.feat_trader_day_' ~ theme] -%}
            {%- for column in mart.columns.values()
                if column.name not in ('trader_id', 'trade_date') -%}
                {%- for key in ('unit', 'window', 'phrase')
                    if not column.config.meta[key] -%}
                    {%- do exceptions.raise_compiler_error(
                        'Feature ' ~ column.name ~ ' has no ' ~ key
                        ~ '. Say it in config.meta of its column in '
                        ~ mart.patch_path.split('://')[1]
                    ) -%}
                {%- endfor -%}
                {%- do features.append({'theme': theme, 'column': column}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(features) }}
{%- endmacro %}
