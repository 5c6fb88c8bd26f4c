"""A receiver of OTLP over HTTP, which reads what it gets with OpenTelemetry's own classes."""

from collections.abc import Mapping, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded
from tests.fakes.waiting import until


class TraceReceiver(HttpServer):
    """Takes spans. status, body: of its answers from now on."""

    def __init__(self) -> None:
        super().__init__(self._take)
        self.status = 200
        self.body = b""
        self.spans: list[Span] = []
        self.resource: Mapping[str, str] = {}

    async def _take(self, request: RecordedRequest, connection: Connection) -> None:
        if self.status == 200:
            for told in ExportTraceServiceRequest.FromString(request.body).resource_spans:
                self.resource = {each.key: each.value.string_value for each in told.resource.attributes}
                self.spans += [span for scope in told.scope_spans for span in scope.spans]
        await connection.send(encoded(self.status, self.body))

    async def named(self, name: str) -> Span:
        """The span of this name, when it has come."""
        await until(lambda: any(span.name == name for span in self.spans))
        return next(span for span in self.spans if span.name == name)

    def names(self) -> Sequence[str]:
        """Of all spans that came."""
        return sorted(span.name for span in self.spans)


def attributes_of(span: Span) -> dict[str, object]:
    """What is said of a span."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "") for each in span.attributes}
