{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per entry of the ledger of limits, account and limit that it proposed:
    who wanted what, who decided, when it was in force, and how much of it was used: in the
    90 days before it was to take effect, and since, while it was in force.
    Use is that of the account's trader, all accounts together, at the most of each day
    (fct_limit_use). It is known where the desk has such a limit in limits.csv, and always
    of the daily loss.
#}
with

limit_changes as (
    select
        *,
        case limit_name
            when 'max_loss' then 'daily_loss'
            when 'max_drawdown' then 'drawdown'
            when 'max_gross' then 'gross_exposure'
            when 'max_position_shares' then 'position'
        end as rule
    from {{ ref('stg_ops__limit_changes') }}
),

approved as (
    select
        entry_number,
        account_id,
        limit_name,
        lead(effective_session) over (
            partition by account_id, limit_name
            order by effective_session, decided_at, entry_number
        ) as replaced_session
    from limit_changes
    where status = 'approved'
),

limit_use as (
    select
        scope_name,
        rule,
        trade_date,
        peak_value
    from {{ ref('fct_limit_use') }}
    where scope_type = 'trader' and peak_value is not null
),

limits as (
    select
        limit_changes.*,
        approved.entry_number is not null as is_approved,
        approved.replaced_session
    from limit_changes
    left join approved
        on
            limit_changes.entry_number = approved.entry_number
            and limit_changes.account_id = approved.account_id
            and limit_changes.limit_name = approved.limit_name
),

days as (
    select
        limits.entry_number,
        limits.account_id,
        limits.limit_name,
        limits.limit_value,
        limit_use.peak_value,
        limit_use.trade_date >= limits.effective_session as is_since
    from limits
    inner join limit_use
        on
            limits.trader_id = limit_use.scope_name
            and limits.rule = limit_use.rule
            and {{ dbt.dateadd('day', -90, 'limits.effective_session') }}
            <= limit_use.trade_date
            and (
                limits.effective_session > limit_use.trade_date
                or (
                    limits.is_approved
                    and coalesce(limits.expires_session, {{ max_date() }}) >= limit_use.trade_date
                    and coalesce(limits.replaced_session, {{ max_date() }}) > limit_use.trade_date
                )
            )
),

used as (
    select
        entry_number,
        account_id,
        limit_name,
        {% for period, is_since in [('before', 'not is_since'), ('since', 'is_since')] -%}
            {{ count_where(is_since) }} as {{ period }}_days_count,
            max(case when {{ is_since }} then peak_value end) as {{ period }}_peak_value,
            {{ count_where(is_since ~ ' and peak_value > limit_value') }}
                as {{ period }}_beyond_count,
            {{ count_where(is_since ~ ' and peak_value >= 0.75 * limit_value') }}
                as {{ period }}_near_count
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from days
    group by entry_number, account_id, limit_name
),

final as (
    select
        ---------- keys
        limits.entry_number,
        limits.account_id,
        limits.limit_name,
        limits.trader_id,
        limits.session_date,
        limits.version,
        ---------- what
        limits.status,
        limits.limit_type,
        limits.limit_value,
        limits.warning_value,
        limits.previous_value,
        limits.reverts_to,
        limits.currency,
        case
            when limits.previous_value is null then 'first'
            when limits.limit_value < limits.previous_value then 'tighter'
            when limits.limit_value > limits.previous_value then 'looser'
            else 'unchanged'
        end as direction,
        ---------- who and why
        limits.proposed_by,
        limits.is_by_person,
        limits.reason,
        limits.model_version,
        limits.decided_by,
        limits.decision,
        ---------- when
        limits.effective_session,
        limits.expires_session,
        limits.replaced_session,
        limits.proposed_at,
        limits.decided_at,
        {%- for period in ['before', 'since'] %}
            ---------- use {{ period }}
            coalesce(used.{{ period }}_days_count, 0) as {{ period }}_days_count,
            used.{{ period }}_peak_value,
            {{ safe_divide('used.' ~ period ~ '_peak_value', 'limits.limit_value') }}
                as {{ period }}_peak_ratio,
            coalesce(used.{{ period }}_beyond_count, 0) as {{ period }}_beyond_count,
            coalesce(used.{{ period }}_near_count, 0) as {{ period }}_near_count,
            -- Of few days that nobody came near says nothing.
            case
                when coalesce(used.{{ period }}_days_count, 0) = 0 then 'unknown'
                when used.{{ period }}_beyond_count > 0 then 'beyond'
                when used.{{ period }}_near_count > 0 then 'near'
                when
                    used.{{ period }}_days_count >= 20
                    and used.{{ period }}_peak_value < 0.5 * limits.limit_value
                    then 'never near'
                else 'within'
            end as {{ period }}_use
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from limits
    left join used
        on
            limits.entry_number = used.entry_number
            and limits.account_id = used.account_id
            and limits.limit_name = used.limit_name
)

select * from final
