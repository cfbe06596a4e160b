"""The S3 protocol by JuiceFS's gateway over a folder: for tests, not part of a local stack."""

import http.client
import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from deploy.local.processes import Process
from deploy.local.servers.server import Server, output_of, required_program

_INSTALL = "it comes with the development requirements: make test installs them"


class S3(Server):
    """One S3 server with one bucket."""

    name = "s3"
    bucket: ClassVar[str] = "objects"

    def __init__(
        self, folder: Path, *, port: int, access_key: str, secret_key: str, log: Path | None = None
    ) -> None:
        super().__init__(folder, port=port, log=log)
        self.access_key = access_key
        self.secret_key = secret_key

    @property
    def url(self) -> str:
        """Endpoint URL; path-style bucket addresses."""
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def version(self) -> str:
        return output_of(self._program, "version")

    def prepare(self) -> Process:
        metadata = f"sqlite3://{self.folder}/metadata.db"
        environment = {**os.environ, "HOME": str(self.folder), "JFS_NO_UPDATE_CHECK": "1"}
        environment |= {"MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key}
        if not (self.folder / "metadata.db").exists():
            options = ["--storage", "file", "--bucket", f"{self.folder}/blocks/", "--trash-days", "0"]
            with self.log.open("ab") as log:
                subprocess.run(
                    [self._program, "format", *options, metadata, self.bucket],
                    check=True,
                    env=environment,
                    stdout=log,
                    stderr=log,
                )
        options = ["--no-usage-report", "--no-banner", "--cache-dir", f"{self.folder}/cache"]
        return Process(
            name=self.name,
            program=[self._program, "gateway", *options, metadata, f"127.0.0.1:{self.port}"],
            log=self.log,
            environment=environment,
        )

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", "/minio/health/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

    @property
    def _program(self) -> str:
        return required_program("juicefs", str(Path(sys.executable).parent / "juicefs"), install=_INSTALL)
