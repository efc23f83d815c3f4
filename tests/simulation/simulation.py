"""One run: a seed draws what people, platforms, network, machine and clock do, and the judge looks after each step."""

from __future__ import annotations

import logging
import random
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.test import RequestFactory, override_settings

from accounts.access import all_merchants, merchant_rows
from connectors import webhooks
from connectors.machine import Machine, running_on
from connectors.models import ConnectedStore, StoreState
from orders import attention, draining, lanes, tasks
from orders.models import Attention, Order
from tests.simulation.judge import MOST_SKEW, Bought, Judge, require
from tests.simulation.network import Network
from tests.simulation.people import People
from tests.simulation.post import Letter, Post
from tests.simulation.processes import Process, this_process
from tests.simulation.stage import Stage

STEPS = 24
ROUNDS = 12
MOST_WAITS = 40
# No button tries these again: a person mends them elsewhere.
UNANSWERED = (Attention.ALREADY_CANCELLED, Attention.TRACKING_EDIT_SPENT)
WIX_SIGNS_FOR = 3590.0  # seconds
SHORT, LONG = (0.0, 3.0), (20.0, 400.0)


class Errors(logging.Handler):
    """What the product calls an error of its own, of a process that still lives."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self.say, self.found = say, ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it for the judge."""
        process = this_process()
        if process is None or not process.is_dead:
            self.found = f"{record.getMessage()}: {record.exc_info[1]!r}" if record.exc_info else record.getMessage()
            self.say(self.found)
            if record.exc_info:
                self.say("".join(traceback.format_exception(*record.exc_info)))


