"""What the contract says about each method: read from the descriptors, so that no list is kept by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from tickettoken.common.v1 import options_pb2

RATE_CLASSES = frozenset({"read", "write", "bulk", "stream", "admin", "public"})
_NO_SIDE_EFFECTS = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
_IDEMPOTENT = descriptor_pb2.MethodOptions.IDEMPOTENT


class ContractRefused(Exception):
    """The contract does not say who may call a method, or says two things: the server does not start."""


@dataclass(frozen=True, slots=True)
class MethodPolicy:
    """One method as its contract describes it.

    `path` is the HTTP/2 path; `is_read_only` methods have no effect, `is_repeatable` ones may be called again
    with the same effect; `rate_class` is the budget a call is charged to.
    """

    path: str
    service: str
    name: str
    permissions: frozenset[str]
    is_public: bool
    is_internal: bool
    rate_class: str
    is_read_only: bool
    is_repeatable: bool
    takes_stream: bool
    gives_stream: bool
    request: type[Message]
    response: type[Message]


def policies_of(service_name: str) -> dict[str, MethodPolicy]:
    """The policies of a service's methods by method name.

    Raises:
        ContractRefused: A method states neither permissions, public nor internal, or contradicts itself.
    """
    service = descriptor_pool.Default().FindServiceByName(service_name)
    refused = [problem for method in service.methods for problem in _problems(method)]
    if refused:
        raise ContractRefused("; ".join(refused))
    return {method.name: _policy(service, method) for method in service.methods}


def service_config_methods(service: ServiceDescriptor, *, repeatable: bool) -> Sequence[dict[str, str]]:
    """The `name` entries of a gRPC service config for methods that may, or may not, be repeated."""
    chosen = [method.name for method in service.methods if _is_repeatable(method) is repeatable]
    return [{"service": service.full_name, "method": name} for name in chosen]


def _policy(service: ServiceDescriptor, method: MethodDescriptor) -> MethodPolicy:
    options = method.GetOptions()
    is_read_only = options.idempotency_level == _NO_SIDE_EFFECTS
    rate_class = options.Extensions[options_pb2.rate_limit_class] or ("read" if is_read_only else "write")
    return MethodPolicy(
        path=f"/{service.full_name}/{method.name}",
        service=service.full_name,
        name=method.name,
        permissions=frozenset(options.Extensions[options_pb2.required_permissions]),
        is_public=options.Extensions[options_pb2.public],
        is_internal=options.Extensions[options_pb2.internal],
        rate_class=rate_class,
        is_read_only=is_read_only,
        is_repeatable=_is_repeatable(method),
        takes_stream=method.client_streaming,
        gives_stream=method.server_streaming,
        request=message_factory.GetMessageClass(method.input_type),
        response=message_factory.GetMessageClass(method.output_type),
    )


def _problems(method: MethodDescriptor) -> list[str]:
    options = method.GetOptions()
    permissions = options.Extensions[options_pb2.required_permissions]
    is_public = options.Extensions[options_pb2.public]
    is_internal = options.Extensions[options_pb2.internal]
    rate_class = options.Extensions[options_pb2.rate_limit_class]
    problems = []
    if not (permissions or is_public or is_internal):
        problems.append(f"{method.full_name} names no permission and is neither public nor internal")
    if is_public and (permissions or is_internal):
        problems.append(f"{method.full_name} is public and yet restricted")
    if rate_class and rate_class not in RATE_CLASSES:
        problems.append(f"{method.full_name} names the unknown rate class {rate_class!r}")
    return problems


def _is_repeatable(method: MethodDescriptor) -> bool:
    return method.GetOptions().idempotency_level in {_NO_SIDE_EFFECTS, _IDEMPOTENT}
