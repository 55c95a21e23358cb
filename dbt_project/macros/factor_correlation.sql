{#
    Correlation of a trader's P&L with a factor, of what `factor_sums` made of it. Of fewer
    than 20 days, or where one of the two is the same on all, nothing is said.
#}
{% macro factor_correlation(factor) -%}
    case
        -- The least of 1 and a null would be 1.
        when {{ factor }}_days_count >= 20 and {{ factor }}_varies
            then
                greatest(-1, least(1, {{ safe_divide(
                    factor ~ '_covariance',
                    factor ~ '_own_spread * ' ~ factor ~ '_spread',
                ) }}))
    end
{%- endmacro %}
