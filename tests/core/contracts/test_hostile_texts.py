"""Texts of any length and make: validating them takes time in proportion to their length, and no message repeats
what a terminal would act on."""

import json
import time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.contracts.literals import looks_secret, url_credentials
from omnibase_core.mapping.literals import literals_of
from omnibase_core.urls import UrlError, parse_private

from tests.core.contracts.contracts_on_hand import NODE, load, runtime_text

LENGTH: Final = 100_000
LIMIT_S: Final = 2.0  # of this process; in proportion it is some milliseconds, by the square it would be minutes
REPEATED: Final = (
    *("a", "a_", "a-", "a.", "é", "x://", "x://a:", ":", "@", ":@", "a:b@", "${", "${X:-", "$${", "${X}"),
    *("'", '"', "`", "{", "[", "(", "list[", "$$", "$a$", "/*", "\\", "%", " ", "\n", "0", "-----BEGIN "),
)


def spent(began: float) -> float:
    return time.process_time() - began


@pytest.mark.parametrize("repeated", REPEATED)
class TestALongText:
    def test_of_a_runtime_contract(self, repeated: str) -> None:
        text = json.dumps(repeated * (LENGTH // len(repeated)))
        began = time.process_time()
        load(runtime_text(handlers=f"[{{type: http, config: {{base_url: {text}, allow_private: [{text}]}}}}]"))
        assert spent(began) < LIMIT_S

    def test_of_a_node_contract(self, repeated: str) -> None:
        text = json.dumps(repeated * (LENGTH // len(repeated)))
        began = time.process_time()
        load(runtime_text(), {"nodes/fetch_user.yaml": NODE.replace('"ModelRequest"', text)})
        load(runtime_text(), {"nodes/fetch_user.yaml": f"{NODE}    request: {{url: {text}}}\n"})
        load(runtime_text(), {"nodes/fetch_user.yaml": f"{NODE}    let: {{a: {text}}}\n"})
        assert spent(began) < LIMIT_S


def test_a_long_host_name_is_refused_before_it_is_encoded() -> None:
    began = time.process_time()
    with pytest.raises(UrlError, match="malformed host"):
        parse_private("é" * LENGTH)
    assert spent(began) < LIMIT_S


def test_a_literal_of_many_keys_takes_its_time_once() -> None:
    text = "`{" + ", ".join(f'"key{number}": 1' for number in range(20_000)) + "}`"
    began = time.process_time()
    assert len(literals_of(text)[0]) == 20_000
    assert spent(began) < LIMIT_S


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("https://user:pw@example.com", True),
        ("see 1https://user:pw@example.com", True),
        ("https://user:${{input.password}}@example.com", False),
        ("https://${{input.user}}:pw@example.com", True),
        ("https://a:b:c@d@example.com", True),
        ("https://user:@example.com", False),
        ("https://user@example.com:80/a:b@c", False),
        ("https://example.com or https://:pw@example.com", True),
    ],
)
def test_a_password_in_a_url_is_found_unless_an_expression_gives_it(text: str, is_found: bool) -> None:
    assert bool(list(url_credentials(text))) is is_found
    assert looks_secret(text) or not is_found


INVISIBLE: Final = st.text(st.sampled_from("a\u202e\u2028\u200b\x00\x1b\x9b\ufeff\u0085"), min_size=1, max_size=12)


@given(name=INVISIBLE, place=st.sampled_from(["slug", "let", "model", "handler", "path", "key"]))
def test_no_message_has_a_character_that_a_terminal_acts_on_or_does_not_show(name: str, place: str) -> None:
    text = json.dumps(name)
    node = {
        "let": f"{NODE}    let: {{{text}: 1}}\n    response: {{body: '${{{{ let.a }}}}'}}\n",
        "model": NODE.replace('"ModelRequest"', text),
        "handler": f"{NODE}    handler: {text}\n",
        "key": f"{NODE}    request: {{{text}: 1}}\n",
    }.get(place, NODE)
    runtime = {
        "slug": runtime_text().replace('"fetch_user"', text),
        "path": runtime_text().replace('"fetch_user"', f'"fetch_user", contract: {text}'),
    }.get(place, runtime_text())
    for problem in load(runtime, {"nodes/fetch_user.yaml": node}).problems:
        assert f"{problem.message}{problem.hint}{problem.action}".isprintable()
