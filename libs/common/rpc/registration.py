"""Takes servicers as the generated code registers them, so that each method is wrapped once."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import grpc

from libs.common.rpc.errors import MethodNotImplemented
from libs.common.rpc.methods import ContractRefused, MethodPolicy, policies_of
from libs.common.rpc.pipeline import Pipeline
from libs.common.rpc.status import CODES, trailing_metadata

_Handlers = Mapping[str, "grpc.RpcMethodHandler[Any, Any]"]


class Registration:
    """Stands where `add_XServicer_to_server` expects a server, and keeps what it registers."""

    def __init__(self) -> None:
        self.services: dict[str, _Handlers] = {}

    def add_generic_rpc_handlers(self, _handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Nothing: the same handlers come through `add_registered_method_handlers`."""

    def add_registered_method_handlers(self, service_name: str, handlers: _Handlers) -> None:
        self.services[service_name] = handlers

    def add(self, register: Callable[[Any, Any], None], servicer: object) -> None:
        """Register a servicer with the generated function of its service."""
        import_module(register.__module__.removesuffix("_grpc"))  # the file that holds the service's options
        register(servicer, self)

    def wrapped(self, pipeline: Pipeline) -> "dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]]":
        """Every method of every service behind the pipeline.

        Raises:
            ContractRefused: A method's contract does not say who may call it; all such methods are named.
        """
        policies: dict[str, dict[str, MethodPolicy]] = {}
        refused = []
        for service in self.services:
            try:
                policies[service] = policies_of(service)
            except ContractRefused as error:
                refused.append(str(error))
        if refused:
            raise ContractRefused("; ".join(refused))
        return {
            service: {
                name: pipeline.wrap(policies[service][name], _method_of(handler))
                for name, handler in handlers.items()
            }
            for service, handlers in self.services.items()
        }


class UnknownMethods(grpc.GenericRpcHandler):
    """Answers paths that no contract has, with a reason like any other refusal."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        return grpc.stream_stream_rpc_method_handler(_refuse_unknown)


async def _refuse_unknown(_requests: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
    refusal = MethodNotImplemented("there is no such method")
    await context.abort(CODES[refusal.kind], refusal.message, trailing_metadata(refusal))


def _method_of(handler: "grpc.RpcMethodHandler[Any, Any]") -> Callable[..., Any]:
    method: Callable[..., Any] | None = (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )
    assert method is not None, "a handler always has one of four methods"
    return method
