{# An amount as text, to the cent: in dollars, or behind the name of its currency. #}
{% macro money_text(amount, currency) -%}
    case
        when {{ currency }} = '{{ var("base_currency") }}' then '$'
        else {{ currency }} || ' '
    end || cast({{ amount }} as decimal(38, 2))
{%- endmacro %}
