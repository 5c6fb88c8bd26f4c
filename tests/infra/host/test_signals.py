"""Real signals, sent to real processes."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_infra.host.signals import stop_on_signals

PREAMBLE = """
import asyncio, os, signal, sys
from omnibase_infra.host.signals import on_hangup, stop_on_signals

def kill(number=signal.SIGTERM):
    os.kill(os.getpid(), number)

def abort():
    print("abort", flush=True)
    os._exit(9)

"""


def run(body: str) -> tuple[str, int]:
    """What a process that runs `body` in a coroutine prints, and its exit code."""
    program = (
        PREAMBLE + "async def main():\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\nasyncio.run(main())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - our own program
    assert "Traceback" not in done.stderr or "KeyboardInterrupt" in done.stderr, done.stderr
    return done.stdout, done.returncode


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_the_first_signal_stops_in_good_order(name: str) -> None:
    body = f"""
        stopped = asyncio.Event()
        with stop_on_signals(stopped.set, abort):
            kill(signal.{name})
            await stopped.wait()
        print("clean")
    """
    assert run(body) == ("clean\n", 0)


def test_a_signal_from_outside_wakes_an_idle_loop() -> None:
    body = """
        stopped = asyncio.Event()
        with stop_on_signals(stopped.set, abort):
            print("idle", flush=True)
            await stopped.wait()
        print("clean")
    """
    program = (
        PREAMBLE + "async def main():\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\nasyncio.run(main())"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        assert process.stdout is not None
        assert process.stdout.readline() == "idle\n"
        process.terminate()
        assert process.stdout.read() == "clean\n"
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("first", "second"), [("SIGTERM", "SIGTERM"), ("SIGTERM", "SIGINT"), ("SIGINT", "SIGTERM")]
)
def test_a_second_signal_of_either_kind_ends_at_once(first: str, second: str) -> None:
    body = f"""
        stopped = asyncio.Event()
        with stop_on_signals(stopped.set, abort):
            kill(signal.{first})
            await stopped.wait()
            print("draining", flush=True)
            kill(signal.{second})
            await asyncio.Event().wait()
    """
    assert run(body) == ("draining\nabort\n", 9)


def test_a_second_signal_ends_a_host_whose_loop_is_stuck() -> None:
    body = """
        with stop_on_signals(lambda: print("stop"), abort):
            kill()
            kill()
            while True:
                pass
    """
    assert run(body) == ("abort\n", 9)


def test_stop_and_abort_run_once_however_many_signals_come() -> None:
    body = """
        seen = []
        with stop_on_signals(lambda: seen.append("stop"), lambda: seen.append("abort")):
            for _ in range(5):
                kill()
                await asyncio.sleep(0)
        print(sorted(seen))
    """
    assert run(body) == ("['abort', 'stop']\n", 0)


def test_what_a_hangup_asks_for_is_done_before_the_stop_that_interrupts_it() -> None:
    body = """
        done = []
        stopped = asyncio.Event()

        def interrupt(frame, event, _):
            if event == "call" and frame.f_code.co_name == "on_signal":
                sys.setprofile(None)
                kill(signal.SIGTERM)

        with stop_on_signals(stopped.set, abort), on_hangup(lambda: done.append(stopped.is_set())):
            sys.setprofile(interrupt)
            kill(signal.SIGHUP)
            await stopped.wait()
            await asyncio.sleep(0)
        print(done)
    """
    assert run(body) == ("[False]\n", 0)


def test_what_abort_raises_ends_the_loop() -> None:
    body = """
        def interrupt():
            raise KeyboardInterrupt
        with stop_on_signals(lambda: None, interrupt):
            kill()
            kill()
            await asyncio.Event().wait()
    """
    assert run(body)[1] in (130, -signal.SIGINT)


def test_the_handlers_found_are_put_back_after_a_failure_too() -> None:
    body = """
        def mine(number, frame):
            print("mine", flush=True)
        signal.signal(signal.SIGTERM, mine)
        before = signal.getsignal(signal.SIGINT)
        try:
            with stop_on_signals(abort, abort):
                raise LookupError
        except LookupError:
            kill()
        print(signal.getsignal(signal.SIGINT) is before)
    """
    assert run(body) == ("mine\nTrue\n", 0)


def test_a_process_without_the_context_dies_of_the_signal_again() -> None:
    body = """
        with stop_on_signals(abort, abort):
            pass
        kill()
    """
    assert run(body) == ("", -signal.SIGTERM)


def test_a_final_context_leaves_later_signals_without_effect() -> None:
    body = """
        with stop_on_signals(abort, abort, final=True):
            pass
        kill()
        kill(signal.SIGINT)
        print("ended by itself")
    """
    assert run(body) == ("ended by itself\n", 0)


def test_outside_the_main_thread_it_says_so() -> None:
    errors: list[Exception] = []

    async def host() -> None:
        with stop_on_signals(lambda: None, lambda: None):
            pass

    def thread() -> None:
        try:
            asyncio.run(host())
        except ProtocolConfigurationError as error:
            errors.append(error)

    other = threading.Thread(target=thread)
    other.start()
    other.join()
    assert [str(error).partition(";")[0] for error in errors] == ["SIGTERM can be handled in the main thread only"]


def test_no_handler_is_left_behind_here() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def host() -> None:
        stopped = asyncio.Event()
        with stop_on_signals(stopped.set, lambda: os._exit(9)):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(stopped.wait(), 5)

    asyncio.run(host())
    assert signal.getsignal(signal.SIGTERM) is before
