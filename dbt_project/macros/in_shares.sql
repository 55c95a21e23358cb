{# Units of a book (int_symbol_books), or an amount of so many of them, per share. #}
{% macro in_shares(units, units_per_share) -%}
    case
        when ({{ units_per_share }}) = 1 then {{ units }}
        else cast(
            round(cast({{ units }} as double) / ({{ units_per_share }}), 8)
            as decimal(38, 8)
        )
    end
{%- endmacro %}

{# Shares of a date as units of a book. #}
{% macro in_units(shares, units_per_share) -%}
    case
        when {{ units_per_share }} = 1 then {{ shares }}
        else cast({{ shares }} * {{ units_per_share }} as decimal(38, 8))
    end
{%- endmacro %}
