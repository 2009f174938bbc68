"""What every work has: its order, a clock, an end."""
import time
from contextlib import contextmanager


class Work:
    """`version`, `run() -> numbers that both sides must agree on, or None`, `output() -> (arrays by name, numbers by name)`."""

    def __init__(self, order):
        self.order = order
        self.seconds = {}

    @contextmanager
    def phase(self, name: str, share: float = 1.0):
        """Times what is done within. `share` divides the time: 1 / 16 for one of sixteen pictures."""
        self.settle()
        started = time.perf_counter()
        yield
        self.settle()
        self.seconds[name] = self.seconds.get(name, 0.0) + (time.perf_counter() - started) * share

    def settle(self):
        """Waits for what is queued on a device."""

    def end(self):
        pass
