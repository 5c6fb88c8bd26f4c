"""Files that are watched, and Python modules that are imported anew."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from omnibase_core.contracts.reading import FileRefusal
from omnibase_infra.cli.watching import ProjectModules, WatchedFiles


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectModules]:
    """Of a folder with a module that imports another."""
    (tmp_path / "dev_sample_host.py").write_text("import dev_sample_rates\n\nRATE = dev_sample_rates.RATE\n")
    (tmp_path / "dev_sample_rates.py").write_text("RATE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield ProjectModules(tmp_path)
    for name in [name for name in sys.modules if name.startswith("dev_sample")]:
        del sys.modules[name]


def rate() -> object:
    """What the host's module has, imported now."""
    return importlib.import_module("dev_sample_host").RATE


def test_modules_of_the_folder_are_imported_anew_and_the_old_ones_stay_as_they_are(
    modules: ProjectModules, tmp_path: Path
) -> None:
    with modules.anew():
        assert rate() == 1
    old = sys.modules["dev_sample_host"]
    (tmp_path / "dev_sample_rates.py").write_text("RATE = 22\n")
    with modules.anew():
        assert rate() == 22
    assert old.RATE == 1
    assert modules.files == {str(tmp_path / "dev_sample_host.py"), str(tmp_path / "dev_sample_rates.py")}


def test_a_module_that_does_not_import_leaves_the_others_and_is_watched(
    modules: ProjectModules, tmp_path: Path
) -> None:
    with modules.anew():
        rate()
    old = sys.modules["dev_sample_host"]
    (tmp_path / "dev_sample_rates.py").write_text("RATE = = 3\n")
    with pytest.raises(SyntaxError), modules.anew():
        rate()
    assert sys.modules["dev_sample_host"] is old
    assert str(tmp_path / "dev_sample_rates.py") in modules.files


def test_a_module_that_is_not_there_yet_is_watched(modules: ProjectModules, tmp_path: Path) -> None:
    (tmp_path / "dev_sample_rates.py").unlink()
    with pytest.raises(ModuleNotFoundError), modules.anew():
        rate()
    assert str(tmp_path / "dev_sample_rates.py") in modules.files


def test_a_file_that_was_not_there_is_seen_when_it_comes(tmp_path: Path) -> None:
    files, path = WatchedFiles(), tmp_path / "node.yaml"
    assert isinstance(files.read(str(path)), FileRefusal)
    assert (len(files), list(files.look()), list(files.look())) == (0, [], [])
    path.write_text("name: x\n")
    assert [list(files.look()), list(files.look())] == [[], [str(path)]]


def test_what_changed_between_reading_and_watching_is_seen(tmp_path: Path) -> None:
    files, path = WatchedFiles(), tmp_path / "node.yaml"
    path.write_text("one\n")
    files.read(str(path))
    path.write_text("another\n")
    files.note([str(path)])
    assert [list(files.look()), list(files.look())] == [[], [str(path)]]


def test_a_file_that_is_still_being_written_is_waited_for(tmp_path: Path) -> None:
    files, path = WatchedFiles(), tmp_path / "node.yaml"
    files.read(str(path))
    for number in range(5):
        path.write_text("x" * number)
        assert list(files.look()) == []
    assert list(files.look()) == [str(path)]
