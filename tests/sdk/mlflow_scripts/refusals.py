"""What the scripts share: expecting that the server says no."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def refusal(told: str) -> Iterator[None]:
    """Run a block that has to fail with an error of the client's that says *told*."""
    try:
        yield
    except Exception as error:
        if told not in str(error):
            raise
    else:
        raise AssertionError(f"this was not refused with {told!r}")
