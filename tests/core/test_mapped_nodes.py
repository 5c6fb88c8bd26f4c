"""Nodes with mappings, before a handler that answers what a test says."""

import pytest
from omnibase_core.contracts.load import parse_node_contract
from omnibase_core.enums import EnumErrorCode
from omnibase_core.envelope import JsonObject, ModelEnvelopeError
from omnibase_core.errors import (
    EnvelopeValidationError,
    InvalidOperationError,
    MappingError,
    ProtocolConfigurationError,
    UnexpectedResultError,
)
from omnibase_core.runtime import NodeInstance

from tests.core.nodes import CORRELATION_ID, ENVELOPE_ID, Mapped, contract_text

ORDER = (
    "[{name: order_id, type: uuid}, {name: note, type: string, required: false}, "
    "{name: rate, type: number}, {name: items, type: 'list[ModelItem]'}]"
)
ITEM = (
    "[{name: ModelItem, fields: [{name: sku, type: string}, {name: price, type: decimal}, "
    "{name: quantity, type: integer}]}]"
)
DONE = "[{name: id, type: string}, {name: total, type: decimal}]"
POST = """
io_operations:
  - type: http
    operations: [http.post]
    let:
      total: ${{ sum(map(&multiply(price, quantity), input.items)) }}
    request:
      url: /orders/${{ input.order_id }}/lines
      headers: {X-Note: '${{ input.note }}', X-Rate: '${{ input.rate }}'}
      params: {sku: '${{ input.items[*].sku }}', absent: '${{ input.note }}'}
      body:
        items: '${{ input.items[*].{sku: sku, price: price} }}'
        total: ${{ let.total }}
        rate: ${{ input.rate }}
        note: ${{ input.note }}
        kept: '${{ if(input.note == `null`, omit(), input.note) }}'
        source: "order ${{ input.order_id }} from ${{ envelope.source_node }}"
    expect: {status: [201]}
    response:
      id: ${{ result.body.id }}
      total: ${{ let.total }}
"""
ID = "0e8b3c1a-5d2f-4b7e-9c6a-1f2e3d4c5b6a"
INPUT: JsonObject = {
    "order_id": ID,
    "rate": 0.1,
    "items": [{"sku": "a/b", "price": "19.90", "quantity": 3}, {"sku": "c", "price": "0.05", "quantity": 1}],
}


def posted(status: int = 201, body: object = None) -> Mapped:
    """The node that posts an order, and what its server answers."""
    result: JsonObject = {
        "status_code": status,
        "headers": {},
        "body": {"id": "7"} if body is None else body,  # type: ignore[dict-item]  # JSON of a test
        "body_type": "json",
    }
    return Mapped(contract_text("EFFECT", ORDER, DONE, POST, ITEM), result)


def test_request_builds_the_operations_payload() -> None:
    assert posted().sent(INPUT) == {
        "url": f"/orders/{ID}/lines",
        "headers": {"X-Note": None, "X-Rate": "0.1"},
        "params": {"sku": ["a/b", "c"], "absent": None},
        "body": {
            "items": [{"sku": "a/b", "price": "19.90"}, {"sku": "c", "price": "0.05"}],
            "total": "59.75",
            "rate": 0.1,
            "note": None,
            "source": f"order {ID} from client",
        },
    }


def test_response_builds_the_nodes_output() -> None:
    result = posted().run(INPUT)
    assert result.payload == {"id": "7", "total": "59.75"}
    assert (result.handler_type, result.operation) == ("http", "http.post")


def test_what_omit_stands_for_is_kept_where_it_has_a_value() -> None:
    body = posted().sent({**INPUT, "note": "soon"})["body"]
    assert isinstance(body, dict)
    assert body["kept"] == "soon"


def test_another_status_than_expected_is_an_unexpected_result() -> None:
    with pytest.raises(UnexpectedResultError) as caught:
        posted(status=404).run(INPUT)
    assert caught.value.message == "A status of 201 was expected; 404 came"
    assert caught.value.details == {"expected": "201", "status_code": 404}
    assert caught.value.retryable is False


def test_another_success_than_expected_says_that_it_was_performed() -> None:
    with pytest.raises(UnexpectedResultError) as caught:
        posted(status=200).run(INPUT)
    assert caught.value.details["effect"] == "performed"


@pytest.mark.parametrize(("status", "expected"), [(200, True), (299, True), (304, False), (404, False)])
def test_without_expect_the_statuses_from_200_to_299_are_expected(status: int, *, expected: bool) -> None:
    text = contract_text("EFFECT", ORDER, DONE, POST.replace("expect: {status: [201]}", ""), ITEM)
    node = Mapped(text, {"status_code": status, "headers": {}, "body": {"id": "7"}, "body_type": "json"})
    if expected:
        assert node.run(INPUT).payload["id"] == "7"
    else:
        with pytest.raises(UnexpectedResultError, match="200 to 299 was expected"):
            node.run(INPUT)


