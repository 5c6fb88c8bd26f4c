"""The docs check finds what is not true, and the docs of this repository are true."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import docs_check

_NODE = """```yaml
schema_version: "1.0.0"
node_version: "1.0.0"
name: user_service_effect
node_type: EFFECT
description: Fetches user data
input_model: {name: ModelUserRequest, fields: [{name: url, type: string}]}
output_model: {name: ModelUserResponse, fields: [{name: status_code, type: integer}, {name: body, type: any}]}
io_operations: [{type: http, operations: [http.get]}]
```
"""
_RUNTIME = """```yaml
runtime:
  name: orders
  version: "1.0.0"
  event_bus: {kind: inmemory}
  handlers: [{type: http, config: {base_url: "https://api.example.com"}}]
  nodes: [{slug: user_service_effect}]
```
"""


def found(tmp_path: Path, text: str) -> Sequence[str]:
    """What the check says of a page with this text."""
    page = tmp_path / "page.md"
    page.write_text(text)
    (tmp_path / "other.md").write_text("# A heading, here\n")
    return [finding.partition("page.md:")[2] for finding in docs_check.findings(docs_check.read(page))]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("```python\nassert 1 == 2\n```\n", "AssertionError"),
        ("```python\nimport omnibase_core.nothing\n```\n", "ModuleNotFoundError"),
        ("```yaml\na: [1\n```\n", "this is no yaml"),
        ("```json\n{'a': 1}\n```\n", "this is no json"),
        ("```bash\nmake install\n```\n", "nothing checks 'make install'"),
        ("```console\n$ make install\nfine\n```\n", "nothing checks 'make install'"),
        ("```bash\nuv run pytest && make\n```\n", "nothing checks 'make'"),
        ("```bash\nonex-host conquer\n```\n", "no command 'conquer'"),
        ("```bash\nonex-host validate --never-mind x.yaml\n```\n", "no option --never-mind"),
        ("<!-- docs: run -->\n```bash\nexit 3\n```\n", "the block fails"),
        ("<!-- docs: output of echo one -->\n```text\ntwo\n```\n", "prints something else"),
        ("<!-- docs: skip -->\n```bash\nmake\n```\n", "needs a reason"),
        ("<!-- docs: session -->\n```console\n$ echo one\ntwo\n```\n", "'echo one' prints something else"),
        ("<!-- docs: session -->\n```console\n$ echo one\n```\n", "'echo one' prints something else"),
        ("<!-- docs: session -->\n```console\n$ printf 'one\\ntwo\\n'\none…\n```\n", "prints something else"),
        ("<!-- docs: session -->\n```console\n$ false\n$ echo $?\n0\n```\n", "'echo $?' prints something else"),
        ("<!-- docs: session -->\n```bash\necho\n```\n", "a session is a console block"),
        ("<!-- docs: file -->\n```text\none\n```\n", "needs a reason"),
        ("<!-- docs: file a.jsonl -->\n```json\n{}\n{\n```\n", "this is no json"),
        ("<!-- docs: file n.yaml -->\n" + _NODE.replace("EFFECT", "AFFECT"), "the contract is not valid"),
        (_NODE.replace("EFFECT", "AFFECT"), "the contract is not valid"),
        (_RUNTIME, "user_service_effect"),
        (_RUNTIME.replace("type: http", "type: kafka") + _NODE, "Unknown handler type"),
        ("```rust\nfn main() {}\n```\n", "nothing checks 'rust'"),
        ("[gone](gone.md)\n", "leads nowhere"),
        ("[gone](other.md#nothing)\n", "a heading that is not there"),
        ("![gone](gone.png)\n", "leads nowhere"),
    ],
)
def test_what_is_not_true_is_found(text: str, finding: str, tmp_path: Path) -> None:
    assert any(finding in what for what in found(tmp_path, text)), text


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1\n```\nand then\n```python\nassert x == 1\n```\n",
        "```yaml\na: [1]\n```\n",
        _NODE,
        _RUNTIME + _NODE,
        "<!-- docs: fragment, one field of it -->\n```yaml\nruntime: {name: orders}\n```\n",
        "```bash\nuv run pytest  # all of it\n```\n",
        "```bash\nonex-host validate contracts/orders\n```\n",
        "<!-- docs: run -->\n```bash\necho fine > here && test -f here\n```\n",
        "<!-- docs: output of echo one -->\n```text\none\n```\n",
        "<!-- docs: skip, it needs root -->\n```bash\nmake\n```\n",
        "<!-- docs: file sub/a.txt -->\n```text\none\n```\n"
        "<!-- docs: session -->\n```console\n$ cat sub/a.txt\none\n$ cat \\\n  nothing\n…\n$ echo $?\n1\n```\n",
        "<!-- docs: session -->\n```console\n$ uv run echo 'took 12 ms' >&2\ntook … ms\n```\n",
        "<!-- docs: file a.jsonl -->\n```json\n{}\n[]\n```\n",
        "[there](other.md#a-heading-here), [out](https://example.com), [self](#top)\n\n# Top\n",
        "````text\n```bash\nmake\n```\n````\n",
    ],
)
def test_what_is_true_is_left_alone(text: str, tmp_path: Path) -> None:
    assert found(tmp_path, text) == []


def test_a_finding_names_page_and_line(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "# Page\n\n```json\n{\n```\n")
    assert finding.startswith("3: ")


def test_every_page_of_this_repository_has_its_links_and_marks_in_order() -> None:
    cheap = (docs_check.marks, docs_check.links, docs_check.data)
    pages = [docs_check.read(path) for path in docs_check.pages()]
    assert pages
    assert [finding for page in pages for finding in docs_check.findings(page, cheap)] == []