class Simulation:
    """Everything that happens is drawn from the seed. `trace` is what happened, one line each."""

    def __init__(self, *, seed: int, stage: Stage) -> None:
        stage.reset()
        self.stage, self.world = stage, stage.world
        self.random = random.Random(seed)
        draw = self.random
        self.trace: list[str] = []
        self.began = self.world.now()
        self.skew = 0.0
        self.crash_rate = draw.choice([0.0, 0.003, 0.012])
        self.stop_rate = draw.choice([0.0, 0.004, 0.012])
        self.post = Post(self.world, random=draw, lost=draw.choice([0.0, 0.1, 0.5, 1.0]))
        self.world.outgoing = self.post
        self.bought: dict[str, Bought] = {}
        self.judge = Judge(stage, self.bought)
        fault_rate = draw.choice([0.0, 0.05, 0.2])
        self.network = Network(
            app=stage.app, random=draw, say=self.say, on_create=self.judge.on_create, fault_rate=fault_rate
        )
        self.people = People(stage=stage, random=draw, bought=self.bought, say=self.say)
        self.poll_seconds = draw.choice([120, 1800, 3600, 7200])
        self.idle: list[Process] = []
        self.stopped: list[tuple[float, Process]] = []
        self.made: list[Process] = []
        self.errors = Errors(self.say)

    @property
    def days(self) -> float:
        """How long it was, in its own time."""
        return (self.world.now() - self.began) / 86_400

    # Clock

    def now(self) -> datetime:
        """The product's clock: the world's, and a little beside it."""
        moment = self.world.now() + self.skew
        self.stage.traveller.move_to(moment)
        return datetime.fromtimestamp(moment, UTC)

    def wait(self, seconds: float) -> None:
        """Time passes for all."""
        self.network.pass_time(seconds)
        self.now()

    def say(self, text: str) -> None:
        """One line of the trace."""
        self.trace.append(f"{self.world.now() - self.began:10.2f} {text}")

    # Processes

    def run_process(self, name: str, job: Callable[[], Any]) -> Process:
        """A process does its job, or dies, or stops on the way."""
        process = self.idle.pop() if self.idle else Process("process", on_point=self.on_point)
        if process not in self.made:
            self.made.append(process)
        process.name = name
        process.run(job)
        self._file(process)
        return process

    def _file(self, process: Process) -> None:
        if process.is_stopped:
            first, last = self.random.choice([SHORT, SHORT, LONG])
            self.stopped.append((self.world.now() + self.random.uniform(first, last), process))
        else:
            self.idle.append(process)

    def on_point(self, process: Process, point: str, may_stop: bool) -> str:
        """What happens to this process at this point."""
        drawn = self.random.random()
        if drawn < self.crash_rate:
            self.say(f"{process.name} is killed {point}")
            return "crash"
        if may_stop and drawn > 1 - self.stop_rate and len(self.stopped) < 6:
            self.say(f"{process.name} is stopped {point}")
            return "stop"
        return "on"

    def resume(self, *, all_of_them: bool = False) -> bool:
        """Those whose time has come go on. Whether there were any."""
        due = [each for each in self.stopped if all_of_them or each[0] <= self.world.now()]
        for entry in due:
            self.stopped.remove(entry)
            self.say(f"{entry[1].name} goes on")
            entry[1].go_on()
            self._file(entry[1])
        return bool(due)

    # The product

    def look(self) -> None:
        """The judge does, and nothing was an error of ours."""
        self.judge.after_step()
        require(not self.errors.found, self.errors.found)

    def work(self) -> None:
        """Webhooks come in, lanes are drained, until nothing is due."""
        for _ in range(ROUNDS):
            is_busy = self.post.deliver(self._receive) > 0
            woken = self._woken()
            for store_id, fence in woken:
                self.run_process(f"lane {store_id}/{fence}", lambda s=store_id, f=fence: self._drain(s, f))
            is_busy |= self.resume()
            self.look()
            self.wait(0.25)
            if not is_busy and not woken:
                return

    def _woken(self) -> list[tuple[int, int]]:
        woken: list[tuple[int, int]] = []
        lanes.dispatch(now=self.now(), wake=woken.extend)
        woken.sort()  # the database says them in any order
        self.random.shuffle(woken)
        return woken

    def _drain(self, store_id: int, fence: int) -> None:
        draining.drain(store_id=store_id, fence=fence, clock=self.now)

    def _receive(self, letter: Letter) -> bool:
        request = RequestFactory().generic(
            "POST",
            f"/webhooks/{letter.platform}/",
            letter.body,
            headers=letter.headers,
            content_type="application/json",
        )
        self.now()
        process = self.run_process("web", lambda: webhooks.receive(request, letter.platform).status_code)
        if process.is_stopped or process.is_dead:
            return False  # no answer comes in time
        has_lapsed = letter.platform == "wix" and self.world.now() - letter.sent_at > WIX_SIGNS_FOR
        is_right = process.result in (200, 503) or has_lapsed
        require(is_right, f"a webhook of {letter.platform} was answered {process.result}")
        return bool(process.result == 200)

    # The run

    @contextmanager
    def on_machine(self) -> Iterator[None]:
        """All that runs here has the simulation's clocks and network; in the end every process is ended."""
        machine = Machine(
            wall=lambda: self.world.now() + self.skew,
            steady=self.world.now,
            sleep=self.wait,
            exchange=self.network.exchange,
        )
        logger = logging.getLogger()
        logger.addHandler(self.errors)
        try:
            with running_on(machine), override_settings(POLL_SECONDS=self.poll_seconds):
                yield
        finally:
            logger.removeHandler(self.errors)
            for process in self.made:
                process.end()

    def run(self) -> None:
        """Raises judge.Broken, or whatever the product raises that it should not."""
        with self.on_machine():
            for _ in range(STEPS):
                self._step()
            self._end()

    def history(self, text: str) -> str:
        """What our tables say of the orders that a text names."""
        lines = []
        with all_merchants("a test looks"):
            for order in Order.objects.filter(external_id__in=[each for each in self.bought if each in text]):
                for event in order.events.order_by("id"):
                    at = event.happened_at.timestamp() - self.began
                    lines.append(f"{at:10.2f} {event.kind} {event.reason} {event.facts}"[:200])
                lines += [f"{each} {vars(each)}" for each in order.outbox.all()]
                lines += [f"{each.store} {vars(each)}" for each in order.mirrors.select_related("store")]
        return "\n".join(lines)

    def _step(self) -> None:
        draw = self.random
        what = draw.choices(
            [self.people.act, self._let_time_pass, self._step_clock, self._press_a_button, self._keep_house],
            [12, 8, 2, 1, 1],
        )[0]
        what()
        self.look()
        if draw.random() < 0.8:
            self.work()

    def _let_time_pass(self) -> None:
        draw = self.random
        span = draw.choices([(1, 30), (30, 600), (3000, 4200), (3600, 6 * 86_400)], [4, 4, 4, 3])[0]
        seconds = draw.uniform(*span)
        self.say(f"{seconds:.0f} s pass")
        self.wait(seconds)

    def _step_clock(self) -> None:
        self.skew = self.random.choice([-1.0, 0.0, 0.5, 1.0, MOST_SKEW])
        self.say(f"our clock is set to {self.skew:+.1f} s")

    def _press_a_button(self) -> None:
        self.press_retry()

    def press_retry(self) -> int:
        """A person reconnects what has to be, and tries again what waits for a person. Returns how many."""
        for store in self._lapsed():
            self.say(f"a person connects {store.platform} again")
            with self.stage.on_line():
                self.stage.connect(store.platform)
        with all_merchants("a test looks"):
            waiting = list(
                Order.objects.exclude(attention__in=["", *UNANSWERED]).order_by("id").values_list("id", flat=True)
            )
        for order_id in waiting:
            with merchant_rows(self.stage.merchant_id):
                order = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=order_id)
                self.say(f"a person tries {order.external_id} again ({order.attention})")
                attention.retry(order=order, by="Alice", now=self.now())
        return len(waiting)

    def _lapsed(self) -> list[ConnectedStore]:
        with all_merchants("a test looks"):
            return list(ConnectedStore.objects.exclude(state=StoreState.CONNECTED).order_by("id"))

    def _keep_house(self) -> None:
        self.say("tokens are refreshed")
        self.run_process("housekeeping", tasks.refresh_tokens)

    def _end(self) -> None:
        """No faults any more, and time enough."""
        self.say("the faults are over")
        self.network.fault_rate = self.crash_rate = self.stop_rate = self.post.lost = 0.0
        self.resume(all_of_them=True)
        self.people.answer_all()
        self.settle()
        self.press_retry()
        self.settle()
        self.judge.at_the_end()

    def settle(self) -> None:
        """Until nothing is open any more. Raises Broken when that takes too long."""
        self.work()
        self.wait(self.poll_seconds + 10)  # what no webhook told is found by a poll
        for _ in range(MOST_WAITS):
            self.work()
            self.post.hurry()
            if self._lapsed():
                self.press_retry()
            elif not (self.judge.open_work() or self.post.letters):
                break
            self.wait(self.random.choice([30, 90, 300, 1000, 4000]))
        self.wait(self.poll_seconds + 10)
        self.work()
        open_work = self.judge.open_work()
        require(not open_work, f"still open: {open_work}")
