{{ config(tags=['after_scoring']) }}
{# Parts of the traders are the whole of the scope's shortfall, to the cent. #}
with

desk_risk as (
    select * from {{ ref('desk_risk') }}
),

contributions as (
    select * from {{ ref('desk_risk_contributions') }}
)

select
    desk_risk.prediction_date,
    desk_risk.scope_type,
    desk_risk.scope_name
from desk_risk
inner join contributions
    on
        desk_risk.prediction_date = contributions.prediction_date
        and desk_risk.scope_type = contributions.scope_type
        and desk_risk.scope_name = contributions.scope_name
group by
    desk_risk.prediction_date,
    desk_risk.scope_type,
    desk_risk.scope_name
having
    sum(contributions.expected_shortfall_contribution)
    <> max(desk_risk.expected_shortfall_pnl)
