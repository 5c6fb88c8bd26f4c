"""A backlog that two hosts work off while they are killed in turn, at marks of progress."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import Final

from tests.chaos.backlog import Answers, Topics, Verdict, requests
from tests.chaos.hosts import Treatment
from tests.chaos.running import WAITING, Crew, Work, contract
from tools.services.kafka import Kafka

PARTITIONS: Final = 4
WINDOW: Final = 400
KEYS: Final = 48
SLOWEST_MS: Final = 200
KILLS: Final = (SIGKILL, SIGKILL, SIGTERM, SIGKILL, SIGTERM, SIGKILL, SIGKILL, SIGTERM, SIGKILL)
SLOW: Final = Treatment(publish_delay_s=1.0)


def survive(
    kafka: Kafka,
    folder: Path,
    treatment: Treatment,
    *,
    backlog: int,
    kills: Sequence[Signals],
    work: Work = WAITING,
    one_stays: bool = False,
) -> Verdict:
    """Two hosts work the backlog off; at each mark one of them is ended and replaced.

    one_stays: it is the same one each time, which had its share of the partitions, and the other takes all of them
    over before the next one comes: so partitions come back to a host that had them before.
    """
    topics = Topics.made(kafka.bootstrap_servers, PARTITIONS)
    asked = requests(backlog, KEYS, slowest_ms=SLOWEST_MS)
    topics.publish(asked)
    path = contract(folder, topics, window=WINDOW, work=work)
    with Crew(path, folder, treatment, 2) as crew, Answers(topics) as answers:
        for number, kill in enumerate(kills):
            mark = backlog * (2 * number + 1) // (2 * len(kills))
            if not answers.until_mark(mark, crew.alive):
                break
            if one_stays:
                crew.await_share(0, PARTITIONS // 2)
                code = crew.replace(0, kill, partial(crew.await_share, 1, PARTITIONS))
            else:
                code = crew.replace(number % 2, kill)
            print(f"{kill.name} at {answers.distinct} of {backlog} (mark {mark}): exit code {code}")
        answers.until_committed(crew.alive)
        assert crew.dismiss() == [0, 0]
        answers.take(1.0)
        verdict = answers.verdict(asked)
    print(verdict)
    return verdict
