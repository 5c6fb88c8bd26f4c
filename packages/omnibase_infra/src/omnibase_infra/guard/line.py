"""Policies with their state: one line for a handler, and one for each node that overrides any of them."""

from collections.abc import Callable, Mapping
from typing import Final

from omnibase_core.contracts.bindings import ModelHandlerBinding, ModelHandlerPolicies
from omnibase_core.envelope import JsonObject
from omnibase_core.policy.breaker import Breaker
from omnibase_core.policy.bucket import TokenBucket
from omnibase_core.policy.retry import RetryBudget, RetrySchedule
from omnibase_core.verdict import EnumHappening, judge

from omnibase_infra.guard.gate import Gate

_SLACK_S: Final = 0.5


class Line:
    """What calls pass through on their way to a handler, and how many did what.

    slack_s: how much later than timeout_ms a call is cut off. gate, bucket and budget may be another line's too.

    Attributes: `policies`, `limit_s` (when a call is cut off), `retries`, `delayed` and `rate_limited` (calls
    that the rate limit let wait, and that it refused).
    """

    def __init__(
        self,
        policies: ModelHandlerPolicies,
        gate: Gate,
        bucket: TokenBucket | None,
        budget: RetryBudget,
        slack_s: float,
    ) -> None:
        retry = policies.retry_policy
        self.policies = policies
        self.gate = gate
        self.bucket = bucket
        self.budget = budget
        self.schedule = RetrySchedule(
            retry.max_retries, retry.backoff_strategy, retry.base_delay_ms / 1000, retry.max_delay_ms / 1000
        )
        self.pauses = judge(EnumHappening.BREAKER_OPEN, on_open=policies.on_open or "fail").settlement is None
        self.limit_s = policies.timeout_ms / 1000 + slack_s
        self.retries = 0
        self.delayed = 0
        self.rate_limited = 0

    def figures(self) -> JsonObject:
        """State and counts, for health_check."""
        return {
            **self.gate.figures(),
            "retries": self.retries,
            "delayed": self.delayed,
            "rate_limited": self.rate_limited,
        }


def longest_timeout_ms(binding: ModelHandlerPolicies, nodes: Mapping[str, ModelHandlerPolicies]) -> int:
    """The time that the handler itself has to allow, so that every node has its own."""
    return max(policies.timeout_ms for policies in (binding, *nodes.values()))


def lines_of(
    binding: ModelHandlerBinding, nodes: Mapping[str, ModelHandlerPolicies], chance: Callable[[], float]
) -> tuple[Line, Mapping[str, Line]]:
    """The handler's line, and those of the nodes by slug.

    A node has a breaker of its own where its `circuit_breaker` is another one, and a rate limit of its own where
    its rate is; it shares the handler's else, and always its budget of retries.
    """
    longest_ms = longest_timeout_ms(binding, nodes)
    shared = _line(binding, f"handler '{binding.name}'", longest_ms, chance)
    lines = {
        slug: _line(policies, f"handler '{binding.name}' for node '{slug}'", longest_ms, chance, (binding, shared))
        for slug, policies in nodes.items()
    }
    return shared, lines


def _line(
    policies: ModelHandlerPolicies,
    whose: str,
    longest_ms: int,
    chance: Callable[[], float],
    base: tuple[ModelHandlerPolicies, Line] | None = None,
) -> Line:
    of_handler, shared = (None, None) if base is None else base
    rate, breaker = policies.rate_limit_per_second, policies.circuit_breaker
    if shared is not None and of_handler is not None and breaker == of_handler.circuit_breaker:
        gate = shared.gate
    else:
        gate = Gate(Breaker(breaker.failure_threshold, breaker.open_ms / 1000, chance), whose)
    if shared is not None and of_handler is not None and rate == of_handler.rate_limit_per_second:
        bucket = shared.bucket
    else:
        bucket = None if rate is None else TokenBucket(rate)
    budget = RetryBudget() if shared is None else shared.budget
    return Line(policies, gate, bucket, budget, _SLACK_S if policies.timeout_ms == longest_ms else 0.0)
