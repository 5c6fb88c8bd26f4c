"""The page of `onex-host dev` in a real browser: nodes are called on it, and a broken change is shown."""

from collections.abc import Iterator

import pytest

from tests.browser import browser, chromium, until
from tests.infra.cli.devhosts import PRICE, DevHost, project_in
from tests.webdriver import Browser

__all__ = ["browser", "chromium"]

EVERYTHING = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "all"
node_type: "COMPUTE"
description: "Gives back <b>what</b> it gets"
input_model:
  name: "ModelIn"
  fields:
    - {name: text, type: string}
    - {name: flag, type: boolean}
    - {name: whole, type: integer}
    - {name: exact, type: decimal, default: "7.50"}
    - {name: many, type: "list[ModelPart]"}
    - {name: left_out, type: string, required: false}
output_model: {name: "ModelOut", fields: [{name: got, type: any}]}
models: [{name: ModelPart, fields: [{name: size, type: integer}]}]
transform: {got: "${{ input }}"}
"""
PASSING = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "pass"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "url", type: "string"}]}
output_model: {name: "ModelOut", fields: [{name: "status_code", type: "integer"}]}
io_operations: [{type: "http", operations: ["http.get", "http.head"]}]
"""
RUNTIME = """\
runtime:
  name: "shop"
  version: "1.0.0"
  event_bus: {kind: "inmemory"}
  handlers: [{type: "http", retry_policy: {max_retries: 0}}]
  nodes: [{slug: "price"}, {slug: "all"}, {slug: "pass"}]
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevHost]:
    folder = project_in(tmp_path_factory.mktemp("project"), price=PRICE, all=EVERYTHING, **{"pass": PASSING})
    (folder / "runtime.yaml").write_text(RUNTIME)
    with DevHost(folder) as host:
        yield host


@pytest.fixture
def host(running: DevHost, browser: Browser) -> DevHost:
    """A dev host, its page in the browser."""
    browser.open(running.url)
    until(lambda: browser.count(".field"), "the form is there")
    return running


def choose(browser: Browser, control: str, value: str) -> None:
    """Chooses what has this value."""
    script = """
        const control = document.getElementById(arguments[0]);
        control.value = arguments[1];
        for (const name of ["input", "change"]) control.dispatchEvent(new Event(name, {bubbles: true}));
    """
    browser.run(script, control, value)


def write(browser: Browser, field: str, text: str) -> None:
    """Types a text in place of what stands in a field."""
    browser.run(
        "const field = document.getElementById(arguments[0]); field.focus(); field.select()", f"field-{field}"
    )
    browser.tell("Input.insertText", text=text)


def click(browser: Browser, selector: str) -> None:
    """Clicks."""
    browser.run("document.querySelector(arguments[0]).click()", selector)


def value(browser: Browser, field: str, attribute: str = "value") -> object:
    """What stands in a field."""
    return browser.run("return document.getElementById(arguments[0])[arguments[1]]", f"field-{field}", attribute)


def called(browser: Browser, outcome: str) -> str:
    """Calls, and gives what is shown when the outcome is this."""
    click(browser, "#call-send")
    until(lambda: outcome in browser.text("#call-outcome"), outcome)
    return browser.text("#call-readable").strip()


def test_a_node_is_called_with_what_is_typed(host: DevHost, browser: Browser) -> None:
    write(browser, "pieces", "4611686018427387903")
    assert called(browser, "price succeeded in") == "total: 9223372036854775806"
    click(browser, "#call-answer summary")
    assert '"total": 9223372036854775806' in browser.text("#call-envelope")
    assert (
        browser.text("#call-command")
        == f"onex-host call runtime.yaml price pieces=4611686018427387903 --dev --http {host.port}"
    )


def test_the_form_has_a_field_of_each_type_filled_in_with_what_fits(host: DevHost, browser: Browser) -> None:
    choose(browser, "call-node", "all")
    assert browser.text("#call-description") == "COMPUTE: Gives back <b>what</b> it gets"
    tags = {field: value(browser, field, "localName") for field in ("text", "flag", "many")}
    assert tags == {"text": "input", "flag": "select", "many": "textarea"}
    assert value(browser, "exact", "placeholder") == "7.50"
    write(browser, "text", "it's <i>x</i>")
    shown = "".join(called(browser, "all succeeded in").split())
    assert shown == ("""got:{"text":"it's<i>x</i>","flag":true,"whole":1,"exact":7.5,"many":[{"size":1}]}""")


def test_what_the_node_does_not_take_is_said_and_not_sent(host: DevHost, browser: Browser) -> None:
    write(browser, "pieces", "many")
    assert "'pieces' (integer) is written as JSON, such as 3; got 'many'" in called(browser, "not sent")


def test_a_node_that_passes_its_payload_on_takes_json_and_an_operation(host: DevHost, browser: Browser) -> None:
    choose(browser, "call-node", "pass")
    write(browser, "payload", '{"url": "http://127.0.0.1:1/"}')
    choose(browser, "call-operation", "http.head")
    assert "HANDLER_EXECUTION_ERROR" in called(browser, "pass failed in")
    click(browser, "#call-answer summary")
    assert '"operation": "http.head"' in browser.text("#call-envelope")


def test_an_answer_stays_while_the_page_renews_itself(host: DevHost, browser: Browser) -> None:
    called(browser, "price succeeded in")
    before = browser.text("#seen")
    until(lambda: browser.text("#seen") != before, "the page has renewed itself")
    assert "price succeeded in" in browser.text("#call-outcome")


def test_a_broken_change_is_shown_until_it_is_mended_and_what_was_typed_stays(
    host: DevHost, browser: Browser
) -> None:
    write(browser, "pieces", "21")
    host.replace("nodes/price.yaml", "input.pieces", "input.piece")
    until(lambda: browser.sees("#fault"), "the fault is shown")
    fault = browser.text("#fault")
    assert "The last change does not run; what ran before it runs on" in fault
    assert "File: nodes/price.yaml:12:29" in fault
    assert "12 |   total: ${{ multiply(input.piece, `2`) }}" in fault
    assert called(browser, "price succeeded in") == "total: 42"
    host.replace("nodes/price.yaml", "input.piece", "input.pieces")
    until(lambda: not browser.sees("#fault"), "the fault is gone")
    assert value(browser, "pieces") == "21"
