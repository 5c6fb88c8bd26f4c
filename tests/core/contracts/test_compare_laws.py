"""What holds for any two contracts that are compared."""

from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.contracts.compare import compare, read_side
from omnibase_core.contracts.compare_models import compare_records
from omnibase_core.contracts.fields import (
    CompiledModel,
    FieldMismatchError,
    ModelDeclaredModel,
    ModelField,
    compile_models,
)
from omnibase_core.envelope import JsonObject
from pydantic import JsonValue

from tests.core.contracts.contracts_on_hand import reader_of

_SAMPLES: dict[str, st.SearchStrategy[JsonValue]] = {
    "string": st.sampled_from(["", "text", "2026-01-31"]),
    "boolean": st.booleans(),
    "integer": st.integers(-5, 5),
    "number": st.sampled_from([1, 2.5]),
    "decimal": st.sampled_from([1, "2.50"]),
    "uuid": st.just("0e8b3c1a-5d2f-4b7e-9c6a-1f2e3d4c5b6a"),
    "date": st.just("2026-01-31"),
    "datetime": st.just("2026-01-31T12:00:00Z"),
    "object": st.sampled_from([{}, {"a": 1}]),
    "any": st.sampled_from([1, "x", [True], {"k": None}]),
}
_LEAVES = (*_SAMPLES, "Inner")
types = st.tuples(st.sampled_from(["{}", "{}", "list[{}]", "map[{}]"]), st.sampled_from(_LEAVES)).map(
    lambda parts: parts[0].format(parts[1])
)


@st.composite
def models(draw: st.DrawFn, name: str, *, inner: bool = False) -> ModelDeclaredModel:
    of = st.sampled_from(tuple(_SAMPLES)) if inner else types
    fields = [
        ModelField(name=field, type=draw(of), required=draw(st.booleans()))
        for field in draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
    ]
    return ModelDeclaredModel(name=name, fields=tuple(fields))


@st.composite
def compiled(draw: st.DrawFn) -> CompiledModel:
    declared = [draw(models("Outer")), draw(models("Inner", inner=True))]
    return compile_models(declared)["Outer"]


def values(draw: st.DrawFn, type_: str, inner: CompiledModel | None) -> JsonValue:
    if type_.startswith("list["):
        return [values(draw, type_[5:-1], inner) for _ in range(draw(st.integers(0, 2)))]
    if type_.startswith("map["):
        return {key: values(draw, type_[4:-1], inner) for key in draw(st.sampled_from(["", "k", "kl"]))}
    if type_ == "Inner":
        assert inner is not None
        return payload(draw, inner, None)
    return draw(_SAMPLES[type_])


def payload(draw: st.DrawFn, model: CompiledModel, inner: CompiledModel | None) -> JsonObject:
    """Anything that the model takes: optional fields there, null or absent."""
    made: JsonObject = {}
    for name, field in model.fields.items():
        form = "given" if field.required else draw(st.sampled_from(["given", "null", "absent"]))
        if form != "absent":
            made[name] = None if form == "null" else values(draw, field.type, inner)
    return made


def inner_of(model: CompiledModel) -> CompiledModel | None:
    record = model.record.records.get("Inner")
    if record is None:
        return None
    fields = tuple(
        ModelField(name=slot.name, type=slot.type.name, required=slot.required) for slot in record.slots.values()
    )
    return CompiledModel(ModelDeclaredModel(name="Inner", fields=fields), record)


def takes(model: CompiledModel, sent: JsonObject) -> bool:
    try:
        model.check(sent)
    except FieldMismatchError:
        return False
    return True


@settings(max_examples=400)
@given(old=compiled(), new=compiled(), data=st.data())
def test_an_input_whose_changes_are_all_compatible_takes_whatever_it_took(
    old: CompiledModel, new: CompiledModel, data: st.DataObject
) -> None:
    changes = list(compare_records(old.record, new.record, "input"))
    sent = data.draw(st.composite(lambda draw: payload(draw, old, inner_of(old)))())
    assert takes(old, sent)
    if all(change.verdict == "compatible" for change in changes):
        assert takes(new, sent)


@settings(max_examples=400)
@given(old=compiled(), new=compiled(), data=st.data())
def test_an_output_whose_changes_are_all_compatible_yields_only_what_it_yielded_and_more_fields(
    old: CompiledModel, new: CompiledModel, data: st.DataObject
) -> None:
    changes = list(compare_records(old.record, new.record, "output"))
    answered = new.check(data.draw(st.composite(lambda draw: payload(draw, new, inner_of(new)))()))
    if all(change.verdict == "compatible" and change.change == "changed" for change in changes):
        assert takes(old, answered)


def contract(outer: ModelDeclaredModel, inner: ModelDeclaredModel, output: ModelDeclaredModel) -> str:
    parts = {"models": [inner], "input_model": outer, "output_model": output}
    lines = ['{node_version: "1.0.0", name: "n", node_type: "COMPUTE"']
    for key, part in parts.items():
        shown = part.model_dump_json() if isinstance(part, ModelDeclaredModel) else f"[{inner.model_dump_json()}]"
        lines.append(f"{key}: {shown}")
    return ",\n ".join(lines).replace('"default":null,', "") + "}\n"


contracts = st.builds(contract, models("Outer"), models("Inner", inner=True), models("Answer"))
_TURNED = {"added": "removed", "removed": "added", "changed": "changed"}


@settings(max_examples=150)
@given(contracts)
def test_a_contract_has_no_changes_to_itself(text: str) -> None:
    read = reader_of({"a.yaml": text, "b.yaml": text})
    assert compare(read_side("a.yaml", read), read_side("b.yaml", read)) == ()


@settings(max_examples=150)
@given(contracts, contracts)
def test_swapping_the_sides_turns_additions_into_removals_and_places_around(old: str, new: str) -> None:
    read = reader_of({"a.yaml": old, "b.yaml": new})
    a, b = read_side("a.yaml", read), read_side("b.yaml", read)
    there = {(c.subject, c.change, str(c.old), str(c.new)) for c in compare(a, b)}
    back = {(c.subject, _TURNED[c.change], str(c.new), str(c.old)) for c in compare(b, a)}
    assert there == back
