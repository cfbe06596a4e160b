"""First steps in a new deployment: a service's database with its roles, and signing keys for trying it out.

`python -m deploy.provision database metrics` reads PROVISION_ADMIN_URL, and METRICS_DATABASE_URL,
METRICS_WORKER_DATABASE_URL and METRICS_OWNER_DATABASE_URL, whose passwords become those of the roles.
`python -m deploy.provision keys FOLDER SERVICE...` makes keys that are missing; production brings its own.
"""

import argparse
import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from libs.common.auth.keys import generate_private_key, jwks_document
from libs.common.postgres.roles import RolePasswords, provision


def main() -> None:
    """Run the named step."""
    parser = argparse.ArgumentParser(prog="python -m deploy.provision", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    database = steps.add_parser("database", help="make or repair the roles and the database of a service")
    database.add_argument("service")
    keys = steps.add_parser("keys", help="make the signing keys that are missing")
    keys.add_argument("folder", type=Path)
    keys.add_argument("services", nargs="+")
    arguments = parser.parse_args()
    if arguments.step == "database":
        asyncio.run(provision_database(arguments.service, os.environ))
    else:
        make_keys(arguments.folder, arguments.services)


async def provision_database(service: str, environment: Mapping[str, str]) -> None:
    """Make or repair the roles and the database that the service's URLs name.

    Raises:
        KeyError: A URL is missing.
        ValueError: The URLs do not name the roles of this service, one database and a password each.
    """
    names = {"app": "DATABASE_URL", "worker": "WORKER_DATABASE_URL", "owner": "OWNER_DATABASE_URL"}
    urls = {role: urlsplit(environment[f"{service.upper()}_{name}"]) for role, name in names.items()}
    for role, url in urls.items():
        if unquote(url.username or "") != f"{service}_{role}" or not url.password:
            raise ValueError(f"the URL of the {role} role must name {service}_{role} and a password")
    databases = {unquote(url.path.strip("/")) for url in urls.values()}
    if len(databases) != 1 or "" in databases:
        raise ValueError("the three URLs must name the same database")
    await provision(
        environment["PROVISION_ADMIN_URL"],
        service=service,
        database=databases.pop(),
        passwords=RolePasswords(**{role: unquote(url.password or "") for role, url in urls.items()}),
    )


def make_keys(folder: Path, services: Sequence[str]) -> None:
    """Make the keys that are missing in the folder, and publish the public halves of all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    users = folder / "jwt-signing.pem"
    identities = {folder / f"internal-{service}.pem": service for service in services}
    for path, algorithm in [(users, "RS256"), *((path, "ES256") for path in identities)]:
        if not path.exists():
            generate_private_key(path, algorithm)
    (folder / "jwks.json").write_text(jwks_document({users: None}))
    (folder / "internal-jwks.json").write_text(jwks_document(identities))


if __name__ == "__main__":
    main()
