"""The console in a real browser: what a person sees, hears and reaches by keyboard."""

import json
from collections.abc import Iterator

import pytest
from omnibase_core.enums import EnumErrorCode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import HandlerConnectionError
from omnibase_core.secret import Secret
from omnibase_infra.admin.hints import HINTS
from omnibase_infra.host.process import HostParts

from tests.browser import Served, browser, chromium, in_scheme, served, sized, until
from tests.fakes.handlers import ScriptedHandler, handler_binding
from tests.fakes.hosts import COMPUTE, EFFECT, asking, doubled, parts
from tests.webdriver import Browser

__all__ = ["browser", "chromium"]

HOSTILE = "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>"
TOKEN = "a token of sixteen or more"


async def failing(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
    """A server that is down, and says so in HTML."""
    raise HandlerConnectionError(f"No connection; {HOSTILE}", operation=envelope.operation)


def two_nodes() -> HostParts:
    """One that doubles numbers, and one whose handler fails until its breaker opens at the third time."""
    policies = {"retry_policy": {"max_retries": 0}, "circuit_breaker": {"failure_threshold": 3}}
    handler = ScriptedHandler(perform=failing, name="http")
    return parts([(handler, handler_binding(name="http", policies=policies))], nodes=(EFFECT, COMPUTE))


@pytest.fixture
def shown(browser: Browser) -> Iterator[Served]:
    """The two nodes, with the console in the browser."""
    with served(two_nodes(), {"doubler": doubled}) as host:
        browser.open(host.url)
        until(lambda: browser.sees("#live"), "the page is alive")
        yield host


def send(host: Served, target: str, count: int) -> None:
    """Requests, one after the other, answered all of them."""

    async def sent() -> None:
        for number in range(count):
            await host.host.client.request(asking(number, target))

    host.do(sent())


def row(browser: Browser, table: str, name: str) -> list[str]:
    """The cells of a row, by its head."""
    found = browser.run(
        "return [...document.querySelectorAll(`#${arguments[0]} tr`)]"
        ".map((row) => [...row.children].map((cell) => cell.textContent))"
        ".find((cells) => cells[0] === arguments[1]) ?? []",
        table,
        name,
    )
    assert isinstance(found, list)
    return [str(cell) for cell in found]


def picture(browser: Browser) -> str:
    """The texts of the picture."""
    return str(browser.run("return document.querySelector('#picture svg').textContent"))


def heard(browser: Browser) -> Iterator[tuple[str, str]]:
    """Roles and names of what is there for a screen reader."""
    for node in json.loads(json.dumps(browser.tell("Accessibility.getFullAXTree")))["nodes"]:
        if not node.get("ignored"):
            yield node.get("role", {}).get("value", ""), node.get("name", {}).get("value", "")


def test_requests_show_without_a_reload(shown: Served, browser: Browser) -> None:
    send(shown, "doubler", 7)
    until(lambda: row(browser, "nodes", "doubler")[6:] == ["7", "0"], "seven requests are shown")
    assert "doubler" in picture(browser)
    frontier = row(browser, "partitions", f"{shown.host.made_of.binding.topics.input}-0")
    assert (frontier[1], frontier[-1]) == ("7", "consuming")


def test_a_failure_is_shown_with_what_to_do_and_its_message_is_text(shown: Served, browser: Browser) -> None:
    send(shown, "pages", 2)
    told = until(lambda: browser.text("#failures"), "failures are shown")
    assert HINTS[EnumErrorCode.HANDLER_CONNECTION_ERROR] in told
    assert str(asking(1).correlation_id) in told
    assert HOSTILE in told
    assert "2 times" in told
    assert browser.count("img, #failures script") == 0
    assert "taken" not in str(browser.run("return document.title"))


def test_an_open_breaker_is_told_where_it_is_and_first_of_all(shown: Served, browser: Browser) -> None:
    assert "Nothing" in browser.text("#calm")
    send(shown, "pages", 3)
    told = until(lambda: browser.text("#attention"), "something needs attention")
    assert "circuit breaker of handler http is open" in told
    assert "Do: Look at the server behind http" in told
    assert row(browser, "handlers", "http")[2].startswith("open, probe in")
    until(lambda: "breaker" in browser.text("#news"), "it is said aloud")


def test_a_host_that_is_gone_is_not_shown_as_alive(shown: Served, browser: Browser) -> None:
    shown.do(shown.down())
    until(lambda: browser.sees("#connection"), "the page says that there is no connection")
    assert browser.text("#connection").startswith("No connection since ")
    assert browser.text("#phase") == "no connection"
    assert browser.count("body.stale") == 1
    shown.do(shown.up())
    until(lambda: not browser.sees("#connection"), "the connection is back")
    assert "Connected again" in browser.text("#news")
    assert browser.text("#phase") == "ready"


def test_the_token_is_asked_for_and_opens_the_page(browser: Browser) -> None:
    async def find() -> Secret:
        return Secret(TOKEN)

    with served(two_nodes(), {"doubler": doubled}, find) as host:
        wrong = host.url.replace("//", "//anybody:wrong@")
        right = host.url.replace("//", f"//anybody:{TOKEN.replace(' ', '%20')}@")
        browser.open(wrong)
        assert "onex console" not in str(browser.run("return document.title"))
        browser.open(right)
        until(lambda: browser.sees("#live"), "the page is alive")


def test_without_scripts_there_is_the_state_of_the_moment(browser: Browser) -> None:
    with served(two_nodes(), {"doubler": doubled}) as host:
        send(host, "pages", 3)
        browser.tell("Emulation.setScriptExecutionDisabled", value=True)
        try:
            browser.open(host.url)
            told = "\n".join(name for _, name in heard(browser))
        finally:
            browser.tell("Emulation.setScriptExecutionDisabled", value=False)
    assert "test_host: ready" in told
    assert "The circuit breaker of handler http is open" in told
    assert HOSTILE in told


_CONTRASTS = """
const light = (color) => {
  const [r, g, b] = color.match(/[\\d.]+/g).map((part) => part / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if (!/, 0\\)$/.test(color)) return color;
  }
  return "rgb(255, 255, 255)";
};
return [...document.querySelectorAll("main *, header *")]
  .filter((node) => !node.closest("svg") && node.checkVisibility())
  .filter((node) => [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim()))
  .map((node) => {
    const both = [light(getComputedStyle(node).color), light(ground(node))];
    const [a, b] = both.sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), node.outerHTML.slice(0, 80)];
  }).filter(([contrast]) => contrast < 4.5);
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_light_and_dark(scheme: str, shown: Served, browser: Browser) -> None:
    in_scheme(browser, scheme)
    send(shown, "pages", 3)
    until(lambda: browser.text("#attention"), "something needs attention")
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(18, 22, 26)") == (scheme == "dark")
    assert browser.run(_CONTRASTS) == []


def test_everything_is_reached_by_keyboard_and_focus_is_seen(shown: Served, browser: Browser) -> None:
    send(shown, "pages", 1)
    until(lambda: browser.text("#failures"), "a failure is shown")
    reached = []
    for _ in range(20):
        browser.tell("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        told = browser.run(
            "const at = document.activeElement, style = getComputedStyle(at);"
            "return [at.className || at.id || at.tagName, style.outlineStyle, parseFloat(style.outlineWidth)]"
        )
        assert isinstance(told, list)
        assert told[1] == "solid", told
        assert told[2] == 3, told
        reached.append(str(told[0]))
        if reached[-1] == "SUMMARY" and reached.count("SUMMARY") == 2:
            break
    assert reached[0] == "skip"
    assert reached.count("A") == 6
    assert {"filter", "scroll"} <= set(reached)
    assert reached.count("SUMMARY") == 2


def test_what_a_screen_reader_hears_has_places_and_names(shown: Served, browser: Browser) -> None:
    send(shown, "doubler", 1)
    named: dict[str, list[str]] = {}
    for role, name in heard(browser):
        named.setdefault(role, []).append(name)
    for role in ("banner", "main", "navigation", "contentinfo"):
        assert len(named.get(role, [])) == 1, role
    for role in ("region", "table", "image", "searchbox", "columnheader", "rowheader", "heading", "link"):
        assert named.get(role), role
        assert all(named[role]), (role, named[role])
    assert {"Bus, nodes, handlers", "Partitions", "Nodes", "Handlers", "Last failures"} <= set(named["region"])


def test_a_telephone_scrolls_down_and_not_sideways(shown: Served, browser: Browser) -> None:
    sized(browser, 360, 740, mobile=True)
    browser.open(shown.url)
    until(lambda: browser.count("#picture svg"), "the picture is drawn")
    assert browser.run("return [document.documentElement.scrollWidth, innerWidth]") == [360, 360]


def test_of_many_nodes_the_busy_ones_are_drawn_and_all_are_listed(browser: Browser) -> None:
    nodes = [COMPUTE.model_copy(update={"name": f"node_{number}"}) for number in range(300)]
    functions = {node.name: doubled for node in nodes}
    with served(parts([], nodes=nodes), functions) as host:
        browser.open(host.url)
        send(host, "node_250", 5)
        until(lambda: row(browser, "nodes", "node_250")[6:] == ["5", "5"], "the busy one is counted")
        assert browser.count("#nodes tr") == 300
        until(lambda: "node_250" in picture(browser), "the busy one is drawn")
        assert browser.count("#picture .box") < 30
        browser.run("document.getElementById('filter').focus()")
        browser.tell("Input.insertText", text="node_29")
        until(lambda: browser.count("#nodes tr") == 11, "the table is filtered")
