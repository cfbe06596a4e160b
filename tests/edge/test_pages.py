"""Pages for people: they need nothing from elsewhere."""

import re
from importlib.metadata import version

import httpx
import pytest

from gateway.envoy.surface import read_surface
from tests.gateway.front import DESCRIPTORS, error_of

PAGES = ["/", "/api/docs"]


async def _linked(client: httpx.AsyncClient, page: str) -> list[str]:
    return re.findall(r'(?:href|src)="([^"]+)"', (await client.get(page)).text)


@pytest.mark.parametrize("page", PAGES)
async def test_page_and_all_it_refers_to_are_served_without_a_token(anonymous, page):
    answer = await anonymous.get(page)
    links = await _linked(anonymous, page)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert len(links) > 3
    for link in links:
        assert link.startswith("/"), f"{link} is elsewhere"
        assert (await anonymous.get(link)).status_code == 200, link


@pytest.mark.parametrize("page", PAGES)
async def test_only_what_we_serve_may_run_in_a_page(anonymous, page):
    answer = await anonymous.get(page)

    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text
    assert "onclick" not in answer.text


async def test_document_describes_every_route_of_the_contract(anonymous):
    document = (await anonymous.get("/api/openapi.json")).json()

    described = {(verb.upper(), path) for path, verbs in document["paths"].items() for verb in verbs}
    promised = {tuple(route) for method in read_surface(DESCRIPTORS) for route in method.routes}
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == version("tickettoken-analytics")
    assert described == promised


async def test_page_that_does_not_exist_gets_the_one_error_shape(anonymous):
    for path in ("/api/docs/none.html", "/api/docs/swagger/none.js", "/api/docs/swagger/../../../etc/passwd"):
        answer = await anonymous.get(path)

        assert answer.status_code in {401, 404}
        assert error_of(answer.json())["reason"] in {"ROUTE_NOT_FOUND", "TOKEN_MISSING"}
