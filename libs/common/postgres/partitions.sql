-- Partitions by UTC day or month, made and dropped by the worker role through functions that run as the owner.

create table if not exists platform.partitioned_tables (
    table_name text primary key,
    grain text not null check (grain in ('day', 'month'))
);

-- Make every missing partition between two instants. The child is built beside the parent and then attached:
-- ATTACH lets readers and writers of the parent go on, CREATE ... PARTITION OF would not.
create or replace function platform.ensure_partitions(target text, since timestamptz, until timestamptz) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp set timezone = 'UTC'
as $$
declare
    parent regclass := to_regclass(target);
    step text := (select grain from platform.partitioned_tables where to_regclass(table_name) = to_regclass(target));
    parent_schema name;
    parent_name name;
    lower_bound timestamptz;
    upper_bound timestamptz;
    child text;
    policy record;
    made integer := 0;
begin
    if step is null then
        raise exception 'table % is not registered as partitioned', target using errcode = 'invalid_parameter_value';
    end if;
    select n.nspname, c.relname into parent_schema, parent_name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent;
    perform pg_advisory_xact_lock(hashtextextended('partitions of ' || parent::text, 0));
    lower_bound := date_trunc(step, since);
    while lower_bound <= until loop
        upper_bound := lower_bound + ('1 ' || step)::interval;
        child := format('%I.%I', parent_schema, parent_name || '_p'
            || to_char(lower_bound, case step when 'day' then 'YYYYMMDD' else 'YYYYMM' end));
        if to_regclass(child) is null then
            execute format('create table %s (like %s including all excluding identity)', child, parent);
            execute format('alter table %s enable row level security', child);
            execute format('alter table %s force row level security', child);
            for policy in select * from pg_policies where schemaname = parent_schema and tablename = parent_name loop
                execute format('create policy %I on %s as %s for %s to %s%s%s', policy.policyname, child,
                    policy.permissive, policy.cmd,
                    (select string_agg(case r when 'public' then 'public' else quote_ident(r) end, ', ')
                     from unnest(policy.roles) r),
                    coalesce(' using (' || policy.qual || ')', ''),
                    coalesce(' with check (' || policy.with_check || ')', ''));
            end loop;
            execute format('alter table %s attach partition %s for values from (%L) to (%L)',
                parent, child, lower_bound, upper_bound);
            made := made + 1;
        end if;
        lower_bound := upper_bound;
    end loop;
    return made;
end $$;

-- Drop the partitions that end at or before an instant; returns their names.
create or replace function platform.drop_partitions(target text, before timestamptz) returns setof text
language plpgsql security definer set search_path = pg_catalog, public, pg_temp set timezone = 'UTC'
as $$
declare
    child text;
begin
    if not exists (
        select from platform.partitioned_tables where to_regclass(table_name) = to_regclass(target)
    ) then
        raise exception 'table % is not registered as partitioned', target using errcode = 'invalid_parameter_value';
    end if;
    for child in
        select c.oid::regclass::text
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = to_regclass(target)
          and substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)')::timestamptz <= before
        order by c.relname
    loop
        execute format('drop table %s', child);
        return next child;
    end loop;
end $$;

-- Register a partitioned table and make its first partitions.
create or replace function platform.partition_by_time(
    target text, grain text, since timestamptz, until timestamptz
) returns integer
language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    insert into platform.partitioned_tables as t (table_name, grain)
    select format('%I.%I', n.nspname, c.relname), $2
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass(target)
    on conflict (table_name) do update set grain = excluded.grain;
    return platform.ensure_partitions(target, since, until);
end $$;

revoke all on all functions in schema platform from public;

do $$
begin
    execute format('grant execute on function platform.ensure_partitions, platform.drop_partitions, platform.role to %I',
        platform.role('worker'));
end $$;
