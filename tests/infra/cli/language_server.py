"""A YAML language server as an editor runs it: the real one, over its standard streams."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

INSTALL: Final = "npm install --prefix ~/.cache/onex-ci/yaml-language-server yaml-language-server"
_SETTINGS: Final = {
    "yaml": {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}
}

Message = dict[str, Any]


class Diagnostic(NamedTuple):
    """What the editor underlines: a 1-based line, and why."""

    line: int
    message: str


def command() -> list[str] | None:
    """The server's command line where it is installed; ONEX_YAML_LANGUAGE_SERVER names another folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "onex-ci/yaml-language-server")
    folder = Path(os.environ.get("ONEX_YAML_LANGUAGE_SERVER") or cache)
    program = folder / "node_modules/yaml-language-server/bin/yaml-language-server"
    node = shutil.which("node")
    return [node, str(program), "--stdio"] if node and program.is_file() else None


class LanguageServer:
    """An editor's side of the protocol. Each call waits for its answer; the test's time limit bounds it."""

    def __init__(self, sink: IO[bytes], source: IO[bytes]) -> None:
        self._sink = sink
        self._source = source
        self._ids = count(1)
        self.request("initialize", processId=None, rootUri=None, capabilities=_CAPABILITIES)
        self._notify("initialized")
        self._notify("workspace/didChangeConfiguration", settings=_SETTINGS)

    def open(self, path: Path, text: str) -> list[Diagnostic]:
        """Opens a document with this text; what is wrong with it."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self._notify("textDocument/didOpen", textDocument=document)
        message = self._await(
            lambda m: m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == path.as_uri()
        )
        found = message["params"]["diagnostics"]
        return [Diagnostic(one["range"]["start"]["line"] + 1, one["message"]) for one in found]

    def open_new(self, text: str) -> tuple[Path, list[Diagnostic]]:
        """Opens a text as a new document, which is nowhere; its path, and what is wrong with it."""
        path = Path(f"/contracts/{next(self._ids)}.yaml")
        return path, self.open(path, text)

    def completions(self, path: Path, line: int, column: int) -> set[str]:
        """What the editor offers at a 1-based place of an open document."""
        result = self.request("textDocument/completion", **_place(path, line, column))
        return {item["label"] for item in result["items"]}

    def hover(self, path: Path, line: int, column: int) -> str:
        """What the editor says of what stands at a 1-based place."""
        result = self.request("textDocument/hover", **_place(path, line, column))
        return "" if result is None else str(result["contents"]["value"])

    def request(self, method: str, **params: object) -> Any:
        """The result of a request."""
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        return self._await(lambda message: message.get("id") == number and "method" not in message)["result"]

    def _notify(self, method: str, **params: object) -> None:
        self._send({"method": method, "params": params})

    def _await(self, is_it: Callable[[Message], bool]) -> Message:
        while not is_it(message := self._receive()):
            if "method" in message and "id" in message:
                items = (
                    message["params"].get("items", []) if message["method"] == "workspace/configuration" else None
                )
                result = None if items is None else [_SETTINGS.get(item["section"]) for item in items]
                self._send({"id": message["id"], "result": result})
        return message

    def _send(self, content: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **content}).encode()
        self._sink.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._sink.flush()

    def _receive(self) -> Message:
        length = 0
        while (header := self._source.readline()) != b"\r\n":
            assert header, "the language server has ended"
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: Message = json.loads(self._source.read(length))
        return message


@contextmanager
def language_server(words: list[str]) -> Iterator[LanguageServer]:
    """A server for as long as the block lasts."""
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - a known program
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield LanguageServer(process.stdin, process.stdout)
        finally:
            process.kill()


def _place(path: Path, line: int, column: int) -> Message:
    return {"textDocument": {"uri": path.as_uri()}, "position": {"line": line - 1, "character": column - 1}}


_CAPABILITIES: Final = {
    "workspace": {"configuration": True},
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True}},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
    },
}
