"""A store whose writer is killed at any moment keeps every promise it gave."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from regista.drivers.blobs.local import LocalBlobStore
from regista.entities.digest import digest_of

pytestmark = pytest.mark.crash

ROUNDS = 6
WRITER = """
import os, pathlib, random, sys
from concurrent.futures import ThreadPoolExecutor
from regista.drivers.blobs.local import LocalBlobStore

root = pathlib.Path(sys.argv[1])
store = LocalBlobStore(root / "store")

def say(word, digest):
    os.write(1, f"{word} {digest}\\n".encode())

def upload(content):
    with store.begin() as upload:
        say("begun", upload.id)
        for at in range(0, len(content), 70_000):
            upload.write(content[at : at + 70_000])
        return upload.commit()

def file(content, link):
    source = root / os.urandom(8).hex()
    source.write_bytes(content)
    try:
        return store.add_file(source, link=link)
    finally:
        source.unlink()

def gathered(contents):
    sources = []
    for content in contents:
        sources.append(root / os.urandom(8).hex())
        sources[-1].write_bytes(content)
    with store.gather() as gathering:
        digests = [gathering.put(b"put " + content) for content in contents]
        digests += [gathering.add_file(source, link=True) for source in sources]
    for digest in digests:
        say("stored", digest)
    for source in sources:
        source.unlink()

def work(_):
    chance = random.Random()
    while True:
        content = chance.randbytes(chance.choice([10, 4096, 300_000, 5_000_000]))
        ways = [store.put, upload, lambda c: file(c, False), lambda c: file(c, True)]
        say("stored", chance.choice(ways)(content))
        gathered([chance.randbytes(chance.choice([10, 4096, 300_000])) for _ in range(chance.choice([1, 5, 40]))])

with ThreadPoolExecutor(3) as pool:
    list(pool.map(work, range(3)))
"""


def written_until_killed(root: Path, seconds: float) -> list[list[str]]:
    """What the writer said, in whole lines, until it was killed *seconds* after its first word."""
    with subprocess.Popen([sys.executable, "-c", WRITER, root], stdout=subprocess.PIPE, text=True) as writer:
        first = writer.stdout.readline()
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        said = first + writer.stdout.read()
    assert writer.returncode == -signal.SIGKILL, said
    return [line.split() for line in said.splitlines(keepends=True) if line.endswith("\n")]


def test_every_acknowledged_blob_survives_and_nothing_partial_is_visible(tmp_path):
    stored, begun = set(), set()
    for _ in range(ROUNDS):
        for word, name in written_until_killed(tmp_path, random.uniform(0.02, 0.3)):
            (stored if word == "stored" else begun).add(name)
        store = LocalBlobStore(tmp_path / "store")
        visible = set(store.digests())
        assert stored <= visible
        for digest in visible:
            assert digest_of(store.read(digest)) == digest
            assert store.path(digest).stat().st_mode & 0o777 == 0o444
    assert len(stored) > ROUNDS
    assert begun

    store.sweep(older_than_seconds=0)
    assert list((tmp_path / "store" / "uploads").iterdir()) == []
    assert set(store.digests()) == visible


def test_an_upload_goes_on_after_its_writer_was_killed(tmp_path):
    program = """
import pathlib, sys
from regista.drivers.blobs.local import LocalBlobStore
upload = LocalBlobStore(pathlib.Path(sys.argv[1])).begin()
print(upload.id, flush=True)
while True:
    upload.write(b"0123456789" * 1000)
"""
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
        upload_id = writer.stdout.readline().strip()
        time.sleep(0.05)
        writer.kill()
    store = LocalBlobStore(tmp_path)
    with store.resume(upload_id) as upload:
        wanted = (b"0123456789" * (upload.offset // 10 + 1))[: upload.offset]
        assert upload.offset > 0
        upload.write(b"the end")
        assert upload.commit(expected=digest_of(wanted + b"the end")) == digest_of(wanted + b"the end")
