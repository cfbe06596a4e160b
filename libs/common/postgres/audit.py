"""What is wrong with the protection of a migrated database, told from its catalogue."""

from collections.abc import Collection

import asyncpg

# grain: one problem. Tables are those of the schemas the services use, not PostgreSQL's own.
_TABLES = """
with tables as (
    select c.oid, c.oid::regclass::text as name, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
           c.relkind, c.relacl, c.relowner,
           exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'
                   and not a.attisdropped) as has_tenant
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
), grants as (
    select t.oid, pg_get_userbyid(nullif(acl.grantee, 0)) as grantee, acl.privilege_type
    from tables t cross join lateral aclexplode(t.relacl) acl
    where acl.grantee <> t.relowner
)
select name || ': no forced row-level security' as problem
from tables where has_tenant and not (relrowsecurity and relforcerowsecurity)
union all
select name || ': no policy named tenant that looks at app.current_tenant'
from tables t where has_tenant and not exists (
    select from pg_policy p where p.polrelid = t.oid and p.polname = 'tenant'
    and pg_get_expr(p.polqual, p.polrelid) like '%app.current_tenant%')
union all
select t.name || ': policy ' || quote_ident(p.polname)
       || ' shows every row to more than the worker or refresh role'
from tables t join pg_policy p on p.polrelid = t.oid
where pg_get_expr(p.polqual, p.polrelid) not like '%app.current_tenant%'
  and p.polroles <> array[to_regrole(platform.role('worker'))::oid]
  and p.polroles <> array[to_regrole(platform.role('refresh'))::oid]
union all
select t.name || ': tenant_id may be null'
from tables t join pg_attribute a on a.attrelid = t.oid and a.attname = 'tenant_id'
where not a.attnotnull
union all
select t.name || ': no index starts with tenant_id, yet the app role reads it'
from tables t
where has_tenant and has_table_privilege(platform.role('app'), t.oid, 'select') and not exists (
    select from pg_index i join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]
    where i.indrelid = t.oid and a.attname = 'tenant_id' and i.indisvalid)
union all
select t.name || ': the partition itself is granted to ' || coalesce(g.grantee, 'public')
from tables t join grants g using (oid) where t.relispartition
union all
select t.name || ': not a tenant table, yet ' || coalesce(g.grantee, 'public')
       || ' may ' || lower(g.privilege_type)
from tables t join grants g using (oid)
where not t.has_tenant and not t.relrowsecurity and not t.relispartition
  and coalesce(g.grantee, 'public') <> platform.role('worker') and not (g.privilege_type = 'SELECT')
union all
select t.name || ': granted to public: ' || lower(g.privilege_type)
from tables t join grants g using (oid) where g.grantee is null
union all
select t.name || ': ' || g.grantee || ' may ' || lower(g.privilege_type)
from tables t join grants g using (oid)
where g.privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')
union all
select t.name || ': a partitioned table without partitions'
from tables t where relkind = 'p' and not exists (select from pg_inherits i where i.inhparent = t.oid)
"""
_VIEWS = """
select c.oid::regclass || ': a materialized view that the app role can read' as problem
from pg_class c
where c.relkind = 'm'
  and has_schema_privilege(platform.role('app'), c.relnamespace, 'usage')
  and has_table_privilege(platform.role('app'), c.oid, 'select')
union all
select c.oid::regclass || ': a view that runs with its owner''s rights and is no security barrier'
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not coalesce(c.reloptions, '{}') && array['security_barrier=true', 'security_invoker=true']
union all
select c.oid::regclass || ': a barrier view without the tenant in it'
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not coalesce(c.reloptions, '{}') && array['security_invoker=true']
  and pg_get_viewdef(c.oid) not like '%app.current_tenant%'
"""
_ROLES = """
select rolname || ': must be neither superuser nor free of row-level security' as problem
from pg_roles
where rolname = any (array[platform.role('owner'), platform.role('app'), platform.role('worker'),
                           platform.role('refresh')])
  and (rolsuper or rolbypassrls)
union all
select c.oid::regclass || ': owned by ' || pg_get_userbyid(c.relowner)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relowner in (to_regrole(platform.role('app'))::oid, to_regrole(platform.role('worker'))::oid)
  and n.nspname !~ '^pg_'
union all
select p.oid::regprocedure || ': a function with its owner''s rights and no fixed search_path'
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.prosecdef and n.nspname !~ '^pg_'
  and not exists (select from unnest(p.proconfig) setting where setting like 'search_path=%')
union all
select p.oid::regprocedure || ': a function with its owner''s rights that anyone may run'
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.prosecdef and n.nspname !~ '^pg_' and has_function_privilege('public', p.oid, 'execute')
"""


async def audit(
    connection: "asyncpg.Connection[asyncpg.Record]", *, excused: Collection[str] = ()
) -> list[str]:
    """Sentences about what is wrong, sorted; empty when every table is protected as the house rules say.

    Args:
        connection: The owner or an administrator, connected to the service's migrated database.
        excused: Sentences that a service argues away beside them, for example of rows found by their series.
    """
    problems: set[str] = set()
    for query in (_TABLES, _VIEWS, _ROLES):
        problems.update(row["problem"] for row in await connection.fetch(query))
    return sorted(problems.difference(excused))
