"""The gateway does what `/openapi.json` says, whatever is sent to it."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from pytest_django import Settings

from governance.domain import Scope
from tests.served import Served, Tenant
from tests.web.conftest import PAGE_STORAGES

Json = dict[str, Any]
log = logging.getLogger(__name__)

SECONDS = int(os.environ.get("OPENAPI_SECONDS", "20"))
"""How long calls are generated for."""

_SEED = 20261120
_REPOSITORY = Path(__file__).parents[2]
_CHECKS = (
    "no_trouble,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth"
)


@pytest.fixture(autouse=True)
def _pages_without_collected_assets(settings: Settings) -> None:
    """Generated calls go astray, and the page that says so has a style sheet."""
    settings.STORAGES = PAGE_STORAGES


@pytest.fixture
def document(gateway: Served) -> Json:
    answer = gateway.http.get("/openapi.json").raise_for_status()
    whole: Json = answer.json()
    return whole


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.usefixtures("worker")
def test_generated_calls_find_no_5xx_and_nothing_undocumented(
    gateway: Served,
    document: Json,
    make_tenant: Callable[..., Tenant],
    tmp_path: Path,
) -> None:
    for _, _, operation in operations(document):
        operation["responses"].pop("4XX", None)  # for what real providers may say; the simulated say nothing new
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "schemathesis.toml").write_text(_configured(make_tenant().key, make_tenant().key))
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", gateway.url),
            *("--checks", _CHECKS, "--seed", str(_SEED), "--max-time", str(SECONDS), "--continue-on-failure"),
            *("--request-timeout", "30", "--no-color", "--generation-database", "none", "--output-sanitize", "false"),
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(_REPOSITORY)},
    )  # fmt: skip
    tally = json.loads((tmp_path / "tally.json").read_text())
    log.info("openapi.called", extra={"calls": sum(tally.values()), "seconds": SECONDS})
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
    described = {f"{method.upper()} {path}" for path, method, _ in operations(document)}
    assert described <= {called.rsplit(" ", 1)[0] for called in tally}


def _configured(key: str, own_account: str) -> str:
    """Keys for providers are added by another organization: the calls of the first go on to the simulator."""
    return f"""
hooks = "tests.conformance.generated_calls"
headers = {{ Authorization = "Bearer {key}" }}

