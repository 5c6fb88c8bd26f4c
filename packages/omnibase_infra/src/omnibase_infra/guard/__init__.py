"""What stands around a handler: rate limit, then retry( breaker( timeout( call ) ) ); and no raw exception passes.

The machines that decide are core's `policy`; here they are asked, waited for and performed.
"""

from omnibase_infra.guard.cutoff import CutOff
from omnibase_infra.guard.guard import Guard
from omnibase_infra.guard.line import longest_timeout_ms
from omnibase_infra.guard.waiting import DEADLINE, PLACE, Place, WithdrawnError

__all__ = ["DEADLINE", "PLACE", "CutOff", "Guard", "Place", "WithdrawnError", "longest_timeout_ms"]
