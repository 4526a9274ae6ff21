"""How a slice declares its routes. Who may call, what is sent and what comes back are part of the declaration."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, NotRequired, TypedDict, TypeVar, Unpack, get_type_hints

import msgspec
from msgspec import Meta

from casino_club.kernel.errors import Refused
from casino_club.kernel.subject import Role, Scope

Endpoint = Callable[..., Awaitable[object]]
EndpointT = TypeVar("EndpointT", bound=Endpoint)

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
"""An id in a path or a query: what a PostgreSQL bigint can hold."""

JSON: Final = "application/json"

_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_.-]+|/\{[a-z_]+\})+|/")
_PATH_PARAMETER: Final = re.compile(r"\{([a-z_]+)\}")


class Audience(StrEnum):
    """Who may call a route at all. `CALLER` is a user or a service; `STAFF` a user with one of the route's roles.

    A `STAFF` route that names a scope is open to services with it, too.
    """

    PUBLIC = "public"
    USER = "user"
    SERVICE = "service"
    CALLER = "caller"
    STAFF = "staff"


class Declined(Exception):
    """A route is declared in a way that we don't serve. Raised while the application is put together."""


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is not JSON: its content goes out as it is."""

    content: bytes
    media_type: str
    status: int = 200
    headers: Sequence[tuple[bytes, bytes]] = ()


class Declaration(TypedDict):
    """What a route says of itself. `answers` names the shape of each status; the first is the usual one.

    What `is_open_without_factor` stays open to staff who have yet to enrol a second factor, and nothing else does.
    """

    audience: Audience
    summary: str
    answers: Mapping[int, Any]
    scope: NotRequired[Scope]
    roles: NotRequired[Sequence[Role]]
    is_open_without_factor: NotRequired[bool]
    body: NotRequired[Any]
    body_media_types: NotRequired[Sequence[str]]
    query: NotRequired[Any]
    refusals: NotRequired[Sequence[type[Refused]]]
    answer_media_type: NotRequired[str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Route:
    """A checked declaration, with what its endpoint takes. No other is equal to it."""

    method: str
    path: str
    endpoint: Endpoint
    parameters: Mapping[str, Any]
    tags: tuple[str, ...]
    audience: Audience
    summary: str
    answers: Mapping[int, Any]
    scope: Scope | None = None
    roles: Sequence[Role] = ()
    is_open_without_factor: bool = False
    body: Any = None
    body_media_types: Sequence[str] = (JSON,)
    query: Any = None
    refusals: Sequence[type[Refused]] = ()
    answer_media_type: str = JSON

    @property
    def path_types(self) -> dict[str, Any]:
        """The path's parameters, each with its type."""
        return {name: self.parameters.get(name, str) for name in _PATH_PARAMETER.findall(self.path)}


class Routes:
    """The routes of one slice. Endpoints take by name, in any order, what they need and nothing else:

    `subject`, `body` and `query` (the decoded shape, or the bytes where annotated so), `call`, each path parameter,
    and whatever `build_app` was given as a resource.
    """

    def __init__(self, *, tags: Sequence[str]) -> None:
        self._tags = tuple(tags)
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def get(self, path: str, **declaration: Unpack[Declaration]) -> Callable[[EndpointT], EndpointT]:
        return self._declare("GET", path, declaration)

    def post(self, path: str, **declaration: Unpack[Declaration]) -> Callable[[EndpointT], EndpointT]:
        return self._declare("POST", path, declaration)

    def put(self, path: str, **declaration: Unpack[Declaration]) -> Callable[[EndpointT], EndpointT]:
        return self._declare("PUT", path, declaration)

    def patch(self, path: str, **declaration: Unpack[Declaration]) -> Callable[[EndpointT], EndpointT]:
        return self._declare("PATCH", path, declaration)

    def delete(self, path: str, **declaration: Unpack[Declaration]) -> Callable[[EndpointT], EndpointT]:
        return self._declare("DELETE", path, declaration)

    def _declare(self, method: str, path: str, declaration: Declaration) -> Callable[[EndpointT], EndpointT]:
        if "audience" not in declaration:
            raise Declined(f"{method} {path}: name the audience")

        def declare(endpoint: EndpointT) -> EndpointT:
            hints = get_type_hints(endpoint, include_extras=True)
            parameters = {name: hints.get(name, str) for name in inspect.signature(endpoint).parameters}
            route = Route(
                method=method, path=path, endpoint=endpoint, parameters=parameters, tags=self._tags, **declaration
            )
            self._routes.append(check(route))
            return endpoint

        return declare


def name_of(route: Route) -> str:
    """What the document, generated clients and the audit call this route."""
    return str(getattr(route.endpoint, "__name__", route.path))


def check(route: object) -> Route:
    """Decline whatever is not declared by `Routes`, and a declaration that promises what it can't keep."""
    where = f"{getattr(route, 'method', '?')} {getattr(route, 'path', route)}"
    if not isinstance(route, Route):
        raise Declined(f"{where}: declare routes with `Routes`, so that each says who may call it")
    for is_wrong, why in _faults(route):
        if is_wrong:
            raise Declined(f"{where}: {why}")
    return route


def _faults(route: Route) -> Iterator[tuple[bool, str]]:
    takes = route.parameters
    services_may = route.audience in (Audience.SERVICE, Audience.CALLER)
    is_for_staff = route.audience is Audience.STAFF
    yield not isinstance(route.audience, Audience), "name the audience"
    yield not _PATH.fullmatch(route.path), "the path is not of plain segments and {names}"
    yield not inspect.iscoroutinefunction(route.endpoint), "the endpoint must be an async function"
    yield not route.answers, "name at least one answer"
    yield route.audience is Audience.PUBLIC and "subject" in takes, "a public route has no subject"
    yield services_may and route.scope is None, "name the scope that services need"
    yield not (services_may or is_for_staff) and route.scope is not None, "only services have scopes"
    yield route.is_open_without_factor and route.audience is not Audience.USER, "only users lack a second factor"
    yield is_for_staff != bool(route.roles), "name the roles of staff, and of nobody else"
    yield (route.body is None) != ("body" not in takes), "declare the body and take it"
    yield route.body is not None and route.method in ("GET", "DELETE"), "a GET or DELETE has no body"
    yield (route.query is None) != ("query" not in takes), "declare the query and take it"
    yield not set(route.path_types) <= set(takes), "a path parameter is not taken"
    yield not (_is_closed(route.body) and _is_closed(route.query)), "every shape must forbid unknown fields"


def _is_closed(shape: Any) -> bool:
    if shape is None:
        return True
    _, components = msgspec.json.schema_components([shape])
    shapes = [component for component in components.values() if "properties" in component]
    return all(component.get("additionalProperties") is False for component in shapes)
