"""A real HTTP server that answers as it was told and remembers what it was asked."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from google.protobuf.json_format import MessageToDict, MessageToJson
from google.protobuf.message import Message
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from libs.common.errors import AnalyticsError
from libs.common.rpc.status import CODES, status_of

HTTP = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
}
HTTP |= {"RESOURCE_EXHAUSTED": 429, "UNAVAILABLE": 503}


class Broken(Exception):
    """Raised inside a response to cut the connection."""


@dataclass
class Asked:
    verb: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


@dataclass
class ScriptedGateway:
    url: str
    answers: list[Response] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def will_answer(self, *answers: Message | AnalyticsError | Response) -> None:
        self.answers += [_response(answer) for answer in answers]

    def will_stream(self, *messages: Message, breaks: bool = False, hangs: bool = False) -> None:
        async def frames() -> AsyncIterator[str]:
            for message in messages:
                yield f"data: {json.dumps(MessageToDict(message))}\n\n"
            if breaks:
                yield 'data: {"resumeToken": "never'
                raise Broken
            if hangs:
                await asyncio.Event().wait()

        self.answers.append(StreamingResponse(frames(), media_type="text/event-stream"))

    async def answer(self, request: Request) -> Response:
        self.asked.append(
            Asked(
                verb=request.method,
                path=request.scope["raw_path"].decode(),
                query=request.query_params.multi_items(),
                headers=dict(request.headers),
                body=await request.body(),
            )
        )
        return self.answers.pop(0)


@asynccontextmanager
async def scripted_gateway() -> AsyncIterator[ScriptedGateway]:
    listener = socket.create_server(("127.0.0.1", 0))
    gateway = ScriptedGateway(f"http://127.0.0.1:{listener.getsockname()[1]}")
    verbs = ["GET", "POST", "PUT", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", gateway.answer, methods=verbs)])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn tells no other way
        await asyncio.sleep(0.005)
    yield gateway
    server.should_exit = True
    await serving


def _response(answer: Message | AnalyticsError | Response) -> Response:
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, AnalyticsError):
        status = HTTP[CODES[answer.kind].name]
        return Response(MessageToJson(status_of(answer)), status, media_type="application/json")
    return Response(MessageToJson(answer), media_type="application/json")