[[operations]]
include-path = "/governance/provider-keys"
headers = {{ Authorization = "Bearer {own_account}" }}
"""


def test_every_example_is_accepted(gateway: Served, document: Json, make_tenant: Callable[..., Tenant]) -> None:
    tenants = {"/governance/provider-keys": make_tenant()}  # whose later calls would go to a real provider
    usual, tried = make_tenant(), 0
    for path, method, operation in operations(document):
        for content_type, body in operation.get("requestBody", {}).get("content", {}).items():
            for name, example in _examples(body).items():
                headers = {**tenants.get(path, usual).headers, "content-type": content_type}
                answer = gateway.http.request(method, path, json=example, headers=headers)
                problem = f"{method} {path} {name}: {answer.status_code} {answer.text[:500]}"
                assert answer.status_code < 300 or answer.status_code == 404, problem  # 404: read, and not there
                assert_described(document, operation, answer)
                tried += 1
    assert tried >= 20


@pytest.mark.parametrize("steered", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_every_example_of_a_header_is_accepted(gateway: Served, document: Json, tenant: Tenant, steered: str) -> None:
    operation = document["paths"][steered]["post"]
    examples = _examples(operation["requestBody"]["content"]["application/json"])
    headers = {header["name"]: header["example"] for header in operation["parameters"] if "example" in header}
    assert len(headers) >= 9
    answer = gateway.http.post(steered, json=examples["autopilot"], headers={**tenant.headers, **headers})
    assert answer.status_code == 200, answer.text
    assert_described(document, operation, answer)


def _without_a_key(gateway: Served, method: str, path: str, tenant: Tenant) -> httpx.Response:
    return gateway.http.request(method, path)


def _with_a_wrong_key(gateway: Served, method: str, path: str, tenant: Tenant) -> httpx.Response:
    return gateway.http.request(method, path, headers={"authorization": "Bearer asahi_live_" + "x" * 42})


def _without_the_scope(gateway: Served, method: str, path: str, tenant: Tenant) -> httpx.Response:
    return gateway.http.request(method, path, headers=tenant.headers)


def _with_another_content_type(gateway: Served, method: str, path: str, tenant: Tenant) -> httpx.Response:
    return gateway.http.request(
        method, path, content=b"<a/>", headers={**tenant.headers, "content-type": "application/xml"}
    )


def _with_an_empty_body(gateway: Served, method: str, path: str, tenant: Tenant) -> httpx.Response:
    return gateway.http.request(method, path, headers={**tenant.headers, "content-type": "application/json"})


def _with_a_body_that_is_no_json(gateway: Served, method: str, path: str, tenant: Tenant) -> httpx.Response:
    return gateway.http.request(
        method, path, content=b"{\xff", headers={**tenant.headers, "content-type": "application/json"}
    )


def _with_a_list_for_a_body(gateway: Served, method: str, path: str, tenant: Tenant) -> httpx.Response:
    return gateway.http.request(method, path, json=[None], headers=tenant.headers)


def _with_a_huge_body(gateway: Served, method: str, path: str, tenant: Tenant) -> httpx.Response:
    return gateway.http.request(
        method, path, content=b" " * (9 * 2**20), headers={**tenant.headers, "content-type": "application/json"}
    )


@pytest.mark.parametrize(
    ("way", "scopes", "expected"),
    [
        (_without_a_key, (Scope.ALL,), {401}),
        (_with_a_wrong_key, (Scope.ALL,), {401}),
        (_without_the_scope, (), {401, 403}),
        (_with_another_content_type, (Scope.ALL,), set()),
        (_with_an_empty_body, (Scope.ALL,), set()),
        (_with_a_body_that_is_no_json, (Scope.ALL,), set()),
        (_with_a_list_for_a_body, (Scope.ALL,), set()),
        (_with_a_huge_body, (Scope.ALL,), set()),
    ],
)
def test_a_route_answers_bad_manners_as_it_says(
    gateway: Served,
    document: Json,
    make_tenant: Callable[..., Tenant],
    way: Callable[[Served, str, str, Tenant], httpx.Response],
    scopes: tuple[Scope, ...],
    expected: set[int],
) -> None:
    tenant = make_tenant(scopes)
    for path, method, operation in operations(document):
        answer = way(gateway, method, _filled(path), tenant)
        assert_described(document, operation, answer)
        if expected and operation.get("security"):
            assert answer.status_code in expected, (method, path, answer.status_code)
        if way is not _without_a_key and method in ("post", "put") and "requestBody" in operation:
            assert answer.status_code >= 400, (method, path, answer.status_code)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_method_that_is_not_described_is_refused_in_the_shape_of_the_path(
    gateway: Served, document: Json, tenant: Tenant, method: str
) -> None:
    for path, methods in document["paths"].items():
        if method.lower() in methods:
            continue
        answer = gateway.http.request(method, _filled(path), headers=tenant.headers)
        assert answer.status_code == 405, (method, path, answer.status_code, answer.text[:300])
        allowed = {name.strip().lower() for name in answer.headers["allow"].split(",")}
        assert set(methods) <= allowed, (path, allowed)
        if method != "HEAD":
            assert_described(document, next(iter(methods.values())), answer)


def test_what_is_not_there_is_said_in_json_unless_a_page_is_wanted(gateway: Served, tenant: Tenant) -> None:
    path = "/governance/provider-keys/no-such-id"
    answer = gateway.http.delete(path, headers=tenant.headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found")
    page = gateway.http.get(path, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")


def assert_described(document: Json, operation: Json, answer: httpx.Response) -> None:
    """The status, the headers, the content type and the body are as the document has them."""
    where = (answer.request.method, answer.request.url.path, answer.status_code, answer.text[:500])
    described = _resolved(document, operation["responses"].get(str(answer.status_code)))
    assert described is not None, where
    for name, header in described.get("headers", {}).items():
        if header["required"]:
            assert name in answer.headers, (name, where)
        if name in answer.headers:
            value = answer.headers[name]
            typed = int(value) if header["schema"].get("type") == "integer" else value
            assert jsonschema_rs.is_valid(header["schema"], typed), (name, value, where)
    kinds = described.get("content", {})
    if not kinds:
        assert not answer.content, where
        return
    kind = answer.headers["content-type"].split(";")[0]
    assert kind in {named.split(";")[0] for named in kinds}, where
    if kind == "application/json":
        schema = {**kinds[kind]["schema"], "components": document["components"]}
        problems = [str(problem) for problem in jsonschema_rs.iter_errors(schema, answer.json())]
        assert not problems, (problems, where)


def _resolved(document: Json, described: Json | None) -> Json | None:
    if described and "$ref" in described:
        named: Json = document["components"]["responses"][described["$ref"].rsplit("/", 1)[-1]]
        return named
    return described


def _examples(body: Json) -> Json:
    named = {name: example["value"] for name, example in body.get("examples", {}).items()}
    return named | ({"example": body["example"]} if "example" in body else {})


def _filled(path: str) -> str:
    """With an id that nothing has."""
    return re.sub(r"{\w+}", "0b3fd4a0-5b0f-4a4e-9d3c-2f6e0c1d7a11", path)


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
