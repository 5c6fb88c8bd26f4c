"""The two contract types. Both look at direct imports, type-only ones included, and take no ignores."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph


class IllegalImport(NamedTuple):
    """One import statement that a contract refuses."""

    importer: str
    imported: str
    lines: tuple[int, ...]

    def render(self) -> str:
        """As it is printed under the broken contract."""
        return f"- {self.importer} -> {self.imported} (l.{', '.join(map(str, self.lines))})"


class DirectImportsContract(Contract):
    """What both types share: how refused imports are reported."""

    broken_contract_guidance = fields.TextField(required=False)

    def check(self, graph: "ImportGraph", verbose: bool) -> ContractCheck:
        """Called by import-linter; `verbose` changes nothing here."""
        illegal = sorted(self.illegal_imports(graph))
        return ContractCheck(kept=not illegal, metadata={"illegal": illegal})

    def illegal_imports(self, graph: "ImportGraph") -> Iterator[IllegalImport]:
        """Every import that breaks the contract."""
        raise NotImplementedError

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Called by import-linter for a broken contract."""
        for illegal in check.metadata["illegal"]:
            output.print_error(illegal.render(), bold=False)
        output.new_line()
        if guidance := self.contract_options.get("broken_contract_guidance"):
            output.print(guidance if isinstance(guidance, str) else "\n".join(guidance))
            output.new_line()

    def option(self, name: str) -> tuple[str, ...]:
        """The module names of a set field; none where an optional field is absent."""
        return tuple(sorted(getattr(self, name) or ()))


class AllowListContract(DirectImportsContract):
    """The listed packages import themselves and what is allowed, and nothing else.

    Options: `packages`; `allowed` (modules, with everything beneath them); `exempt` (rooms of the packages
    that may import anything, and that the rest of the packages may not import).
    """

    type_name = "allow_list"

    packages = fields.SetField(subfield=fields.StringField())
    allowed = fields.SetField(subfield=fields.StringField())
    exempt = fields.SetField(subfield=fields.StringField(), required=False)

    def illegal_imports(self, graph: "ImportGraph") -> Iterator[IllegalImport]:
        """Every import of a module that is neither allowed nor of the packages themselves."""
        packages, allowed, exempt = self.option("packages"), self.option("allowed"), self.option("exempt")
        for importer in _members(graph, packages):
            if _within(importer, exempt):
                continue
            for imported in graph.find_modules_directly_imported_by(importer):
                own = _within(imported, packages) and not _within(imported, exempt)
                if not own and not _within(imported, allowed):
                    yield _illegal(graph, importer, imported)


class SingleOwnerContract(DirectImportsContract):
    """The listed drivers are imported by one package only. Drivers and owner need not be there yet.

    Options: `drivers` (external packages), `owner` (a module, with everything beneath it).
    """

    type_name = "single_owner"

    drivers = fields.SetField(subfield=fields.StringField())
    owner = fields.StringField()

    def illegal_imports(self, graph: "ImportGraph") -> Iterator[IllegalImport]:
        """Every import of a driver from outside its owner."""
        owner = str(self.owner)
        for driver in self.option("drivers"):
            if driver in graph.modules:
                for importer in graph.find_modules_that_directly_import(driver):
                    if not _within(importer, (owner,)):
                        yield _illegal(graph, importer, driver)


def _members(graph: "ImportGraph", packages: Iterable[str]) -> Iterator[str]:
    for package in packages:
        if package not in graph.modules:
            raise ValueError(f"Package '{package}' of an allow_list contract does not exist.")
        yield package
        yield from graph.find_descendants(package)


def _within(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _illegal(graph: "ImportGraph", importer: str, imported: str) -> IllegalImport:
    details = graph.get_import_details(importer=importer, imported=imported)
    return IllegalImport(importer, imported, tuple(sorted({int(detail["line_number"]) for detail in details})))
