"""The contract types. All see type-only imports, take no ignores, and say what to do where an option is wrong."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from importlinter import Contract, ContractCheck, fields, output
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.domain.contract import InvalidContractOptions

from omnibase_core_lint.bans import BANNED
from omnibase_core_lint.options import internal, session_errors, spelling, stranger, within

if TYPE_CHECKING:
    from grimp import ImportGraph

_NAMES_NOTHING: Final = "It names no module, so that the contract would hold nothing. Write one module a line."


class IllegalImport(NamedTuple):
    """One import statement that a contract refuses."""

    importer: str
    imported: str
    lines: tuple[int, ...]

    def render(self) -> str:
        """As it is printed under the broken contract."""
        return f"- {self.importer} -> {self.imported} (l.{', '.join(map(str, self.lines))})"


class PublishedContract(Contract):
    """What all types share: options that are checked, and guidance that is shown."""

    required_names: ClassVar[tuple[str, ...]] = ()
    """Options that name at least one module."""

    own_names: ClassVar[tuple[str, ...]] = ()
    """Options that name modules of the project's own packages."""

    yet_to_come: ClassVar[tuple[str, ...]] = ()
    """Options whose modules need not be there yet."""

    otherwise: ClassVar[str] = ""
    """What is shown under a broken contract that has no `broken_contract_guidance`."""

    broken_contract_guidance = fields.TextField(required=False)

    def validate(self) -> None:
        """Called by import-linter. Raises InvalidContractOptions, which it shows with the contract's name."""
        errors = session_errors(self.session_options)
        for name in self._name_options():
            if name in self.required_names and not self.option(name):
                errors[name] = _NAMES_NOTHING
            elif problem := self.problem_with(name):
                errors[name] = problem
        if errors:
            raise InvalidContractOptions(errors)

    def problem_with(self, name: str) -> str | None:
        """What is wrong with the modules of an option, whatever is in the tree."""
        names, roots = self.option(name), self.roots
        foreign = [module for module in names if not within(module, roots)] if name in self.own_names else []
        if foreign:
            return f"'{foreign[0]}' is in none of the root packages. Name a module of {', '.join(roots)}."
        return spelling(names, roots)

    def option(self, name: str) -> tuple[str, ...]:
        """The module names of an option; none where it is absent."""
        value = getattr(self, name) or ()
        return (value,) if isinstance(value, str) else tuple(sorted(value))

    @property
    def roots(self) -> tuple[str, ...]:
        """The project's own packages."""
        return tuple(self.session_options["root_packages"])

    def require_existing(self, graph: "ImportGraph") -> None:
        """Raises ValueError, which import-linter shows, where an option names a module that is not there."""
        roots = self.roots
        for name in self._name_options():
            named = [] if name in self.yet_to_come else internal(self.option(name), roots)
            if missing := stranger(named, internal(graph.modules, roots)):
                raise ValueError(
                    f'Contract "{self.name}": {name}: there is no module {missing} in {", ".join(roots)}. '
                    "Correct the name, or remove it."
                )

    def print_guidance(self) -> None:
        """What to do instead, below the imports of a broken contract."""
        given: object = self.broken_contract_guidance
        output.print(str(given or self.otherwise))
        output.new_line()

    def _name_options(self) -> Iterator[str]:
        return (name for name in self._get_field_names() if name != "broken_contract_guidance")


class DirectImportsContract(PublishedContract):
    """What the types that look at import statements one by one share: how refused ones are reported."""

    def check(self, graph: "ImportGraph", verbose: bool) -> ContractCheck:
        """Called by import-linter; `verbose` changes nothing here."""
        self.require_existing(graph)
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
        self.print_guidance()


