{#
    Grain: one row per scope, rule and date from which a limit of it holds.
    Only limits that somebody has set: limits.csv, and of the daily loss of a trader what
    dim_traders resolves (the smallest of limits.csv, else traders.csv). A later line of
    limits.csv takes the place of the earlier one whole. What is said of a time after
    AS_OF is not known yet.
#}
with

lines as (
    select * from {{ ref('stg_desk__limits') }}
),

traders as (
    select
        trader_id,
        daily_loss_limit_amount,
        valid_from,
        valid_to
    from {{ ref('dim_traders') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

lines_dated as (
    select
        *,
        coalesce(cast(valid_from as date), {{ min_date() }}) as valid_from_date
    from lines
),

periods as (
    select
        lines_dated.*,
        coalesce(
            lead(lines_dated.valid_from_date) over (
                partition by lines_dated.scope_type, lines_dated.scope_name
                order by lines_dated.valid_from_date
            ),
            {{ max_date() }}
        ) as valid_to_date
    from lines_dated
    inner join run_context on lines_dated.valid_from_date <= run_context.as_of_date
),

limits as (
    {% for rule, column in limit_rules().items() -%}
        {{ "union all" if not loop.first }}
        select
            scope_type,
            scope_name,
            '{{ rule }}' as rule,
            {{ column }} as limit_value,
            warning_share,
            valid_from_date as valid_from,
            valid_to_date as valid_to
        from periods
        where {{ column }} is not null {{ "and scope_type <> 'trader'" if rule == 'daily_loss' }}
    {% endfor -%}
    union all
    select
        'trader' as scope_type,
        traders.trader_id as scope_name,
        'daily_loss' as rule,
        traders.daily_loss_limit_amount as limit_value,
        periods.warning_share,
        traders.valid_from,
        traders.valid_to
    from traders
    -- A row of dim_traders begins with each line about the trader.
    left join periods
        on
            traders.trader_id = periods.scope_name
            and periods.scope_type = 'trader'
            and traders.valid_from >= periods.valid_from_date
            and traders.valid_from < periods.valid_to_date
    where traders.daily_loss_limit_amount is not null
),

final as (
    select
        ---------- keys
        scope_type,
        scope_name,
        rule,
        ---------- numbers
        limit_value,
        warning_share,
        ---------- dates
        valid_from,
        valid_to
    from limits
)

select * from final