def test_null_in_a_required_field_names_the_field_and_says_that_the_effect_was_performed() -> None:
    with pytest.raises(UnexpectedResultError) as caught:
        posted(body={}).run(INPUT)
    assert "$.payload.id: is null, but required" in caught.value.message
    assert caught.value.details == {"path": "$.payload.id", "effect": "performed"}


def test_a_response_that_fails_after_the_effect_says_so_and_is_not_retryable() -> None:
    text = contract_text(
        "EFFECT", ORDER, DONE, POST.replace("result.body.id }}", "upper(result.body.id) }}"), ITEM
    )
    node = Mapped(text, {"status_code": 201, "headers": {}, "body": {"id": 7}, "body_type": "json"})
    with pytest.raises(MappingError) as caught:
        node.run(INPUT)
    error = ModelEnvelopeError.of(caught.value)
    assert (error.code, error.retryable) == (EnumErrorCode.MAPPING_ERROR, False)
    assert error.details == {
        "place": "io_operations[0].response.id",
        "expression": "upper(result.body.id)",
        "effect": "performed",
    }
    assert error.message == (
        "Node 'node': io_operations[0].response.id: upper(result.body.id): "
        "upper: argument 1 must be a text, not a number"
    )


def test_a_request_that_fails_never_reaches_the_handler() -> None:
    text = contract_text(
        "EFFECT", ORDER, DONE, POST.replace("rate: ${{ input.rate", "rate: ${{ upper(input.note)"), ITEM
    )
    node = Mapped(text)
    with pytest.raises(MappingError) as caught:
        node.run(INPUT)
    assert caught.value.details["place"] == "io_operations[0].request.body.rate"
    assert "effect" not in caught.value.details
    assert node.handler.payloads == []


def test_no_message_shows_a_value() -> None:
    text = contract_text(
        "EFFECT", ORDER, DONE, POST.replace("rate: ${{ input.rate", "rate: ${{ decimal(input.note)"), ITEM
    )
    with pytest.raises(MappingError) as caught:
        Mapped(text).run({**INPUT, "note": "canary"})
    assert "canary" not in caught.value.message
    assert "canary" not in str(caught.value.details)


def test_the_input_is_checked_before_anything_is_mapped() -> None:
    with pytest.raises(EnvelopeValidationError) as caught:
        posted().run({**INPUT, "rate": "much"})
    assert caught.value.path == "$.payload.rate"


@pytest.mark.parametrize("bad", [".", "..", ""])
def test_a_segment_that_would_leave_its_place_is_an_error(bad: str) -> None:
    given = "[{name: id, type: string}, {name: tail, type: string}]"
    body = "io_operations:\n  - {type: http, operations: [http.get], request: {url: '/u/${{ input.id }}'}}\n"
    node = Mapped(contract_text("EFFECT", given, "[{name: body, type: any}]", body))
    with pytest.raises(MappingError) as caught:
        node.run({"id": bad, "tail": ""})
    assert caught.value.details["place"] == "io_operations[0].request.url"
    assert node.handler.payloads == []


def test_segments_that_make_dots_together_are_an_error() -> None:
    given = "[{name: a, type: string}, {name: b, type: string, required: false}]"
    body = (
        "io_operations:\n"
        "  - {type: http, operations: [http.get], request: {url: '/u/.${{ input.a }}'}, response: {body: 1}}\n"
    )
    result: JsonObject = {"status_code": 200, "headers": {}, "body": None, "body_type": "json"}
    node = Mapped(contract_text("EFFECT", given, "[{name: body, type: any}]", body), result)
    with pytest.raises(MappingError):
        node.run({"a": "."})
    assert node.sent({"a": "x."}) == {"url": "/u/.x."}


def test_a_null_segment_is_an_error() -> None:
    body = "io_operations:\n  - {type: http, operations: [http.get], request: {url: '/u/${{ input.id }}'}}\n"
    given = "[{name: id, type: string, required: false}]"
    node = Mapped(contract_text("EFFECT", given, "[{name: body, type: any}]", body))
    with pytest.raises(MappingError, match="null is no segment of a url"):
        node.run({})


