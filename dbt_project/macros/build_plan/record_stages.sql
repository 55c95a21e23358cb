{#
    Whether the marts are complete, in three hooks; runtime/build_chain.py reads it.

    drop_followers, before begin_stages: what is built by the plan of a run and has none of
    its own to remember (incremental with planned_by, and not tagged planned) is built whole if the run before
    did not finish, for that one's plan may have named more.
    begin_stages, as a run that makes models begins: which stages are in the making from
    now on, and of what.
    finish_stages, at the end of `dbt build`: those of which every model was made, if
    nothing failed.
#}
{% macro stage_of(node) -%}
    {{ return('risk' if 'after_scoring' in node.tags else 'build') }}
{%- endmacro %}

{% macro drop_followers() -%}
    {{ return(adapter.dispatch('drop_followers')()) }}
{%- endmacro %}

{% macro default__drop_followers() -%}{%- endmacro %}

{% macro duckdb__drop_followers() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set finished = dbt.run_query(
            "select count(*) from ops.stages where stage = 'build' and is_finished"
        ).columns[0].values()[0] -%}
        {%- for name in selected_resources if not finished and name in graph.nodes -%}
            {%- set node = graph.nodes[name] -%}
            {%- if
                node.config.materialized == 'incremental'
                and node.config.meta.planned_by
                and 'planned' not in node.tags
                and relation_of(node.name)
            -%}
                {%- do adapter.drop_relation(relation_of(node.name)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro begin_stages() -%}
    {{ return(adapter.dispatch('begin_stages')()) }}
{%- endmacro %}

{% macro default__begin_stages() -%}{%- endmacro %}

{% macro duckdb__begin_stages() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set begun = [] -%}
        {%- for name in selected_resources if name in graph.nodes -%}
            {%- set node = graph.nodes[name] -%}
            {%- if node.resource_type == 'model' and stage_of(node) not in begun -%}
                {%- do begun.append(stage_of(node)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if begun -%}
            {{ begin_stages_sql(begun) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro begin_stages_sql(stages) %}
    begin transaction;
    {% for stage in stages %}
        delete from ops.stages where stage = '{{ stage }}';
        insert into ops.stages
        select
            '{{ stage }}',
            '{{ invocation_id }}',
            (
                select id from ops.stages
                where stage = '{{ 'score' if stage == 'risk' else 'ingest' }}'
            ),
            false;
    {% endfor %}
    commit;
{% endmacro %}

{% macro finish_stages(results) -%}
    {{ return(adapter.dispatch('finish_stages')(results)) }}
{%- endmacro %}

{% macro default__finish_stages(results) -%}{%- endmacro %}

{% macro duckdb__finish_stages(results) -%}
    {#- With --empty nothing of the data is in them. -#}
    {%- if execute and flags.WHICH == 'build' and not flags.EMPTY -%}
        {%- set made, failed = [], [] -%}
        {%- for result in results -%}
            {%- if result.status in ('error', 'fail', 'runtime error', 'skipped') -%}
                {%- do failed.append(result.node.unique_id) -%}
            {%- elif result.status == 'success' -%}
                {%- do made.append(result.node.unique_id) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set partial = [] -%}
        {%- for name, node in graph.nodes.items()
            if node.resource_type == 'model'
            and node.config.materialized != 'ephemeral'
            and name not in made -%}
            {%- do partial.append(stage_of(node)) -%}
        {%- endfor -%}
        {%- for stage in ('build', 'risk')
            if not failed and stage not in partial %}
            update ops.stages set is_finished = true
            where stage = '{{ stage }}' and id = '{{ invocation_id }}';
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
