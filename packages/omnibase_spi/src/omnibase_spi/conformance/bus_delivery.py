"""What comes in: paused and resumed, settled once, and the frontier that follows."""

from collections.abc import Sequence

from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.enums import EnumSettlement

from omnibase_spi.conformance.promise import promised, quiet
from omnibase_spi.conformance.stand import BusMaker, running
from omnibase_spi.event_bus import Delivery


async def check_pause_holds_and_resume_lets_go(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """After `pause` at most the batch that is under way arrives; `resume` brings the rest, in order and once."""
    async with running(make, binding) as stand:
        paused_at = list[int]()

        def pause(batch: Sequence[Delivery]) -> None:
            if not paused_at:
                stand.bus.pause(frozenset(delivery.source for delivery in batch))
                paused_at.append(len(stand.subscriber.batches))

        stand.subscriber.on_batch = pause
        stand.receipts.publish([stand.message(number) for number in range(150)])
        await stand.subscriber.watch.until(lambda: bool(paused_at), "what is published must be delivered")
        await quiet()
        before = len(stand.subscriber.batches)
        promised(before - paused_at[0] <= 1, "after pause at most the batch that is under way may arrive")
        source = stand.subscriber.deliveries[0].source
        promised(stand.progress(source).paused, "frontier() must say that a stream is paused")
        stand.receipts.publish([stand.message(number) for number in range(150, 200)])
        await quiet()
        promised(len(stand.subscriber.batches) == before, "nothing more may arrive while a stream is paused")
        stand.bus.resume(frozenset({source}))
        came = [int(delivery.value) for delivery in await stand.subscriber.has(200)]
        promised(came == list(range(200)), "after resume everything must arrive, in order and once")
        await stand.receipts.all_told(200)


async def check_settle_counts_once(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """`settle` says True for an outcome that it records, and False for one that it has."""
    outcomes = (EnumSettlement.DONE, EnumSettlement.DEAD_LETTERED, EnumSettlement.SKIPPED)
    async with running(make, binding) as stand:
        deliveries = await stand.delivered(len(outcomes))
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            promised(stand.bus.settle(delivery, outcome), f"settle must record {outcome.name}, and say True")
            promised(not stand.bus.settle(delivery, outcome), "a delivery is settled once; then settle says False")
        progress = stand.progress(deliveries[-1].source)
        promised(progress.next_position > deliveries[-1].position, "whatever is settled must move the frontier")


async def check_released_holds_the_frontier(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """RELEASED never moves the frontier, whatever is settled behind it."""
    async with running(make, binding) as stand:
        first, second = await stand.delivered(2)
        stand.bus.settle(first, EnumSettlement.RELEASED)
        stand.bus.settle(second, EnumSettlement.DONE)
        progress = stand.progress(first.source)
        promised(progress.next_position <= first.position, "a released delivery must hold the frontier")


async def check_the_frontier_is_contiguous(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """The frontier stands before the first delivery that is not settled, and its figures say what waits."""
    async with running(make, binding) as stand:
        deliveries = await stand.delivered(4)
        source = deliveries[0].source
        for settled in (2, 1):
            stand.bus.settle(deliveries[settled], EnumSettlement.DONE)
            promised(
                stand.progress(source).next_position <= deliveries[0].position,
                "the frontier must not pass a delivery that is not settled",
            )
        progress = stand.progress(source)
        promised(progress.holes == 2, "frontier() must count what is settled and waits as holes")
        promised(progress.outstanding == 2, "frontier() must count what is not settled as outstanding")
        promised(
            progress.oldest_outstanding == deliveries[0].position,
            "frontier() must name the position that holds it as oldest_outstanding",
        )
        stand.bus.settle(deliveries[0], EnumSettlement.DONE)
        progress = stand.progress(source)
        promised(
            deliveries[2].position < progress.next_position <= deliveries[3].position,
            "the frontier must move on to the next delivery that is not settled",
        )
        await stand.bus.flush()


async def check_another_epoch_changes_nothing(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """A delivery of another epoch is settled in vain: `settle` says False, and the frontier stays."""
    async with running(make, binding) as stand:
        (delivery,) = await stand.delivered(1)
        older = delivery.source._replace(epoch=delivery.source.epoch - 1)
        stranger = delivery.source._replace(topic="onex.conformance.nobody.cmd.v1")
        for source in (older, stranger):
            changed = stand.bus.settle(delivery._replace(source=source), EnumSettlement.DONE)
            promised(not changed, "settle must say False for a delivery of another epoch or topic")
            stand.bus.pause(frozenset({source}))
            stand.bus.resume(frozenset({source}))
        progress = stand.progress(delivery.source)
        promised(progress.next_position <= delivery.position, "another epoch must not move the frontier")


async def check_stop_consuming_stops_deliveries_alone(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """After `stop_consuming` nothing is delivered; publishing and settling go on."""
    async with running(make, binding) as stand:
        (delivery,) = await stand.delivered(1)
        stand.bus.stop_consuming()
        stand.bus.stop_consuming()
        await stand.receipts.safe([stand.message(1)])
        await quiet()
        promised(len(stand.subscriber.deliveries) == 1, "nothing may be delivered after stop_consuming")
        promised(stand.bus.settle(delivery, EnumSettlement.DONE), "settle must go on working after stop_consuming")
        await stand.bus.flush()
        progress = stand.progress(delivery.source)
        promised(progress.next_position > delivery.position, "progress must go on after stop_consuming")