def test_ids_and_metadata_of_the_envelope_are_in_sight() -> None:
    body = """
    transform:
      envelope: ${{ envelope.envelope_id }}
      correlation: ${{ envelope.correlation_id }}
      tenant: ${{ envelope.metadata.tenant }}
      at: ${{ envelope.timestamp }}
    """
    fields = (
        "[{name: envelope, type: uuid}, {name: correlation, type: uuid}, {name: tenant, type: string}, "
        "{name: at, type: datetime}]"
    )
    result = Mapped(contract_text("COMPUTE", "[]", fields, body)).run({}, metadata={"tenant": "acme"})
    assert result.payload == {
        "envelope": str(ENVELOPE_ID),
        "correlation": str(CORRELATION_ID),
        "tenant": "acme",
        "at": "2026-03-01T12:30:00Z",
    }


TOTAL = """
let:
  lines: ${{ map(&multiply(price, quantity), input.items) }}
  gross: ${{ sum(let.lines) }}
  discount: "${{ if(let.gross >= `50`, multiply(let.gross, input.rate), decimal('0')) }}"
transform:
  gross: ${{ let.gross }}
  discount: ${{ round(let.discount, `2`, 'half_up') }}
  net: ${{ subtract(let.gross, round(let.discount, `2`, 'half_up')) }}
  lines: ${{ length(input.items) }}
"""
TOTALS = (
    "[{name: gross, type: decimal}, {name: discount, type: decimal}, {name: net, type: decimal}, "
    "{name: lines, type: integer}]"
)


def test_a_compute_node_totals_an_order_with_discount_and_rounding_in_yaml() -> None:
    node = Mapped(contract_text("COMPUTE", ORDER, TOTALS, TOTAL, ITEM))
    assert node.run(INPUT).payload == {"gross": "59.75", "discount": "5.98", "net": "53.77", "lines": 2}
    cheap: JsonObject = {**INPUT, "items": [{"sku": "c", "price": "0.05", "quantity": 1}]}
    assert node.run(cheap).payload == {"gross": "0.05", "discount": "0.00", "net": "0.05", "lines": 1}


def test_a_transform_takes_no_operation() -> None:
    node = Mapped(contract_text("COMPUTE", ORDER, TOTALS, TOTAL, ITEM))
    with pytest.raises(InvalidOperationError, match="leave operation and handler_type out"):
        node.run(INPUT, operation="http.get")


def test_a_transform_that_fails_has_no_effect_to_tell_of() -> None:
    node = Mapped(contract_text("COMPUTE", ORDER, TOTALS, TOTAL.replace("decimal('0')", "divide(`1`, `0`)"), ITEM))
    with pytest.raises(MappingError) as caught:
        node.run({**INPUT, "items": []})
    assert caught.value.details == {"place": "let.discount", "expression": caught.value.details["expression"]}
    assert "divide: the divisor is zero" in caught.value.message


def test_a_node_with_a_transform_takes_no_function() -> None:
    contract = parse_node_contract(contract_text("COMPUTE", ORDER, TOTALS, TOTAL, ITEM))
    with pytest.raises(ProtocolConfigurationError, match="a transform and a function of the host"):
        NodeInstance(contract, lambda values: values)


def test_a_response_alone_maps_the_result_of_a_payload_that_is_passed_through() -> None:
    body = (
        "io_operations:\n  - {type: http, operations: [http.get], response: {name: '${{ result.body.name }}'}}\n"
    )
    text = contract_text("EFFECT", "[{name: url, type: string}]", "[{name: name, type: string}]", body)
    node = Mapped(text, {"status_code": 404, "headers": {}, "body": {"name": "x"}, "body_type": "json"})
    assert node.run({"url": "/a"}).payload == {"name": "x"}
    assert node.handler.payloads == [{"url": "/a"}]


def test_a_request_alone_passes_the_result_through() -> None:
    body = "io_operations:\n  - {type: db, operations: [db.query], request: {sql: SELECT 1 AS one}}\n"
    fields = "[{name: rows, type: 'list[object]'}, {name: row_count, type: integer}]"
    result: JsonObject = {"rows": [{"one": 1}], "row_count": 1}
    node = Mapped(contract_text("EFFECT", "[]", fields, body), result)
    assert node.run({}).payload == result


def test_what_is_expected_of_statements_goes_to_the_handler() -> None:
    body = """
    io_operations:
      - type: db
        operations: [db.transaction]
        request:
          statements:
            - {sql: 'UPDATE t SET a = $1', parameters: ['${{ input.a }}']}
            - {sql: 'SELECT 1'}
        expect: {results: [{row_count: 1}, null]}
        response: {}
    """
    node = Mapped(contract_text("EFFECT", "[{name: a, type: decimal}]", "[]", body))
    assert node.sent({"a": "1.10"}) == {
        "statements": [
            {"sql": "UPDATE t SET a = $1", "parameters": ["1.10"], "expect": {"row_count": 1}},
            {"sql": "SELECT 1", "parameters": []},
        ]
    }


