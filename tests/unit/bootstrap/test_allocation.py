"""How threads share the memory that they give back."""

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]

_PROGRAM = """
import os, threading
from regista.bootstrap.allocation import share_freed_memory
from tests.support.memory import Memory

if {shared}:
    share_freed_memory()
allocated, looked = threading.Barrier(9), threading.Barrier(9)

def work():
    kept = [bytearray(100_000) for _ in range(10)]
    allocated.wait()
    looked.wait()

for _ in range(8):
    threading.Thread(target=work).start()
allocated.wait()
print(Memory(os.getpid()).heaps())
looked.wait()
"""


@pytest.mark.parametrize(("shared", "heaps"), [(True, 0), (False, 8)])
def test_threads_have_one_heap_when_they_share_it_and_else_one_each(shared, heaps):
    program = [sys.executable, "-c", _PROGRAM.format(shared=shared)]
    told = {"PYTHONPATH": str(_ROOT)}
    said = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60, env=told)
    assert int(said.stdout) == heaps
