{#
    What a trader's P&L and a factor come to together, as columns that begin with the
    factor's name; `factor_correlation` reads them.

    factor: name of the columns. column: the factor, a decimal of `digits` decimals, null
    where it is unknown. Beside it stands own_pnl, a decimal of two decimals.
#}
{% macro factor_sums(factor, column, digits) -%}
    {%- set own = 'case when ' ~ column ~ ' is not null then own_pnl end' -%}
    count({{ column }}) as {{ factor }}_days_count,
    -- Known exactly: a spread of what is always the same may be a last bit.
    min({{ own }}) <> max({{ own }}) and min({{ column }}) <> max({{ column }})
        as {{ factor }}_varies,
    {{ population_stddev(own) }} as {{ factor }}_own_spread,
    {{ population_stddev(column, digits) }} as {{ factor }}_spread,
    {{ safe_divide(
        'sum(cast(own_pnl as decimal(19, 2)) * ' ~ column ~ ')',
        'count(' ~ column ~ ')',
    ) }}
    - {{ safe_divide('sum(' ~ own ~ ')', 'count(' ~ column ~ ')') }}
    * {{ safe_divide('sum(' ~ column ~ ')', 'count(' ~ column ~ ')') }}
        as {{ factor }}_covariance
{%- endmacro %}
