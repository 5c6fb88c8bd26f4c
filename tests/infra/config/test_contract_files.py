"""Contract files as the file system has them: what is read, what is refused, what a folder means."""

import os
from pathlib import Path

import pytest
from omnibase_core.contracts.reading import FileRefusal
from omnibase_core.contracts.source import MAX_BYTES
from omnibase_infra.config.files import load_contract_file, read_contract_file, validate_paths

from tests.core.contracts.contracts_on_hand import NODE, runtime_text

CONTRACTS = Path(__file__).parents[3] / "contracts"


def write(folder: Path, **files: str) -> Path:
    """Writes files named with `__` for a slash and without their `.yaml`."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path, runtime=runtime_text(), nodes__fetch_user=NODE)


def refusal(path: Path | str) -> FileRefusal:
    read = read_contract_file(str(path))
    assert isinstance(read, FileRefusal)
    return read


def messages(*paths: Path | str) -> list[str]:
    return [problem.message for problem in validate_paths([str(path) for path in paths], {}).problems]


def test_a_file_is_read_as_it_is(good: Path) -> None:
    assert read_contract_file(str(good / "runtime.yaml")) == runtime_text().encode()


def test_a_missing_file_may_be_somewhere_else(tmp_path: Path) -> None:
    found = refusal(tmp_path / "none.yaml")
    assert found.is_missing
    assert found.refusal.message == f"File not found: {tmp_path}/none.yaml"


def test_a_file_below_a_file_is_missing(good: Path) -> None:
    assert refusal(good / "runtime.yaml" / "x.yaml").is_missing


def test_the_home_folders_sign_is_not_expanded() -> None:
    assert "'~' is not expanded" in str(refusal("~/runtime.yaml").refusal.hint)


@pytest.mark.parametrize("path", ["nul\0byte.yaml", "x" * 5_000])
def test_a_text_that_is_no_path_is_refused(path: str) -> None:
    assert not refusal(path).is_missing


def test_a_folder_is_no_contract(tmp_path: Path) -> None:
    assert refusal(tmp_path).refusal.message.endswith("is a folder")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert refusal(tmp_path / "pipe.yaml").refusal.message.endswith("is no regular file")


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert f"at most {MAX_BYTES}" in refusal(tmp_path / "large.yaml").refusal.message


def test_symlinks_are_followed(good: Path) -> None:
    (good / "link.yaml").symlink_to("runtime.yaml")
    assert load_contract_file(str(good / "link.yaml"), {}).problems == ()


def test_relative_paths_start_where_the_link_is(tmp_path: Path) -> None:
    write(tmp_path, hidden__runtime=runtime_text(), visible__fetch_user=NODE)
    (tmp_path / "visible" / "runtime.yaml").symlink_to("../hidden/runtime.yaml")
    assert load_contract_file(str(tmp_path / "visible" / "runtime.yaml"), {}).problems == ()


def test_a_link_to_nothing_and_a_circle_are_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("none.yaml")
    (tmp_path / "b.yaml").symlink_to("b.yaml")
    assert "link to nothing" in refusal(tmp_path / "a.yaml").refusal.message
    assert "circle" in refusal(tmp_path / "b.yaml").refusal.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(good: Path) -> None:
    (good / "runtime.yaml").chmod(0)
    assert "may not be read" in refusal(good / "runtime.yaml").refusal.message


def test_a_broken_link_in_the_first_place_hides_no_second_one(good: Path) -> None:
    (good / "nodes" / "fetch_user.yaml").rename(good / "fetch_user.yaml")
    (good / "nodes" / "fetch_user.yaml").symlink_to("none.yaml")
    loaded = load_contract_file(str(good / "runtime.yaml"), {})
    assert [(p.file, "link to nothing" in p.message) for p in loaded.problems] == [(f"{good}/runtime.yaml", True)]


def test_a_file_in_another_encoding_is_refused(good: Path) -> None:
    (good / "runtime.yaml").write_bytes("runtime: ä".encode("latin-1"))
    assert messages(good / "runtime.yaml") == ["The file is not UTF-8"]


def test_the_environment_is_the_callers(good: Path) -> None:
    write(good, runtime=runtime_text(handlers='[{type: http, timeout_ms: "${ONEX_T}"}]'))
    path = str(good / "runtime.yaml")
    assert load_contract_file(path, {"ONEX_T": "5"}).require().handlers[0].timeout_ms == 5
    assert load_contract_file(path, {}).runtime is None
    assert load_contract_file(path, None).runtime is not None


def test_a_node_file_is_known_by_its_content(good: Path) -> None:
    assert messages(good / "nodes" / "fetch_user.yaml") == []


def test_a_named_file_that_is_neither_kind_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {}")
    assert messages(tmp_path / "compose.yaml") == [
        "The file is no runtime contract, no node contract and no file of contract tests"
    ]


def test_a_folder_means_every_contract_below_it(good: Path) -> None:
    write(good, compose="services: {}", other__node=NODE.replace("EFFECT", "EFECT"), manifests="a: 1\n---\nb: 2\n")
    found = validate_paths([str(good)], {})
    assert [problem.message for problem in found.problems] == ["Unknown node_type 'EFECT'"]
    assert found.files == tuple(f"{good}/{name}.yaml" for name in ("runtime", "nodes/fetch_user", "other/node"))


def test_a_node_that_a_runtime_contract_names_is_reported_once(good: Path) -> None:
    write(good, nodes__fetch_user=NODE.replace("EFFECT", "EFECT"), runtime2=runtime_text())
    assert messages(good, good / "nodes", good / "runtime.yaml") == ["Unknown node_type 'EFECT'"]


def test_a_contract_in_a_folder_that_is_no_yaml_is_reported(good: Path) -> None:
    write(good, broken="runtime: [", template="a: {{ .Values.x }}: [")
    assert {problem.file for problem in validate_paths([str(good)], {}).problems} == {f"{good}/broken.yaml"}


def test_both_suffixes_count_and_hidden_folders_do_not(good: Path) -> None:
    write(good, **{"..2026__runtime": "runtime: ["})
    (good / "node.yml").write_text(NODE.replace("EFFECT", "EFECT"))
    assert messages(good) == ["Unknown node_type 'EFECT'"]


def test_a_folder_without_yaml_is_a_problem(tmp_path: Path) -> None:
    assert messages(tmp_path) == ["No YAML file is in this folder"]


def test_a_path_that_is_not_there_is_a_problem_beside_the_others(good: Path) -> None:
    assert messages(good, good / "none.yaml") == [f"File not found: {good}/none.yaml"]


def test_the_examples_are_valid_but_for_the_one_that_only_the_development_host_runs() -> None:
    folders = sorted(path.parent for path in CONTRACTS.glob("*/runtime.yaml"))
    found = {folder.name: messages(folder) for folder in folders}
    assert set(found.pop("local")) == {"Handler type 'local' is for development and tests only"}
    assert found
    assert [text for texts in found.values() for text in texts] == []