class AllowListContract(DirectImportsContract):
    """The listed packages import themselves and what is allowed, and nothing else.

    Options: `packages`; `allowed` (modules, with everything beneath them); `exempt` (rooms of the packages
    that may import anything, and that the rest of the packages may not import).
    """

    type_name = "allow_list"
    required_names = ("packages",)
    own_names = ("packages", "exempt")
    otherwise = (
        "These packages import what 'allowed' names and nothing else. Take what the import would give as an "
        "argument, or add the module to 'allowed', with the reason in the commit."
    )

    packages = fields.SetField(subfield=fields.StringField())
    allowed = fields.SetField(subfield=fields.StringField())
    exempt = fields.SetField(subfield=fields.StringField(), required=False)

    def illegal_imports(self, graph: "ImportGraph") -> Iterator[IllegalImport]:
        """Every import of a module that is neither allowed nor of the packages themselves."""
        packages, allowed, exempt = self.option("packages"), self.option("allowed"), self.option("exempt")
        for importer in _members(graph, packages):
            if within(importer, exempt):
                continue
            for imported in graph.find_modules_directly_imported_by(importer):
                own = within(imported, packages) and not within(imported, exempt)
                if not own and not within(imported, allowed):
                    yield _illegal(graph, importer, imported)


class SingleOwnerContract(DirectImportsContract):
    """The listed drivers are imported by one package only. Drivers and owner need not be there yet.

    Options: `drivers` (external packages), `owner` (a module, with everything beneath it).
    """

    type_name = "single_owner"
    required_names = ("drivers", "owner")
    own_names = ("owner",)
    yet_to_come = ("drivers", "owner")
    otherwise = "Ask the owner for what the driver does, instead of importing the driver here too."

    drivers = fields.SetField(subfield=fields.StringField())
    owner = fields.StringField()

    def illegal_imports(self, graph: "ImportGraph") -> Iterator[IllegalImport]:
        """Every import of a driver from outside its owner."""
        for driver in self.option("drivers"):
            if driver in graph.modules:
                for importer in graph.find_modules_that_directly_import(driver):
                    if not within(importer, self.option("owner")):
                        yield _illegal(graph, importer, driver)


class NoTransportsContract(PublishedContract):
    """The listed modules reach no transport of the ban list, be it through other modules that they import.

    Options: `modules` (with everything beneath them); `also_forbidden` (more modules, the project's own included);
    `apart_from` (banned modules that are imported all the same, where another contract says by whom).
    """

    type_name = "no_transports"
    required_names = ("modules",)
    own_names = ("modules",)
    otherwise = (
        "These modules open no connection and start no process. Put the call into a handler, and take its result "
        "as an argument."
    )

    modules = fields.SetField(subfield=fields.StringField())
    also_forbidden = fields.SetField(subfield=fields.StringField(), required=False)
    apart_from = fields.SetField(subfield=fields.StringField(), required=False)

    def problem_with(self, name: str) -> str | None:
        """As for the others; and what is left out is in the list."""
        problem = super().problem_with(name)
        if name != "apart_from" or problem:
            return problem
        unknown = stranger(self.option("apart_from"), BANNED)
        return f"{unknown} is not in the ban list, so that nothing forbids it. Remove it." if unknown else None

    def check(self, graph: "ImportGraph", verbose: bool) -> ContractCheck:
        """Called by import-linter, whose `forbidden` type does the search."""
        self.require_existing(graph)
        return self._forbidden().check(graph, verbose)

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Called by import-linter for a broken contract."""
        self._forbidden().render_broken_contract(check)
        self.print_guidance()

    def _forbidden(self) -> ForbiddenContract:
        refused = BANNED.union(self.option("also_forbidden")).difference(self.option("apart_from"))
        options = {"source_modules": list(self.option("modules")), "forbidden_modules": sorted(refused)}
        return ForbiddenContract(self.name, self.session_options, options)


def _members(graph: "ImportGraph", packages: Iterable[str]) -> Iterator[str]:
    for package in packages:
        yield package
        yield from graph.find_descendants(package)


def _illegal(graph: "ImportGraph", importer: str, imported: str) -> IllegalImport:
    details = graph.get_import_details(importer=importer, imported=imported)
    return IllegalImport(importer, imported, tuple(sorted({int(detail["line_number"]) for detail in details})))
