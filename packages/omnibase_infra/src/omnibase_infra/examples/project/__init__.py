"""What `onex-host init` adds to the quickstart's contracts to make a project of them."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

FOLDER: Final = Path(__file__).parent
FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "README.md": "README.md",
        "test_nodes.py": "test_nodes.py.txt",
        ".gitignore": "gitignore",
        ".vscode/settings.json": "settings.json",
        ".vscode/extensions.json": "extensions.json",
    }
)
"""A project's file -> the file here that it is made from."""
