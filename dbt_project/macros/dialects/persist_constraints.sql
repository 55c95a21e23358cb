{#
    Parquet tables of Spark take no constraints, so what contracts say of nulls is looked
    up once the table is there.
#}
{% macro spark__persist_constraints(relation, model) -%}
    {%- set never_null = [] -%}
    {%- if config.get('contract').enforced -%}
        {%- for column in model.columns.values() -%}
            {%- for constraint in column.constraints if constraint.type == 'not_null' -%}
                {%- do never_null.append(column.name) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if never_null and execute -%}
        {%- set sql -%}
            select count(*) from {{ relation }}
            where {{ never_null | join(' is null or ') }} is null
        {%- endset -%}
        {%- set broken_count = run_query(sql).columns[0].values()[0] -%}
        {%- if broken_count -%}
            {%- do exceptions.raise_compiler_error(
                broken_count ~ ' rows of ' ~ relation ~ ' have a null in one of '
                ~ never_null | join(', ') ~ ', which its contract forbids.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
