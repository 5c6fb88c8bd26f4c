"""`uv run python -m tools.reference`: writes docs/reference.md and docs/refusals.md anew, from the code.

`tools.docs_check` compares them.
"""

from tools.reference import PAGES, ROOT


def main() -> None:
    """Writes every page, and names each."""
    for name, write in PAGES.items():
        (ROOT / name).write_text(write(), encoding="utf-8")
        print(f"written: {name}")


if __name__ == "__main__":
    main()
