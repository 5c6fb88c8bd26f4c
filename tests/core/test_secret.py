"""Secrets: the text comes out of `reveal` and of nothing else."""

import copy
import json
import logging
import pickle
import pprint
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHttpConfig
from omnibase_core.secret import REDACTED, ModelSecretRef, Secret
from pydantic import TypeAdapter, ValidationError

CANARY: Final = "canary7f3a"
SECRET: Final = Secret(CANARY)


def refused(reference: object) -> str:
    with pytest.raises(ValidationError) as caught:
        ModelSecretRef.model_validate({"secret_ref": reference})
    return str(caught.value.errors(include_input=False)[0]["msg"])


class TestSecret:
    def test_reveal_gives_the_text(self) -> None:
        assert SECRET.reveal() == CANARY

    @pytest.mark.parametrize(
        "told",
        [
            repr(SECRET),
            str(SECRET),
            f"{SECRET}",
            f"{SECRET!r:>40}",
            f"{SECRET:>40}",
            f"{SECRET:s}",
            "{:x^20}".format(SECRET),  # noqa: UP032 - another way into __format__
            "%s %r" % (SECRET, SECRET),  # noqa: UP031 - another way into __str__
            pprint.pformat({"dsn": [SECRET]}),
            ascii(SECRET),
        ],
    )
    def test_no_text_made_of_it_holds_it(self, told: str) -> None:
        assert CANARY not in told
        assert REDACTED in told

    def test_its_length_does_not_show(self) -> None:
        assert repr(Secret("")) == repr(Secret("x" * 100))
        with pytest.raises(TypeError):
            len(SECRET)  # type: ignore[arg-type]  # that it has none is the point

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_it_is_not_pickled(self, protocol: int) -> None:
        with pytest.raises(TypeError, match="pass its reference"):
            pickle.dumps(SECRET, protocol)

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_it_is_not_copied(self, copied: Any) -> None:
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            copied([SECRET] if copied is copy.deepcopy else SECRET)

    def test_json_does_not_take_it(self) -> None:
        with pytest.raises(TypeError):
            json.dumps({"dsn": SECRET})
        assert json.dumps({"dsn": SECRET}, default=str) == f'{{"dsn": "{REDACTED}"}}'

    def test_it_has_no_dict_to_look_into(self) -> None:
        with pytest.raises(TypeError):
            vars(SECRET)

    def test_a_model_that_holds_it_does_not_show_it(self) -> None:
        config = ModelDbConfig(dsn=SECRET)
        assert config.model_dump() == {**config.model_dump(), "dsn": REDACTED}
        for told in (repr(config), str(config), config.model_dump_json(), str(config.model_dump())):
            assert CANARY not in told
        held = config.dsn
        assert isinstance(held, Secret)
        assert held.reveal() == CANARY

    def test_neither_does_a_type_adapter(self) -> None:
        assert TypeAdapter(dict[str, Secret]).dump_json({"a": SECRET}) == f'{{"a":"{REDACTED}"}}'.encode()

    def test_a_validation_error_about_its_neighbours_does_not_show_it(self) -> None:
        with pytest.raises(ValidationError) as caught:
            ModelHttpConfig(headers={"Authorization": SECRET}, max_redirects=-1)
        assert CANARY not in str(caught.value)
        with pytest.raises(ValidationError) as caught:
            ModelDbConfig.model_validate({"dsn": SECRET, "unknown": [SECRET]})
        assert CANARY not in str(caught.value)

    def test_a_log_line_does_not_show_it(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO):
            logging.getLogger("test").info("connecting with %s %r", SECRET, {"dsn": SECRET})
        assert CANARY not in caplog.text
        assert REDACTED in caplog.text

    def test_text_does_not_become_one_by_itself(self) -> None:
        with pytest.raises(ValidationError):
            TypeAdapter(Secret).validate_python(CANARY)

    def test_two_of_the_same_text_are_not_found_equal(self) -> None:
        assert Secret(CANARY) != Secret(CANARY)


class TestReferences:
    @pytest.mark.parametrize(
        ("written", "path", "key", "version"),
        [
            ("token", "token", None, None),
            ("orders/db_dsn", "orders/db_dsn", None, None),
            ("orders/db#dsn", "orders/db", "dsn", None),
            ("orders/db@3", "orders/db", None, 3),
            ("a.b-c/d_e#f.g-h@12", "a.b-c/d_e", "f.g-h", 12),
            ("...", "...", None, None),
        ],
    )
    def test_a_reference_is_a_path_a_key_and_a_version(
        self, written: str, path: str, key: str | None, version: int | None
    ) -> None:
        reference = ModelSecretRef(secret_ref=written)
        assert (reference.path, reference.key, reference.version) == (path, key, version)

    @pytest.mark.parametrize(
        "written",
        [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/./b",
            "a/..",
            "a#",
            "a@",
            "a@0",
            "a@01",
            "a@x",
            "a@1#b",
            "a#b#c",
            "a b",
            "a\n",
            "é",
            "${X}",
            "a\\b",
            f"postgresql://user:{CANARY}@host/db",
        ],
    )
    def test_anything_else_is_refused_and_not_repeated(self, written: str) -> None:
        message = refused(written)
        assert "path[#key][@version]" in message
        assert CANARY not in message

    @pytest.mark.parametrize("written", [None, 1, [], {"a": 1}, True])
    def test_a_reference_is_text(self, written: object) -> None:
        assert refused(written)

    @settings(deadline=None)
    @given(st.from_regex(r"[a-z._-]{1,4}(/[a-z._-]{1,4}){0,3}(#[a-z]{1,3})?(@[1-9][0-9]{0,3})?", fullmatch=True))
    def test_its_parts_make_it_again(self, written: str) -> None:
        if any(part in (".", "..") for part in written.partition("#")[0].partition("@")[0].split("/")):
            assert refused(written)
            return
        reference = ModelSecretRef(secret_ref=written)
        key = "" if reference.key is None else f"#{reference.key}"
        version = "" if reference.version is None else f"@{reference.version}"
        assert f"{reference.path}{key}{version}" == written

    def test_a_prefix_is_no_secret(self) -> None:
        assert ModelSecretRef(secret_ref="api/token", prefix="Bearer ").prefix == "Bearer "

    def test_it_is_closed_and_frozen(self) -> None:
        with pytest.raises(ValidationError):
            ModelSecretRef.model_validate({"secret_ref": "a", "value": "b"})
        with pytest.raises(ValidationError, match="frozen"):
            ModelSecretRef(secret_ref="a").secret_ref = "b"
