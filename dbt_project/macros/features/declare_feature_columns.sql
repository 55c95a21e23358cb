{#
    Adds the columns of its themes to the contract of feat_trader_day, before dbt checks
    it and creates the table: types, names and number of all columns are enforced as in
    every mart, and the yml need not list each feature a second time.
#}
{% macro declare_feature_columns() -%}
    {%- for feature in declared_features() -%}
        {%- do model.columns.update({feature.column.name: feature.column}) -%}
    {%- endfor -%}
{%- endmacro %}
