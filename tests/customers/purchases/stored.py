"""What the tables hold of a tenant, in the words of the naive counts."""


async def rows(connection, table, tenant, *keys, without=()):
    """Rows by their key; ids as texts."""
    found = {}
    for row in await connection.fetch(f"select * from {table} where tenant_id = $1", tenant):
        values = {name: plain(value) for name, value in row.items()}
        key = tuple(values.pop(name) for name in keys)
        for name in ("tenant_id", *without):
            values.pop(name)
        found[key if len(keys) > 1 else key[0]] = values
    return found


def plain(value):
    return str(value) if type(value).__name__ == "UUID" else value


async def purchases(connection, tenant):
    return await rows(connection, "purchases", tenant, "order_id", "currency")


async def admissions(connection, tenant):
    return await rows(connection, "admissions", tenant, "ticket_id", without=["revision_id"])


async def seen(connection, tenant):
    found = await rows(connection, "customer_venues", tenant, "venue_id", "customer_id")
    return {pair: (row["first_seen_at"], row["last_seen_at"]) for pair, row in found.items()}


async def people(connection, tenant):
    return await rows(connection, "customers", tenant, "customer_id")
