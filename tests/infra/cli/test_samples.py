"""What is proposed for a first call is something that the node takes."""

from pathlib import Path

import pytest
from omnibase_core.contracts.load import parse_node_contract
from omnibase_infra.cli.calling import request_to
from omnibase_infra.cli.samples import call_command, sample_values

ROOT = Path(__file__).resolve().parents[3]
NODES = sorted((ROOT / "contracts").glob("[!r]*/nodes/*.yaml"))
EVERY_TYPE = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "all"
node_type: "COMPUTE"
input_model:
  name: "ModelIn"
  fields:
    - {name: text, type: string}
    - {name: yes_or_no, type: boolean}
    - {name: whole, type: integer}
    - {name: broken, type: number}
    - {name: exact, type: decimal}
    - {name: id, type: uuid}
    - {name: day, type: date}
    - {name: at, type: datetime}
    - {name: many, type: "list[map[ModelPart]]"}
    - {name: part, type: ModelPart}
    - {name: free, type: object}
    - {name: whatever, type: any}
    - {name: left_out, type: string, required: false}
    - {name: filled_in, type: integer, default: 3}
output_model: {name: "ModelOut", fields: []}
models: [{name: ModelPart, fields: [{name: size, type: decimal}]}]
transform: {}
"""


def test_every_type_has_a_value_that_fits() -> None:
    node = parse_node_contract(EVERY_TYPE)
    values = sample_values(node)
    assert request_to({"all": node}, "all", [f"{name}={value}" for name, value in values.items()]).payload
    assert {"left_out", "filled_in"} & values.keys() == set()


@pytest.mark.parametrize("path", NODES, ids=[f"{path.parts[-3]}/{path.stem}" for path in NODES])
def test_the_nodes_of_the_examples_take_their_samples(path: Path) -> None:
    node = parse_node_contract(path.read_text(), allow_local=True)
    request_to({node.name: node}, node.name, [f"{name}={value}" for name, value in sample_values(node).items()])


def test_the_command_is_quoted_for_a_shell() -> None:
    node = parse_node_contract(EVERY_TYPE)
    assert call_command("my contracts/runtime.yaml", node, "--dev").startswith(
        "onex-host call 'my contracts/runtime.yaml' all text=text yes_or_no=true whole=1 broken=1.5 exact=9.90 "
    )
