"""What of a request may be shown: no secret, wherever it turns up."""

import json

from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.secret import REDACTED
from omnibase_infra.cli.redaction import Redaction
from pydantic import JsonValue

secrets = st.text("QXZ01/ &=#é漢", min_size=4, max_size=20)


@given(secrets, st.sampled_from(["password", "api_key", "x-token", "dsn"]))
def test_a_secret_by_name_is_hidden_with_every_copy_of_it(secret: str, name: str) -> None:
    shown = Redaction({"user": {name: secret}})
    made = shown(
        {"parameters": [secret, 7, None], "url": f"/a?q={secret}", "body": {"text": f"<{secret}>"}, name: 5}
    )
    assert secret not in json.dumps(made, ensure_ascii=False)
    assert shown({"n": 7, "x": [None, True, 1.5]}) == {"n": 7, "x": [None, True, 1.5]}


def test_all_below_a_secret_place_is_hidden() -> None:
    payload: JsonValue = {"credentials": {"user": "anna-maria", "pin": 1234}, "said": "anna-maria"}
    assert Redaction(payload)(payload) == {"credentials": REDACTED, "said": REDACTED}


def test_a_copy_that_is_escaped_for_a_url_is_hidden() -> None:
    assert Redaction({"token": "a/b c"}).text("https://h/x/a%2Fb%20c/y") == f"https://h/x/{REDACTED}/y"


def test_of_a_url_with_a_secret_query_the_rest_is_shown() -> None:
    assert Redaction({}).text("https://h/x?token=abcdef") == f"https://h/x?{REDACTED}"
    assert Redaction({}).text("https://user:abcdef@h/x") == REDACTED
    assert Redaction({}).text("Bearer abcdef") == REDACTED


def test_a_secret_of_less_than_four_characters_hides_nothing_but_its_like() -> None:
    assert Redaction({"password": "a"})(["a", "banana"]) == [REDACTED, "banana"]


def test_without_secrets_everything_is_shown() -> None:
    payload: JsonValue = {"items": [{"price": "19.90"}], "note": "what a password is"}
    assert Redaction(payload)(payload) == payload
