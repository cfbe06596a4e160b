"""TLS by file paths: certificates that are replaced on disk serve the next connection, without a restart."""

from pathlib import Path

import grpc
import structlog

from libs.common.settings import ProcessSettings

_log = structlog.get_logger(__name__)


def server_credentials(settings: ProcessSettings) -> grpc.ServerCredentials | None:
    """Credentials that follow the files, with client certificates required when their authorities are set.

    Returns:
        None when no certificate is configured: the server speaks plain text.
    """
    certificate, key = settings.tls_certificate_path, settings.tls_key_path
    if certificate is None or key is None:
        if certificate or key or settings.tls_client_ca_path:
            raise ValueError("TLS needs both tls_certificate_path and tls_key_path")
        return None
    files = _ServerFiles(certificate, key, settings.tls_client_ca_path)
    return grpc.dynamic_ssl_server_credentials(
        files.load(),
        files.changed,  # type: ignore[arg-type]  # None means no change; the stubs do not know
        require_client_authentication=settings.tls_client_ca_path is not None,
    )


def channel_credentials(settings: ProcessSettings) -> grpc.ChannelCredentials | None:
    """Credentials of an outgoing channel: the authorities of the mesh and this process's own certificate."""
    if settings.tls_client_ca_path is None:
        return None
    has_own = settings.tls_certificate_path is not None and settings.tls_key_path is not None
    return grpc.ssl_channel_credentials(
        root_certificates=Path(settings.tls_client_ca_path).read_bytes(),
        private_key=Path(settings.tls_key_path or "").read_bytes() if has_own else None,
        certificate_chain=Path(settings.tls_certificate_path or "").read_bytes() if has_own else None,
    )


class _ServerFiles:
    """The certificate files; gRPC asks `changed` before every handshake."""

    def __init__(self, certificate: str, key: str, client_ca: str | None) -> None:
        self._certificate = Path(certificate)
        self._key = Path(key)
        self._client_ca = None if client_ca is None else Path(client_ca)
        self._seen = self._stamp()

    def load(self) -> grpc.ServerCertificateConfiguration:
        pair = (self._key.read_bytes(), self._certificate.read_bytes())
        roots = None if self._client_ca is None else self._client_ca.read_bytes()
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=roots)

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The new configuration when a file was replaced; None, also on failure, keeps the old one."""
        try:
            seen = self._stamp()
            if seen == self._seen:
                return None
            configuration = self.load()
        except OSError as error:
            _log.warning("certificates were not read; the present ones stay", cause=str(error))
            return None
        self._seen = seen
        return configuration

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        files = [file for file in (self._certificate, self._key, self._client_ca) if file is not None]
        return tuple(
            (stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in (file.stat() for file in files)
        )
