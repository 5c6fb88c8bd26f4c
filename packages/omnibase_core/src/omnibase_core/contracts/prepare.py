"""Makes a parsed runtime contract, or a config_ref file, ready to be checked.

Literal secrets are found before variables are expanded and again in what they expand to. A blanked secret
or an unset variable leaves a stand-in whose faults are nobody's mistake.
"""

from collections.abc import Mapping

from omnibase_core import suggest
from omnibase_core.contracts.expand import expand
from omnibase_core.contracts.findings import ContractFile, Findings, Origin, Refusal, Severity, dotted, value_at
from omnibase_core.contracts.literals import is_reference, is_secret_place, literal_secrets, looks_secret
from omnibase_core.contracts.source import Path, YamlDocument, YamlValue
from omnibase_core.errors import shown


def prepare(
    document: YamlDocument,
    environment: Mapping[str, str] | None,
    findings: Findings,
    *,
    tolerant: bool = False,
    unused: Path = (),
) -> ContractFile:
    """The file with its variables expanded; an unset one is a warning without an environment, or if `tolerant`.

    unused: a part that nobody reads, where an unset variable is nothing to speak of.
    """
    file = ContractFile(document, document.value)
    for path in literal_secrets(document.value):
        refuse_literal(Origin(file, path), findings)
    unset: Severity = "warning" if environment is None or tolerant else "error"
    file.value = _Expander(file, environment or {}, unset, findings, unused).expand(document.value, ())
    return file


def refuse_literal(origin: Origin, findings: Findings) -> None:
    """Reports a literal secret by its place."""
    origin.file.unchecked.add(origin.path)
    if (misspelt := _misspelt_reference(origin)) is not None:
        refusal = Refusal(
            f"Unknown field '{shown(misspelt)}' in {dotted(origin.path)}",
            "Did you mean 'secret_ref'? It is the only form that a secret field takes",
            "Correct the name",
        )
        findings.add(Origin(origin.file, (*origin.path, misspelt)), refusal, at_key=True)
        return
    way_out = "Take the credential out"
    if is_secret_place(origin.path):
        way_out = f'Write {dotted(origin.path[-1:])}: {{secret_ref: "path#key"}}'
    findings.add(
        origin,
        Refusal(
            f"Literal secret in {dotted(origin.path)}",
            "A contract names secrets and holds none: a secret field takes a secret_ref, no text, no ${VARIABLE}",
            f"{way_out}, and change the secret if others could read it",
        ),
    )


def _misspelt_reference(origin: Origin) -> str | None:
    """The key of a mapping that was probably meant as a secret_ref."""
    value = value_at(origin.file.document.value, origin.path)
    keys = value if isinstance(value, dict) else ()
    return next((key for key in keys if suggest.closest(key, ["secret_ref"])), None)


class _Expander:
    def __init__(
        self,
        file: ContractFile,
        environment: Mapping[str, str],
        unset: Severity,
        findings: Findings,
        unused: Path,
    ) -> None:
        self._unused = unused
        self._file = file
        self._environment = environment
        self._unset = unset
        self._findings = findings

    def expand(self, value: YamlValue, path: Path) -> YamlValue:
        if path in self._file.unchecked:
            return ""
        if isinstance(value, dict) and not is_reference(value):
            return {key: self.expand(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.expand(item, (*path, index)) for index, item in enumerate(value)]
        return self._text(value, path) if isinstance(value, str) and "${" in value else value

    def _text(self, text: str, path: Path) -> str:
        origin = Origin(self._file, path)
        expansion = expand(text, self._environment)
        for fault in expansion.faults:
            self._add(
                origin,
                f"{fault} in {dotted(path)}",
                "Variables are written ${NAME} or ${NAME:-default}; a literal '${' is written '$${'",
                "Correct the variable",
            )
        is_unused = bool(self._unused) and path[: len(self._unused)] == self._unused
        for name in () if is_unused else expansion.unset:
            self._findings.add(
                origin,
                Refusal(
                    f"Environment variable {name} is not set",
                    f"{dotted(path)} needs it",
                    f"Set {name}, or give a default: ${{{name}:-value}}",
                ),
                severity=self._unset,
            )
        if expansion.unset or expansion.faults:
            self._file.unchecked.add(path)
        elif looks_secret(expansion.text):
            refuse_literal(origin, self._findings)
            return ""
        if expansion.variables:
            self._file.variables[path] = expansion.variables
        return expansion.text

    def _add(self, origin: Origin, message: str, hint: str, action: str) -> None:
        self._findings.add(origin, Refusal(message, hint, action))
