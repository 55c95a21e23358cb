{#
    A double as DECIMAL(38, 8). Of what lies half-way between two decimals the engines'
    own casts make different ones: Spark reads the double's shortest text, DuckDB its
    binary value. Spark does it in DuckDB's way here.
#}
{% macro to_amount(amount) -%}
    {{ return(adapter.dispatch('to_amount')(amount)) }}
{%- endmacro %}

{% macro default__to_amount(amount) -%}
    cast({{ amount }} as decimal(38, 8))
{%- endmacro %}

{% macro spark__to_amount(amount) -%}
    cast(
        cast(round(({{ amount }}) * 1e8) as decimal(19, 0))
        * cast(0.00000001 as decimal(18, 8)) as decimal(38, 8)
    )
{%- endmacro %}
