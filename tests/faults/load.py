"""Load at a rate that does not wait for answers, and what came of it."""

import asyncio
import collections
import time


def percentile(values, percent):
    """The value that so many percent do not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


class Outcome:
    """The answers to a load. A time begins when the request was due, not when there was a moment to send it."""

    def __init__(self):
        self.answers = []

    def add(self, answer, at):
        self.answers.append((at, answer))

    def took(self, *statuses):
        return [a.took for _, a in self.answers if not statuses or a.status in statuses]

    def percentile(self, percent, *statuses):
        return percentile(self.took(*statuses), percent)

    def count(self, *statuses):
        return sum(a.status in statuses for _, a in self.answers)

    @property
    def statuses(self):
        counts = collections.Counter(a.error or a.status for _, a in self.answers)
        return " ".join(f"{status}:{count}" for status, count in sorted(counts.items(), key=str))

    def but(self, *statuses):
        return [a for _, a in self.answers if a.status not in statuses]

    def __len__(self):
        return len(self.answers)


async def load(ask, rate, seconds, stop=None):
    """Asks `rate` times a second; `ask` gets the request's number. Ends early where `stop` is set."""
    outcome, tasks, begun = Outcome(), set(), time.monotonic()

    async def one(number, due):
        answer = await ask(number)
        answer.took = time.monotonic() - due
        outcome.add(answer, due - begun)

    for number in range(int(rate * seconds)):
        due = begun + number / rate
        wait = due - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        elif number % 16 == 0:
            await asyncio.sleep(0)
        if stop is not None and stop.is_set():
            break
        task = asyncio.create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return outcome


async def eventually(condition, within, every=0.05):
    """How long it takes until the condition holds; `None` if it does not in time."""
    begun = time.monotonic()
    while True:
        holds = condition()
        if asyncio.iscoroutine(holds):
            holds = await holds
        took = time.monotonic() - begun
        if holds:
            return took
        if took > within:
            return None
        await asyncio.sleep(every)
