"""The table of operations."""

import pytest
from omnibase_core import suggest
from omnibase_core.contracts.operations import operation_table, operation_type, operations_of
from omnibase_core.enums import EnumHandlerType


@pytest.mark.parametrize("name", operation_table())
def test_an_operation_is_of_the_type_that_its_name_starts_with(name: str) -> None:
    handler_type = operation_type(name)
    assert handler_type is not None
    assert name in operations_of(handler_type)


READ = ("headers", "params")
WRITE = (*READ, "body", "body_text", "body_base64", "content_type")
ANSWERED = ("status_code", "headers", "body", "body_type")


@pytest.mark.parametrize(
    ("name", "required", "optional", "result"),
    [
        *((f"http.{verb}", ("url",), READ, ANSWERED) for verb in ("get", "head", "delete")),
        *((f"http.{verb}", ("url",), WRITE, ANSWERED) for verb in ("post", "put", "patch")),
        *(
            (f"db.{verb}", ("sql",), ("parameters", "expect"), ("rows", "row_count"))
            for verb in ("query", "execute")
        ),
        ("db.transaction", ("statements",), ("isolation",), ("results",)),
        ("vault.get_secret", ("path",), ("version",), ("data", "version", "created_time")),
        ("vault.list_secrets", ("path",), (), ("keys",)),
        ("vault.set_secret", ("path", "data"), ("cas",), ("version",)),
        ("vault.delete_secret", ("path",), ("versions",), ("deleted",)),
        (
            "consul.register_service",
            ("name",),
            ("service_id", "address", "port", "tags", "meta", "check"),
            ("service_id",),
        ),
        ("consul.deregister_service", ("service_id",), (), ("deregistered",)),
        ("consul.get_service", ("name",), ("passing_only", "tag"), ("instances",)),
        ("consul.health_check_service", ("name",), (), ("status", "checks")),
        ("consul.list_services", (), (), ("services",)),
    ],
)
def test_an_operation_has_these_fields(
    name: str, required: tuple[str, ...], optional: tuple[str, ...], result: tuple[str, ...]
) -> None:
    operation = operation_table()[name]
    assert (operation.required, operation.optional, operation.result) == (required, optional, result)


@pytest.mark.parametrize("handler_type", EnumHandlerType)
def test_every_handler_type_has_operations(handler_type: EnumHandlerType) -> None:
    assert operations_of(handler_type)


@pytest.mark.parametrize("name", ["http", "", "kafka.send", ".get", "HTTP.get"])
def test_a_name_without_a_known_type_is_of_none(name: str) -> None:
    assert operation_type(name) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [("htp", "http"), ("HTTP", "http"), ("valut", "vault"), ("kafka", None), ("", None), ("x" * 10_000, None)],
)
def test_the_closest_name_is_suggested(written: str, meant: str | None) -> None:
    assert suggest.closest(written, ["http", "db", "vault", "consul"]) == meant


def test_a_long_list_of_names_is_cut() -> None:
    assert suggest.listed(f"n{i}" for i in range(25)).endswith("n19 and 5 more")
    assert suggest.listed([]) == "none"


@pytest.mark.parametrize(
    "name", ["http.post", "http.patch", "db.execute", "db.transaction", "vault.set_secret", "vault.delete_secret"]
)
def test_what_does_more_when_it_is_done_twice_is_not_repeatable(name: str) -> None:
    assert not operation_table()[name].repeatable


@pytest.mark.parametrize("name", ["http.get", "http.put", "http.delete", "db.query", "consul.register_service"])
def test_what_does_no_more_when_it_is_done_twice_is_repeatable(name: str) -> None:
    assert operation_table()[name].repeatable