def test_numbers_go_out_as_numbers_and_decimals_as_text() -> None:
    body = """
    io_operations:
      - type: db
        operations: [db.query]
        request:
          sql: SELECT $1, $2, $3, $4, $5
          parameters:
            - ${{ input.d }}
            - ${{ input.n }}
            - ${{ divide(input.n, `3`) }}
            - ${{ multiply(input.d, `2`) }}
            - '${{ {d: input.d, n: input.n} }}'
        response: {}
    """
    given = "[{name: d, type: decimal}, {name: n, type: number}]"
    payload = Mapped(contract_text("EFFECT", given, "[]", body)).sent({"d": "1.10", "n": 1.5})
    assert payload["parameters"] == ["1.10", 1.5, 0.5, "2.20", {"d": "1.10", "n": 1.5}]


def test_values_go_out_by_their_type_inside_lists_and_objects_too() -> None:
    body = """
    io_operations:
      - type: db
        operations: [db.query]
        request:
          sql: SELECT $1, $2, $3, $4
          parameters:
            - ${{ input.items[*].price }}
            - ${{ input.prices }}
            - '${{ input.items[*].{p: price, n: quantity} }}'
            - ${{ input.note }}
        response: {}
    """
    given = (
        "[{name: items, type: 'list[ModelItem]'}, {name: prices, type: 'map[decimal]'}, {name: note, type: any}]"
    )
    node = Mapped(contract_text("EFFECT", given, "[]", body, ITEM))
    items: JsonObject = {"items": INPUT["items"], "prices": {"a": "1.50"}, "note": {"x": [1.5, None]}}
    assert node.sent(items)["parameters"] == [
        ["19.90", "0.05"],
        {"a": "1.50"},
        [{"p": "19.90", "n": 3}, {"p": "0.05", "n": 1}],
        {"x": [1.5, None]},
    ]


def test_a_value_that_json_would_not_keep_is_an_error_and_not_sent() -> None:
    request = "{url: /a, body: {n: '${{ if(input.exact, input.d, input.n) }}'}}"
    body = f"io_operations:\n  - {{type: http, operations: [http.post], request: {request}, response: {{}}}}\n"
    given = "[{name: exact, type: boolean}, {name: d, type: decimal}, {name: n, type: number}]"
    node = Mapped(contract_text("EFFECT", given, "[]", body))
    with pytest.raises(MappingError, match="a JSON number would lose digits") as caught:
        node.run({"exact": True, "d": "12345678901234567890.05", "n": 1})
    assert caught.value.details["place"] == "io_operations[0].request.body.n"
    assert node.handler.payloads == []


def test_a_number_beyond_a_double_is_an_error_and_not_sent() -> None:
    request = "{url: /a, body: '${{ multiply(input.n, input.n) }}'}"
    body = f"io_operations:\n  - {{type: http, operations: [http.post], request: {request}, response: {{}}}}\n"
    node = Mapped(contract_text("EFFECT", "[{name: n, type: number}]", "[]", body))
    with pytest.raises(MappingError, match="within the range of a double"):
        node.run({"n": 1e300})
    assert node.handler.payloads == []


def test_of_several_operations_the_result_is_known_when_it_is_there() -> None:
    body = """
    io_operations:
      - {type: http, operations: [http.get, http.delete], response: {name: '${{ result.body.name }}'}}
    """
    text = contract_text("EFFECT", "[{name: url, type: string}]", "[{name: name, type: string}]", body)
    node = Mapped(text, {"status_code": 200, "headers": {}, "body": {"name": "x"}, "body_type": "json"})
    assert node.run({"url": "/a"}, operation="http.delete").payload == {"name": "x"}


def test_an_output_deeper_than_an_envelope_is_an_unexpected_result() -> None:
    nested: JsonObject = {"status_code": 200, "headers": {}, "body": None, "body_type": "json"}
    value: JsonObject = {}
    for _ in range(31):
        value = {"a": value}
    mapping = "request: {url: /a}, response: {b: {c: '${{ result.body }}'}}"
    body = f"io_operations:\n  - {{type: http, operations: [http.get], {mapping}}}\n"
    node = Mapped(contract_text("EFFECT", "[]", "[{name: b, type: any}]", body), {**nested, "body": value})
    with pytest.raises(UnexpectedResultError, match="nested deeper than 32 levels") as caught:
        node.run({})
    assert caught.value.details["effect"] == "performed"
