"""The OpenAPI document: made by FastAPI from the declarations, with the shapes that msgspec knows."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from msgspec.inspect import StructType, type_info
from starlette.requests import Request
from starlette.responses import Response

from casino_club.infra.http.access_tokens import InvalidToken
from casino_club.infra.http.callers import CallerUnnamed
from casino_club.infra.http.problems import (
    MEDIA_TYPE,
    AudienceRefused,
    BodyTooLarge,
    BodyTooSlow,
    InvalidBody,
    InvalidPath,
    InvalidQuery,
    MalformedBody,
    Problem,
    RoleMissing,
    ScopeMissing,
    SecondFactorRequired,
    UnsupportedMediaType,
    status_of,
)
from casino_club.infra.http.routes import Audience, Declined, Route, name_of
from casino_club.kernel.errors import Refused, Unavailable

DOCUMENTS_KEPT_MAX: Final = 4
_REFERENCE: Final = "#/components/schemas/{name}"
_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(name="Problem")}}}

SECURITY_SCHEMES: Final = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A user's access token, valid for at most ten minutes.",
    },
    "serviceKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "cck_<key id>_<secret>",
        "description": "A service key; its scopes say what it may do.",
    },
}
_SCHEMES_OF: Final[Mapping[Audience, Sequence[str]]] = {
    Audience.PUBLIC: (),
    Audience.USER: ("accessToken",),
    Audience.SERVICE: ("serviceKey",),
    Audience.CALLER: ("accessToken", "serviceKey"),
    Audience.STAFF: ("accessToken",),
}


class ApiRoute(APIRoute):
    """What FastAPI knows of one of our routes. Requests don't pass through it."""

    def __init__(self, route: Route, operation: dict[str, Any]) -> None:
        super().__init__(
            route.path,
            _unreached,
            methods=[route.method],
            status_code=next(iter(route.answers)),
            tags=list(route.tags),
            summary=route.summary,
            description=(route.endpoint.__doc__ or "").strip(),
            name=name_of(route),
            operation_id=name_of(route),
            response_class=Response,
            openapi_extra=operation,
        )
        self.route = route


@lru_cache(maxsize=DOCUMENTS_KEPT_MAX)
def document_of(routes: tuple[Route, ...], title: str, version: str) -> dict[str, Any]:
    """The document. It is most of the work of building an application, so those over the same routes share it."""
    documented, components = api_routes(routes)
    return {**get_openapi(title=title, version=version, routes=documented), "components": components}


@lru_cache(maxsize=DOCUMENTS_KEPT_MAX)
def api_routes(routes: tuple[Route, ...]) -> tuple[list[ApiRoute], dict[str, Any]]:
    """The routes as FastAPI wants them, and the components that they refer to."""
    names = [name_of(route) for route in routes]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Declined(f"generated clients need endpoints of different names: {', '.join(sorted(twice))}")
    shapes = [Problem, *(shape for route in routes for shape in _shapes(route))]
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_REFERENCE)
    schema_of = _Schemas(shapes, schemas)
    documented = [ApiRoute(route, _operation(route, schema_of)) for route in routes]
    return documented, {"schemas": dict(sorted(components.items())), "securitySchemes": SECURITY_SCHEMES}


class _Schemas:
    """The schema of each shape. Looked up by place, since not every type can be a key."""

    def __init__(self, shapes: Sequence[Any], schemas: Iterable[dict[str, Any]]) -> None:
        self._pairs = list(zip(shapes, schemas, strict=True))

    def __call__(self, shape: Any) -> dict[str, Any]:
        return next(schema for known, schema in self._pairs if known is shape)


async def _unreached(_: Request) -> Response:
    raise AssertionError("requests are served by the envelope")


def _shapes(route: Route) -> list[Any]:
    answers = [shape for shape in route.answers.values() if _is_shape(shape)]
    return [*([] if route.body is None else [route.body]), *answers]


def _is_shape(answer: Any) -> bool:
    return answer is not None and answer is not bytes and answer is not str


def _operation(route: Route, schema_of: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {"x-audience": route.audience.value}
    if route.scope is not None:
        operation["x-scope"] = route.scope.value
    if route.roles:
        operation["x-roles"] = sorted(route.roles)
    if schemes := _schemes_of(route):
        operation["security"] = [{scheme: []} for scheme in schemes]
    if parameters := [*_path_parameters(route), *_query_parameters(route)]:
        operation["parameters"] = parameters
    if route.body is not None:
        content = {media_type: {"schema": schema_of(route.body)} for media_type in route.body_media_types}
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] = {**_answers(route, schema_of), **_refusals(route)}
    return operation


def _schemes_of(route: Route) -> Sequence[str]:
    return _SCHEMES_OF[Audience.CALLER if route.roles and route.scope is not None else route.audience]


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _inline(shape)}
        for name, shape in route.path_types.items()
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    info = type_info(route.query)
    assert isinstance(info, StructType)
    properties = _inline_struct(route.query)
    return [
        {"name": field.encode_name, "in": "query", "required": field.required, "schema": properties[field.encode_name]}
        for field in info.fields
    ]


def _inline(shape: Any) -> dict[str, Any]:
    (schema,), components = msgspec.json.schema_components([shape])
    inline: dict[str, Any] = _resolved(schema, components)
    return inline


def _inline_struct(shape: Any) -> dict[str, Any]:
    properties: dict[str, Any] = _inline(shape)["properties"]
    return properties


def _resolved(schema: Any, components: Mapping[str, Any]) -> Any:
    # Parameters are few and flat, so that an enum in one of them may as well stand in its place.
    if isinstance(schema, list):
        return [_resolved(part, components) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(components[schema["$ref"].rpartition("/")[2]], components)
    return {name: _resolved(part, components) for name, part in schema.items()}


def _answers(route: Route, schema_of: _Schemas) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, shape in route.answers.items():
        answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if shape is not None:
            schema = schema_of(shape) if _is_shape(shape) else {"type": "string"}
            answer["content"] = {route.answer_media_type: {"schema": schema}}
        answers[str(status)] = answer
    return answers


def _refusals(route: Route) -> dict[str, Any]:
    codes: dict[int, set[str]] = {500: {"internal"}}
    for refusal in (*_general_refusals(route), *route.refusals):
        codes.setdefault(status_of(refusal), set()).add(refusal.code)
    return {str(status): _problem(codes[status]) for status in sorted(codes) if status not in route.answers}


def _problem(codes: set[str]) -> dict[str, Any]:
    return {"description": "Codes: " + ", ".join(f"`{code}`" for code in sorted(codes)), "content": _PROBLEM}


def _general_refusals(route: Route) -> list[type[Refused]]:
    refusals: list[type[Refused]] = [Unavailable, InvalidQuery]
    if route.audience is not Audience.PUBLIC:
        refusals += [CallerUnnamed, InvalidToken]
        if not route.is_open_without_factor:
            refusals.append(SecondFactorRequired)
    if route.audience in (Audience.USER, Audience.SERVICE) or (route.roles and route.scope is None):
        refusals.append(AudienceRefused)
    if route.roles:
        refusals.append(RoleMissing)
    if route.scope is not None:
        refusals.append(ScopeMissing)
    if route.path_types:
        refusals.append(InvalidPath)
    if route.body is not None:
        refusals += [MalformedBody, InvalidBody, BodyTooLarge, BodyTooSlow, UnsupportedMediaType]
    return refusals
