"""What a node contract becomes, and how its parts are checked."""

import pytest
from omnibase_core.contracts.load import load_node, parse_node_contract
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.enums import EnumHandlerType, EnumNodeKind
from omnibase_core.errors import ContractValidationError

from tests.core.contracts.contracts_on_hand import NODE, reader_of


def problems_of(text: str) -> list[str]:
    with pytest.raises(ContractValidationError) as caught:
        parse_node_contract(text)
    return [problem.message for problem in caught.value.problems]


def test_a_node_contract_carries_its_compiled_models() -> None:
    node = parse_node_contract(NODE)
    assert node.node_type is EnumNodeKind.EFFECT
    assert node.input.check({"url": "/users/1"}) == {"url": "/users/1"}
    assert node.output.name == "ModelResponse"
    assert node.input is node.input


def test_an_operation_goes_to_the_handler_of_its_type_by_default() -> None:
    entry = parse_node_contract(NODE).io_operations[0]
    assert (entry.type, entry.handler, entry.operations) == (EnumHandlerType.HTTP, "http", ("http.get",))


def test_an_operation_may_name_its_handler() -> None:
    node = parse_node_contract(NODE.replace('["http.get"]', '["http.get"], handler: "users_api"'))
    assert node.io_operations[0].handler == "users_api"


def test_a_compute_node_needs_no_operations() -> None:
    text = NODE[: NODE.index("io_operations")].replace("EFFECT", "COMPUTE")
    assert parse_node_contract(text).io_operations == ()


def test_defaults() -> None:
    node = parse_node_contract(NODE)
    assert (node.schema_version, node.on_failure, node.dependencies, node.description) == (
        "1.0.0",
        "answer",
        (),
        "",
    )


def test_fields_are_required_unless_they_say_otherwise_in_input_and_output() -> None:
    node = parse_node_contract(NODE.replace('"any"}', '"any"}, {name: "more", type: "any", required: false}'))
    assert node.input.fields["url"].required
    assert {name: field.required for name, field in node.output.fields.items()} == {"body": True, "more": False}


def test_a_node_contract_is_frozen() -> None:
    node = parse_node_contract(NODE)
    with pytest.raises(ValueError, match="frozen"):
        node.name = "other"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("http.get", "http.fetch"), "Unknown operation 'http.fetch'"),
        (("http.get", "db.query"), "Operation 'db.query' is none of handler type 'http'"),
        (('["http.get"]', "[]"), "No operations are listed"),
        (('["http.get"]', "[http.get, http.get]"), "Operation 'http.get' is listed twice"),
        (('type: "http"', 'type: "grpc"'), "Unknown handler type 'grpc'"),
        (('type: "http"', "type: 5"), "A handler type is text"),
        (("EFFECT", "RUNTIME_HOST"), "Unknown node_type 'RUNTIME_HOST'"),
        (("fetch_user", "Fetch User"), "'Fetch User' is not a valid name"),
        (('"1.0.0"', '"one two"'), "'one two' is not a version"),
        (('"any"', '"anything"'), "Unknown type 'anything'"),
        (("ModelResponse", "ModelRequest"), "Two models are named 'ModelRequest'"),
        (('["http.get"]', '[http.get], target: "/users"'), "The target is not of the form"),
        (('["http.get"]', '[http.get], target: "https://a/?q=x"'), "The target has a query"),
        (("node_version", "nodeversion"), "Missing required field 'node_version' in the file"),
        (("EFFECT", "COMPUTE"), "A COMPUTE node has no io_operations"),
        (("node_type", "on_failure: retry\nnode_type"), "Unknown on_failure 'retry'"),
        (("node_type", "dependencies: other\nnode_type"), "dependencies must be a list, not text"),
    ],
)
def test_what_does_not_fit_is_refused(change: tuple[str, str], message: str) -> None:
    assert any(problem.startswith(message) for problem in problems_of(NODE.replace(*change)))


def test_faults_of_declared_models_are_found_beside_other_faults() -> None:
    found = problems_of(NODE.replace('"string"', '"strin"').replace("EFFECT", "EFECT"))
    assert found == ["Unknown node_type 'EFECT'", "Unknown type 'strin'"]


def test_a_reference_to_a_model_of_the_wrong_shape_is_no_second_fault() -> None:
    text = NODE.replace('"any"', '"ModelItem"') + "models: [{name: ModelItem, field: []}]\n"
    assert problems_of(text) == [
        "Missing required field 'fields' in models[0]",
        "Unknown field 'field' in models[0]",
    ]


def test_a_single_node_file_is_checked_without_a_runtime_contract() -> None:
    text = NODE + "dependencies: [somewhere_else]\n"
    loaded = load_node("node.yaml", reader_of({"node.yaml": text}))
    assert isinstance(loaded.node, ModelNodeContract)
    assert loaded.problems == ()


@pytest.mark.parametrize("text", ["", "5", "[]", "a: [", "{}", "{node_type: {}}", "\x00"])
def test_a_file_that_is_no_node_contract_has_problems(text: str) -> None:
    loaded = load_node("node.yaml", reader_of({"node.yaml": text}))
    assert loaded.node is None
    assert loaded.problems
