{% macro risk_level(predicted_pnl) %}
case
    when {{ predicted_pnl }} is null then 'Unknown'
    when {{ predicted_pnl }} < {{ var('high_risk_below_pnl') }} then 'High'
    when {{ predicted_pnl }} < {{ var('medium_risk_below_pnl') }} then 'Medium'
    else 'Low'
end
{% endmacro %}
