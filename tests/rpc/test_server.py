"""The server around the calls: start-up, health, probes, reflection, metrics, TLS and the orderly end."""

import asyncio
import os
import signal
import urllib.request
from datetime import UTC, datetime, timedelta
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from libs.common.auth.tokens import TokenVerifier
from libs.common.rpc.methods import ContractRefused, policies_of
from libs.common.rpc.server import RpcServer
from libs.common.rpc.validation import compile_rules
from tests.rpc.protocol import DESCRIPTORS, echo
from tests.rpc.world import TENANT, echo_server, refused

SERVICE = "tickettoken.testing.v1.EchoService"
SERVING, NOT_SERVING = 1, 2


async def health_of(channel, name: str = "") -> int:
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
    return answer.status


async def test_methods_nobody_may_call_are_refused_at_start(keys):
    _, stubs = echo()
    settings = keys.settings()
    server = RpcServer(
        settings=settings,
        service="nobody",
        verifier=TokenVerifier.from_settings(settings),
        rate_limiter=None,
        idempotency=None,
        dependencies={},
    )
    server.add(stubs.add_NobodyServiceServicer_to_server, stubs.NobodyServiceServicer())

    with pytest.raises(ContractRefused) as refusal:
        await server.start()

    assert "Forgotten names no permission" in str(refusal.value)
    assert "Contradicted is public and yet restricted" in str(refusal.value)
    await server.close()


def test_policies_come_from_the_contract():
    policies = policies_of(SERVICE)

    assert policies["Say"].permissions == {"analytics.read"}
    assert (policies["Say"].rate_class, policies["Write"].rate_class) == ("read", "write")
    assert policies["Watch"].rate_class == "stream"
    assert policies["Say"].is_repeatable
    assert not policies["Write"].is_repeatable
    assert policies["Restricted"].is_internal


def test_every_service_of_the_contract_can_be_served():
    described = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
    for file in described.file:
        if file.package.startswith("tickettoken.") and file.service:
            import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
            for service in file.service:
                for policy in policies_of(f"{file.package}.{service.name}").values():
                    compile_rules(policy.request)


@pytest.mark.parametrize("name", ["", SERVICE, "live", "ready"])
async def test_health_needs_no_token_on_either_port(served, name):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{served.server.probe_port}") as probes:
        assert await health_of(served.channel, name) == SERVING
        assert await health_of(probes, name) == SERVING


async def test_unknown_health_name_is_not_found(served):
    error = await refused(health_of(served.channel, "nobody"))

    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_dependency_that_fails_is_told_and_only_critical_ones_cost_readiness(keys):
    async def up():
        return None

    async def down():
        raise ConnectionError("password=hunter2")

    async with echo_server(keys, dependencies={"postgres": up, "redis": down}) as served:
        assert await health_of(served.channel, "dep/postgres") == SERVING
        assert await health_of(served.channel, "dep/redis") == NOT_SERVING
        assert await health_of(served.channel, "ready") == SERVING
        assert served.server.dependencies.states["redis"].failure == "ConnectionError"
    async with echo_server(keys, dependencies={"postgres": down}) as served:
        assert await health_of(served.channel, "ready") == NOT_SERVING
        assert await health_of(served.channel, "live") == SERVING
        assert await health_of(served.channel, "") == SERVING


async def test_reflection_lists_and_describes_services_without_a_token(served):
    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
    ]

    listed, described = [answer async for answer in stub.ServerReflectionInfo(iter(asked))]

    names = {service.name for service in listed.list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= names
    assert described.file_descriptor_response.file_descriptor_proto


async def test_metrics_endpoint_counts_calls_by_method_and_code(served):
    await served.stub.Say(served.say(), metadata=served.auth())
    url = f"http://127.0.0.1:{served.server.metrics_port}/metrics"
    text = await asyncio.to_thread(lambda: urllib.request.urlopen(url).read().decode())

    assert f'rpc_server_call_seconds_count{{code="OK",method="/{SERVICE}/Say"}}' in text


async def test_sigterm_drains_calls_in_progress_and_refuses_new_ones(keys):
    async with echo_server(keys) as served:
        serving = asyncio.create_task(served.server.serve_until(asyncio.Event()))
        call = served.stub.Say(served.say("wait"), metadata=served.auth())
        in_progress = asyncio.create_task(_answer(call))
        async with asyncio.timeout(10):
            await served.servicer.entered.wait()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{served.server.probe_port}") as probes:
            assert await health_of(probes) == SERVING
            os.kill(os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(10):
                await served.server.draining.wait()
                while await health_of(probes) != NOT_SERVING:  # noqa: ASYNC110 - as any prober does
                    await asyncio.sleep(0.01)
            assert await health_of(probes, "live") == SERVING
        late = await refused(served.stub.Say(served.say(), metadata=served.auth(), timeout=1))
        served.servicer.release.set()

        assert (await in_progress).text == "wait"
        assert late.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
        await serving


async def _answer(call):
    return await call


async def test_replaced_certificates_serve_the_next_connection(keys, tmp_path):
    first, second = _Authority(tmp_path, "first"), _Authority(tmp_path, "second")
    certificate, key = first.issue("server")
    client_certificate, client_key = second.issue("client")
    both = tmp_path / "authorities.pem"
    both.write_bytes(first.path.read_bytes() + second.path.read_bytes())
    files = {
        "tls_certificate_path": str(certificate),
        "tls_key_path": str(key),
        "tls_client_ca_path": str(both),
    }

    def credentials(trusted: Path, *, with_certificate: bool = True) -> grpc.ChannelCredentials:
        own = (client_key.read_bytes(), client_certificate.read_bytes()) if with_certificate else (None, None)
        return grpc.ssl_channel_credentials(trusted.read_bytes(), *own)

    async with echo_server(keys, **files) as served:

        async def say(trusted: Path, **options) -> str:
            address = f"127.0.0.1:{served.server.port}"
            fresh = (("grpc.use_local_subchannel_pool", 1),)
            async with grpc.aio.secure_channel(address, credentials(trusted, **options), fresh) as channel:
                stub = echo()[1].EchoServiceStub(channel)
                return (await stub.Say(served.say(), metadata=served.auth(), timeout=3)).tenant_id

        assert await say(first.path) == str(TENANT)
        anonymous = await refused(say(first.path, with_certificate=False))

        new_certificate, new_key = second.issue("server2")
        new_certificate.replace(certificate)
        new_key.replace(key)

        assert await say(second.path) == str(TENANT)
        outdated = await refused(say(first.path))

    assert anonymous.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    assert outdated.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


class _Authority:
    """Issues certificates for 127.0.0.1."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.path = folder / f"{name}.pem"
        certificate = self._signed(self._name, self._key, is_authority=True)
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._signed(subject, key, is_authority=False)
        files = self._folder / f"{name}-cert.pem", self._folder / f"{name}-key.pem"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _signed(self, subject: x509.Name, key, *, is_authority: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
            )
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
