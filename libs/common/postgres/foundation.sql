-- What every service's database starts from: schemas, role names, and the functions that protect tables.
-- Runs as the owner role at the start of every migration; each statement may run again.

create schema if not exists platform;
create schema if not exists materialized;
create schema if not exists reporting_views;

-- '<service>_<kind>', derived from the owner of this database.
create or replace function platform.role(kind text) returns name
language sql stable parallel safe set search_path = pg_catalog, pg_temp
return (
    select regexp_replace(pg_get_userbyid(datdba)::text, '_owner$', '_' || kind)::name
    from pg_database where datname = current_database()
);

do $$
begin
    execute format('grant usage on schema platform to %I, %I', platform.role('app'), platform.role('worker'));
    execute format('grant usage on schema reporting_views to %I', platform.role('app'));
    execute format('grant usage on schema materialized to %I', platform.role('worker'));
    execute format('grant usage, create on schema materialized to %I', platform.role('refresh'));
    execute format('grant usage, create on schema reporting_views to %I', platform.role('refresh'));
end $$;

-- The predicate of the tenant policy. A scalar subquery is an InitPlan: evaluated once a statement, not once a row.
-- The venue grant is '*' or a uuid[] literal; '*' must never meet the cast, hence the CASE. Unset sees nothing.
create or replace function platform.tenant_predicate(venue_column text default null) returns text
language sql immutable set search_path = pg_catalog, pg_temp
return
    $p$tenant_id = (select nullif(current_setting('app.current_tenant', true), '')::uuid)$p$
    || case when venue_column is null then '' else format(
        $p$ and ((select coalesce(current_setting('app.venue_grant', true), '') = '*')
        or %I = any ((select case when current_setting('app.venue_grant', true) like '{%%'
            then current_setting('app.venue_grant', true)::uuid[] end)::uuid[]))$p$, venue_column) end;

-- Forced row-level security with the tenant policy, and the app role's privileges.
create or replace function platform.protect_table(
    target regclass, venue_column text default null, privileges text default 'select, insert, update, delete'
) returns void
language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format('revoke all on table %s from public', target);
    execute format('drop policy if exists tenant on %s', target);
    execute format('create policy tenant on %s using (%s)', target, platform.tenant_predicate(venue_column));
    execute format('grant %s on table %s to %I', privileges, target, platform.role('app'));
end $$;

-- The worker role sees every tenant's rows of this table: infrastructure tables only.
create or replace function platform.open_to_worker(
    target regclass, privileges text default 'select, insert, update, delete'
) returns void
language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    execute format('drop policy if exists worker on %s', target);
    execute format('create policy worker on %s to %I using (true)', target, platform.role('worker'));
    execute format('grant %s on table %s to %I', privileges, target, platform.role('worker'));
end $$;

-- The refresh role reads every tenant's rows of this table to fill materialized views.
create or replace function platform.open_to_refresh(target regclass) returns void
language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    execute format('drop policy if exists refresh on %s', target);
    execute format('create policy refresh on %s for select to %I using (true)', target, platform.role('refresh'));
    execute format('grant select on table %s to %I', target, platform.role('refresh'));
end $$;

-- A materialized view cannot carry policies: it lives in a schema the app role cannot use, owned by the refresh role
-- (REFRESH runs as the owner, who must see all rows), and the app role reads a security-barrier view over it.
create or replace function platform.materialize(
    view_name name, query text, key_columns text, venue_column text default null
) returns void
language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    worker name := platform.role('worker');
    app name := platform.role('app');
    predicate text := platform.tenant_predicate(venue_column);
begin
    execute format('set local role %I', platform.role('refresh'));
    execute format('create materialized view materialized.%I as %s', view_name, query);
    execute format('create unique index on materialized.%I (%s)', view_name, key_columns);
    execute format('create view reporting_views.%I with (security_barrier) as select * from materialized.%I where %s',
        view_name, view_name, predicate);
    execute format('grant maintain on materialized.%I to %I', view_name, worker);
    execute format('grant select on reporting_views.%I to %I', view_name, app);
    reset role;
end $$;

revoke all on all functions in schema platform from public;
