"""Finds the route of a path in a tree of its segments, so that a hundred routes cost no more than one."""

from typing import Final

from casino_club.infra.http.endpoints import Answer
from casino_club.infra.http.problems import MethodNotAllowed, RouteMissing
from casino_club.infra.http.requests import Call
from casino_club.infra.http.routes import Declined, Route

SEGMENTS_MAX: Final = 32


class _Node:
    """What may follow a beginning of a path, and what answers if nothing does."""

    __slots__ = ("answers", "any_segment", "literals", "names", "template")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.any_segment: _Node | None = None
        self.answers: dict[str, Answer] = {}
        self.template = ""
        self.names: tuple[str, ...] = ()


class Paths:
    """All routes of the application."""

    def __init__(self) -> None:
        self._fixed: dict[str, _Node] = {}
        self._root = _Node()

    def add(self, route: Route, answer: Answer) -> None:
        """Make this answer the one of the route's method and path. Two of the same are declined."""
        node = self._root
        for segment in route.path.split("/"):
            if segment.startswith("{"):
                node.any_segment = node.any_segment or _Node()
                node = node.any_segment
            else:
                node = node.literals.setdefault(segment, _Node())
        names = tuple(route.path_types)
        if route.method in node.answers or (node.template and node.template != route.path):
            raise Declined(f"{route.method} {route.path}: declared twice, or with other names")
        node.template, node.names = route.path, names
        node.answers[route.method] = answer
        if not names:
            self._fixed[route.path] = node

    def find(self, call: Call) -> Answer:
        """What answers this call; notes the route's template and the path's parameters in it."""
        path, method = call.scope["path"], call.scope["method"]
        node = self._fixed.get(path)
        if node is None:
            node = self._descend(call, path)
        call.route = node.template
        answer = node.answers.get("GET" if method == "HEAD" else method)
        if answer is None:
            allowed = ", ".join(sorted(node.answers))
            raise MethodNotAllowed(f"Use one of: {allowed}.", headers=[(b"allow", allowed.encode())])
        return answer

    def _descend(self, call: Call, path: str) -> _Node:
        segments = path.split("/", SEGMENTS_MAX)
        values: list[str] = []
        node = _find(self._root, segments, 0, values)
        if node is None:
            raise RouteMissing("No route has this path.")
        call.path_params = dict(zip(node.names, values, strict=True))
        return node


def _find(node: _Node, segments: list[str], at: int, values: list[str]) -> _Node | None:
    if at == len(segments):
        return node if node.answers else None
    literal = node.literals.get(segments[at])
    if literal is not None and (found := _find(literal, segments, at + 1, values)) is not None:
        return found
    if node.any_segment is None or not segments[at]:
        return None
    values.append(segments[at])
    found = _find(node.any_segment, segments, at + 1, values)
    if found is None:
        values.pop()
    return found
