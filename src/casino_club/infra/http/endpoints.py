"""Turns declared routes into callables that do per request only what the declaration asks for."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.inspect import ListType, StructType, type_info
from starlette.types import Receive

from casino_club.infra.http.callers import Callers
from casino_club.infra.http.problems import (
    AudienceRefused,
    InvalidPath,
    InvalidQuery,
    Reply,
    RoleMissing,
    ScopeMissing,
    SecondFactorRequired,
)
from casino_club.infra.http.requests import Call, admit_body, decode_body, decode_query, invalid, read_body, refuse_nul
from casino_club.infra.http.routes import Audience, Declined, Raw, Route, name_of
from casino_club.kernel.subject import Subject, UserSubject

Answer = Callable[[Call, Receive], Awaitable[Reply]]
Read = Callable[[Call, Receive], Awaitable[Any]]
Arguments = dict[str, Any]
Watch = Callable[[UserSubject, str, RoleMissing], Awaitable[None]]
"""What is told of a member of staff who was turned away, from which route and how."""

_OF_A_REQUEST: Final = frozenset(("subject", "body", "query", "call"))

_encode = msgspec.json.Encoder().encode


def answer_of(route: Route, callers: Callers, watch: Watch, resources: Mapping[str, Any]) -> Answer:
    """What answers this route: who calls, what came, the endpoint, what goes back, in this order."""
    endpoint = _with_resources(route, resources)
    admit = _caller_check(route)
    is_open = route.audience is Audience.PUBLIC
    takes_subject, takes_call = "subject" in route.parameters, "call" in route.parameters
    read_input = _input_reader(route)
    reply_with = _replier(route)

    async def answer(call: Call, receive: Receive) -> Reply:
        arguments: Arguments = {}
        if not is_open:
            subject = await callers.identify(call.headers.get(b"authorization"))
            try:
                admit(subject)
            except RoleMissing as refusal:
                if isinstance(subject, UserSubject) and subject.roles:
                    await watch(subject, name_of(route), refusal)
                raise
            if takes_subject:
                arguments["subject"] = subject
        await read_input(call, receive, arguments)
        if takes_call:
            arguments["call"] = call
        return reply_with(await endpoint(**arguments))

    return answer


def _with_resources(route: Route, resources: Mapping[str, Any]) -> Callable[..., Awaitable[object]]:
    names = set(route.parameters) - _OF_A_REQUEST - set(route.path_types)
    if unknown := names - set(resources):
        raise Declined(f"{route.method} {route.path}: nothing is given for {', '.join(sorted(unknown))}")
    if not names:
        return route.endpoint
    return partial(route.endpoint, **{name: resources[name] for name in names})


def _caller_check(route: Route) -> Callable[[Subject], None]:
    audience, scope, roles = route.audience, route.scope, frozenset(route.roles)

    def admit(subject: Subject) -> None:
        if isinstance(subject, UserSubject):
            if subject.lacks_factor and not route.is_open_without_factor:
                raise SecondFactorRequired
            if audience is Audience.SERVICE:
                raise AudienceRefused("Only services may call this; send a service key.")
            if roles and roles.isdisjoint(subject.roles):
                raise RoleMissing(f"This needs one of the roles {', '.join(sorted(roles))}.")
        elif audience is Audience.USER or scope is None:
            raise AudienceRefused("Only users may call this; send a user's access token.")
        elif scope not in subject.scopes:
            raise ScopeMissing(f"The service key lacks the scope {scope}.")

    return admit


def _input_reader(route: Route) -> Callable[[Call, Receive, Arguments], Awaitable[None]]:
    read_path = _path_reader(route)
    read_query = _query_reader(route)
    read_body_of = _body_reader(route)

    async def read_input(call: Call, receive: Receive, arguments: Arguments) -> None:
        if read_path is not None:
            arguments.update(read_path(call.path_params))
        query_string = call.scope["query_string"]
        if read_query is not None:
            arguments["query"] = read_query(query_string)
        elif query_string:
            raise InvalidQuery("This route takes no query.")
        if read_body_of is not None:
            arguments["body"] = await read_body_of(call, receive)

    return read_input


def _path_reader(route: Route) -> Callable[[Mapping[str, str]], Arguments] | None:
    if not route.path_types:
        return None
    shape = msgspec.defstruct("Path", list(route.path_types.items()))

    def read(values: Mapping[str, str]) -> Arguments:
        if any("\0" in value for value in values.values()):
            raise InvalidPath("The path holds a NUL character.")
        try:
            return msgspec.structs.asdict(msgspec.convert(values, shape, strict=False))
        except msgspec.ValidationError as wrong:
            raise invalid(InvalidPath, "The path is not valid.", wrong) from None

    return read


def _query_reader(route: Route) -> Callable[[bytes], Any] | None:
    if route.query is None:
        return None
    if route.parameters["query"] is bytes:
        return bytes
    info = type_info(route.query)
    assert isinstance(info, StructType), f"{route.path}: a query is declared as a msgspec struct"
    many = frozenset(field.encode_name for field in info.fields if isinstance(field.type, ListType))
    return partial(decode_query, route.query, many)


def _body_reader(route: Route) -> Read | None:
    if route.body is None:
        return None
    media_types = frozenset(name.encode() for name in route.body_media_types)
    decoder = None if route.parameters["body"] is bytes else msgspec.json.Decoder(route.body)

    async def read(call: Call, receive: Receive) -> Any:
        admit_body(call, media_types)
        body = await read_body(receive, call.body_bytes_max)
        if decoder is None:
            return body
        refuse_nul(body)
        return decode_body(decoder, body)

    return read


def _replier(route: Route) -> Callable[[object], Reply]:
    answers = route.answers
    usual = next(iter(answers))
    headers = ((b"content-type", route.answer_media_type.encode()),)

    def reply_with(result: object) -> Reply:
        if type(result) is tuple:
            status, value = result
        elif type(result) is Raw:
            media_type = (b"content-type", result.media_type.encode())
            return Reply(result.status, result.content, [media_type, *result.headers])
        else:
            status, value = usual, result
        assert status in answers, f"{route.path} answers {status}, which it does not declare"
        if value is None and answers[status] is None:
            return Reply(status, b"", [])
        return Reply(status, _encode(value), [*headers])

    return reply_with
