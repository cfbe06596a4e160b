"""Touchpoints that are kept of a tenant."""


async def kept(collection, tenant_id):
    found = await collection.find({"tenant_id": str(tenant_id)}, {"_id": 0}).to_list()
    return sorted(found, key=lambda document: document["id"])
