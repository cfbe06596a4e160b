"""PostgreSQL: tenant-bound transactions, roles, row-level security, migrations and their audit."""
