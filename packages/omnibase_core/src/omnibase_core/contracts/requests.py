"""What the mapping of a request may look like, operation by operation: where values can go, and where never.

Text that a server runs or routes by (SQL, scheme, host, query) is the contract's own; values go where they
stay values: parameters, segments of a path, headers, bodies.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, get_args

from omnibase_core import headers, suggest
from omnibase_core.contracts.operations import OPERATIONS, Isolation
from omnibase_core.contracts.outward import as_texts, as_value, structure_in
from omnibase_core.contracts.segments import fills_segments, query_mark, segment, url_fault, whole
from omnibase_core.contracts.statements import placeholders
from omnibase_core.errors import shown
from omnibase_core.mapping.compiler import TemplateCompiler, nested
from omnibase_core.mapping.faults import OPENING, Place, TemplateFault
from omnibase_core.mapping.static import ANY, Type, record, type_of
from omnibase_core.mapping.template import Template
from omnibase_core.mapping.values import OMITTED, Kind, said
from omnibase_core.patterns import BASE64

_ISOLATIONS: Final[tuple[str, ...]] = get_args(Isolation)
_START: Final = re.compile(r"(?:https?://[^/?#\\\s]+)?/(?!/)", re.IGNORECASE)
_FIELD_KINDS: Final[Mapping[str, Kind]] = {
    "headers": "object",
    "params": "object",
    "body_text": "string",
    "body_base64": "string",
    "content_type": "string",
    "isolation": "string",
    "path": "string",
    "data": "object",
    "name": "string",
    "service_id": "string",
    "address": "string",
    "port": "number",
    "tags": "list",
    "meta": "object",
    "tag": "string",
    "passing_only": "boolean",
    "versions": "list",
    "version": "number",
    "check": "object",
    "cas": "number",
}


class RequestCompiler:
    """Compiles the requests of one scope; faults are collected in order of discovery."""

    def __init__(self, scope: Type, operation: str) -> None:
        self.values = TemplateCompiler(scope, outward=as_value)
        self._texts = TemplateCompiler(scope, outward=as_texts)
        self._operation = operation
        self._fields: Mapping[str, Callable[[object, Place], Template]] = {
            "url": self._url,
            "headers": self._headers,
            "params": self._params,
            "body_base64": self._base64,
            "content_type": self._content_type,
            "sql": self._literal,
            "statements": self._statements,
            "isolation": self._isolation,
        }

    @property
    def roots(self) -> set[str]:
        """The roots that the request uses."""
        return self.values.roots | self._texts.roots

    def compile(self, request: Mapping[str, object], place: Place) -> Template:
        """The template of the whole payload."""
        described = OPERATIONS[self._operation]
        known = (*described.required, *described.optional)
        if known or described.result:
            self._check_fields(request, described.required, known, place)
        is_statement = "sql" in known
        parts = {
            key: self._field(key, item, (*place, key))
            for key, item in request.items()
            if not (is_statement and key in ("parameters", "expect"))
        }
        if is_statement:
            parts.update(self._statement_parts(request, place))
        return _assembled(parts)

    @property
    def faults(self) -> list[TemplateFault]:
        """What is wrong with it."""
        return self.values.faults + self._texts.faults

    def _check_fields(
        self, request: Mapping[str, object], required: Sequence[str], known: Sequence[str], place: Place
    ) -> None:
        for key in request:
            if key not in known:
                hint = suggest.hint(key, known, f"The fields of {self._operation} are")
                self._fault((*place, key), f"'{shown(key)}' is no field of {self._operation}", hint)
        missing = [key for key in required if key not in request]
        if missing:
            names = ", ".join(f"'{key}'" for key in missing)
            self._fault(place, f"The request lacks {names}", f"{self._operation} needs it")
        bodies = [key for key in ("body", "body_text", "body_base64") if key in request]
        if len(bodies) > 1:
            self._fault((*place, bodies[1]), f"{' and '.join(bodies)} stand together", "Give one of them")

    def _field(self, key: str, value: object, place: Place) -> Template:
        special = self._fields.get(key)
        if special is not None:
            template = special(value, place)
        else:
            template = self.values.compile(value, place, droppable=True)
        wanted, kind = _FIELD_KINDS.get(key), template.type.runtime_kind
        if wanted is not None and kind not in (None, "null", wanted):
            self._fault(place, f"'{key}' must be {said(wanted)}, not {said(kind)}", "Correct the value")
        return template

    def _url(self, value: object, place: Place) -> Template:
        if not isinstance(value, str):
            self._fault(place, "'url' must be a text", "Write a URL, or a path that is put behind base_url")
            return _nothing()
        literal = value.partition(OPENING)[0]
        if _START.match(literal) is None and (OPENING in value or "://" not in value):
            self._fault(
                place,
                "A url starts with a literal '/' or scheme and host",
                "Write /path/${{ … }} behind base_url, or https://host/path/${{ … }}; each is one segment",
            )
        elif (query := query_mark(value)) is not None:
            self._fault(place, "A url has no query and no fragment here", "Put the query into params", query)
        elif (wrong := url_fault(value)) is not None:
            self._fault(place, f"This url {wrong}", "Correct the url")
        template = self.values.insertion(value, place, segment)
        if template.constant or fills_segments(value):
            return template
        return template._replace(render=whole(template, place))

    def _headers(self, value: object, place: Place) -> Template:
        seen: set[str] = set()
        for name, text in value.items() if isinstance(value, dict) else ():
            if name.lower() in seen:
                self._fault((*place, name), f"Header '{shown(name)}' stands twice, in different case", "Keep one")
            seen.add(name.lower())
            try:
                headers.check_payload_header_name(name)
                if isinstance(text, str) and OPENING not in text:
                    headers.check_header_value(text)
            except headers.HeaderError as error:
                self._fault((*place, name), f"Header '{shown(name)}' {error}", "Correct the header, or remove it")
        return self._named_texts(value, place, repeats=False)

    def _params(self, value: object, place: Place) -> Template:
        return self._named_texts(value, place, repeats=True)

    def _named_texts(self, value: object, place: Place, *, repeats: bool) -> Template:
        template = self._texts.compile(value, place)
        for name, type_ in template.type.fields.items():
            written = value.get(name) if isinstance(value, dict) else None
            items = [type_of(item) for item in written] if repeats and isinstance(written, list) else []
            kinds = [structure_in(type_, repeats=repeats), *(structure_in(item, repeats=False) for item in items)]
            if (kind := next((each for each in kinds if each is not None), None)) is not None:
                at = (*place, name) if isinstance(value, dict) else place
                hint = "Take a text, a number or a boolean; of a parameter, a list of these repeats it"
                self._fault(at, f"'{shown(name)}' must be a text, and {said(kind)} is none", hint)
        return template

    def _base64(self, value: object, place: Place) -> Template:
        if isinstance(value, str) and OPENING not in value and not BASE64.fullmatch(value):
            self._fault(place, "'body_base64' is no base64 of RFC 4648, section 4", "Write AAE=, or body_text")
        return self.values.compile(value, place, droppable=True)

    def _content_type(self, value: object, place: Place) -> Template:
        try:
            if isinstance(value, str) and OPENING not in value:
                headers.check_media_type(value)
        except headers.HeaderError as error:
            self._fault(place, f"'content_type' {error}", "Correct it, or leave it out")
        return self.values.compile(value, place, droppable=True)

    def _literal(self, value: object, place: Place) -> Template:
        if not isinstance(value, str):
            self._fault(place, f"'{place[-1]}' must be a text", "Write it out")
        elif OPENING in value:
            what = "SQL text takes" if place[-1] == "sql" else f"'{place[-1]}' takes"
            self._fault(
                place,
                f"{what} no expression",
                "Write $1, $2, … and put the values into parameters",
                value.find(OPENING),
            )
        return Template(lambda scope: value, ANY, constant=True, levels=0 if isinstance(value, str) else None)

    def _isolation(self, value: object, place: Place) -> Template:
        template = self._literal(value, place)
        if isinstance(value, str) and OPENING not in value and value not in _ISOLATIONS:
            hint = suggest.hint(value, _ISOLATIONS, "Isolations are")
            self._fault(place, f"Unknown isolation '{shown(value)}'", hint)
        return template

    def _statements(self, value: object, place: Place) -> Template:
        if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
            self._fault(place, "'statements' must be a list of statements", "Write - {sql: …, parameters: […]}")
            return _nothing()
        templates = [self._statement(each, (*place, index)) for index, each in enumerate(value)]
        return _listed(templates)

    def _statement(self, statement: Mapping[str, object], place: Place) -> Template:
        self._check_fields(statement, ("sql",), ("sql", "parameters", "expect"), place)
        parts = self._statement_parts(statement, place)
        if "sql" in statement:
            parts["sql"] = self._literal(statement["sql"], (*place, "sql"))
        return _assembled(parts)

    def _statement_parts(self, statement: Mapping[str, object], place: Place) -> dict[str, Template]:
        parts: dict[str, Template] = {}
        if "expect" in statement:
            self._fault(
                (*place, "expect"),
                "'expect' stands beside 'request', not in it",
                "Write expect: {rows: one}, and for a transaction expect: {results: [{rows: one}, …]}",
            )
        parameters = statement.get("parameters", [])
        at = (*place, "parameters")
        if not isinstance(parameters, list):
            self._fault(
                at, "'parameters' must be written as a list", 'Write ["${{ … }}", …], one value for each $n'
            )
            return parts
        sql = statement.get("sql")
        if isinstance(sql, str):
            self._count(sql, len(parameters), at if "parameters" in statement else (*place, "sql"))
        parts["parameters"] = _listed([self.values.compile(item, (*at, i)) for i, item in enumerate(parameters)])
        return parts

    def _count(self, sql: str, given: int, place: Place) -> None:
        used = placeholders(sql)
        if used == frozenset(range(1, given + 1)):
            return
        largest = max(used, default=0)
        unused = next((number for number in range(1, largest + 1) if number not in used), None)
        if largest == given and unused is not None:
            self._fault(place, f"The SQL does not use ${unused}", "Number the placeholders without a gap")
        else:
            hint = "One parameter for each of $1, $2, …; a number may be used again"
            self._fault(place, f"The SQL takes {largest} parameters, {given} are given", hint)

    def _fault(self, place: Place, message: str, hint: str, at: int = 0) -> None:
        self.values.fault(place, at, message, hint)


def _assembled(parts: Mapping[str, Template]) -> Template:
    renders = [(key, part.render) for key, part in parts.items()]
    type_ = record({key: part.type for key, part in parts.items()})

    def render(scope: Mapping[str, object]) -> object:
        return {key: value for key, each in renders if (value := each(scope)) is not OMITTED}

    return Template(render, type_, levels=nested(part.levels for part in parts.values()))


def _listed(items: Sequence[Template]) -> Template:
    renders = [item.render for item in items]
    levels = nested(item.levels for item in items)
    return Template(lambda scope: [render(scope) for render in renders], ANY, levels=levels)


def _nothing() -> Template:
    return Template(lambda scope: None, ANY)
