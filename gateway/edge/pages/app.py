"""The HTTP application: index, OpenAPI document, and the page that shows it; all of it works offline."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

from gateway.edge.pages.headers import PageHeaders
from libs.common.rpc.status import DOMAIN

_ASSETS = files(__package__).joinpath("static")
_REVALIDATED = {"cache-control": "no-cache"}
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def application(openapi: bytes) -> Starlette:
    """The application.

    Args:
        openapi: The OpenAPI document as JSON.
    """

    def document(_request: Request) -> Response:
        return Response(openapi, media_type="application/json", headers=_REVALIDATED)

    return Starlette(
        routes=[
            Route("/", _page("index.html", "text/html")),
            Route("/favicon.ico", _page("favicon.svg", "image/svg+xml")),
            Route("/api/openapi.json", document),
            Route("/api/docs", _page("docs.html", "text/html")),
            Route("/api/docs/docs.js", _page("docs.js", "text/javascript")),
            Route("/api/docs/pages.css", _page("pages.css", "text/css")),
            Mount("/api/docs/swagger", StaticFiles(directory=Path(str(swagger_ui_path)))),
        ],
        middleware=[Middleware(PageHeaders)],
        exception_handlers={HTTPException: _refusal},
    )


def _page(name: str, media_type: str) -> Callable[[Request], Response]:
    content = _ASSETS.joinpath(name).read_bytes()
    return lambda _request: Response(content, media_type=media_type, headers=_REVALIDATED)


def _refusal(_request: Request, error: Exception) -> Response:
    """The one JSON shape of errors, for what has no page."""
    assert isinstance(error, HTTPException)
    code, reason = (5, "ROUTE_NOT_FOUND") if error.status_code in {404, 405} else (13, "INTERNAL")
    info = {"@type": _ERROR_INFO, "reason": reason, "domain": DOMAIN, "metadata": {}}
    body = {"code": code, "message": "there is no such page", "details": [info]}
    return JSONResponse(body, status_code=404 if code == 5 else 500)
