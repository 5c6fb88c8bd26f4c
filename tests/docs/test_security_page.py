"""docs/security.md: the kinds of special addresses, and an example of each, are the egress rules'."""

from ipaddress import ip_address

import pytest
from omnibase_core.errors import HandlerExecutionError
from omnibase_infra.transports.egress import Egress, kind_of

from tests.docs.tables import section, table

ROWS = [
    (kind, text)
    for kind, examples in table(section("security.md", "Where a host may connect to"))
    for text in examples.split(", ")
]


@pytest.mark.parametrize(("kind", "text"), ROWS)
def test_an_example_is_of_its_kind_and_refused_unless_listed(kind: str, text: str) -> None:
    assert kind_of(ip_address(text)) == kind
    with pytest.raises(HandlerExecutionError, match=kind):
        Egress("https://api.example.com").check_addresses("api.example.com", [text])
    Egress("https://api.example.com", allow_private=[text]).check_addresses("api.example.com", [text])


@pytest.mark.parametrize(("kind", "text"), [row for row in ROWS if "." in row[1] and ":" not in row[1]])
def test_a_name_under_allow_private_covers_what_the_page_says(kind: str, text: str) -> None:
    egress = Egress("https://api.example.com", allow_private=["api.example.com"])
    if kind in ("private", "shared", "loopback"):
        egress.check_addresses("api.example.com", [text])
    else:
        with pytest.raises(HandlerExecutionError, match=kind):
            egress.check_addresses("api.example.com", [text])


def test_a_metadata_address_is_not_covered_by_a_wider_network() -> None:
    egress = Egress("https://api.example.com", allow_private=["169.254.0.0/16"])
    with pytest.raises(HandlerExecutionError, match="metadata-service"):
        egress.check_addresses("api.example.com", ["169.254.169.254"])
