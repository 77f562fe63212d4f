"""A server that is killed in the middle of uploads, registrations and promotions between two stores.

What it had acknowledged is there and whole after the restart; what it had not is there whole or not at all; and doing it
again succeeds."""

import hashlib
import os
import random
import signal
import ssl
import threading
import time
from contextlib import contextmanager, suppress

import httpx
import pytest

from tests.support.server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.crash]

ROUNDS = 8
WRITERS = 4


class Api:
    """The native API of a running server, without anything that tries again."""

    def __init__(self, server):
        trust = ssl.create_default_context(cafile=str(server.ca))
        headers = {"Authorization": f"Bearer {server.owner_key}"}
        self._client = httpx.Client(base_url=server.url + "/api/v1", verify=trust, headers=headers, timeout=30)

    def __call__(self, method, path, **options):
        answer = self._client.request(method, path, **options)
        assert answer.status_code < 400, (method, path, answer.text)
        return answer

    def names(self, scope):
        names, cursor = [], None
        while True:
            page = self("GET", f"{scope}/models", params={"limit": 100} | ({"cursor": cursor} if cursor else {})).json()
            names += [one["name"] for one in page["items"]]
            if (cursor := page["next"]) is None:
                return names

    def close(self):
        self._client.close()


class Acknowledged:
    """What writers were told is done: files of a version by its name, and the names of versions that were promoted."""

    def __init__(self):
        self.made, self.promoted = {}, set()


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def send(api, content, dice):
    """Bring bytes in by one of the three ways."""
    way = dice.choice(["whole", "pack", "parts"])
    if way == "whole":
        api("PUT", f"/workspaces/dev/blobs/{digest(content)}", content=content)
    elif way == "pack":
        frame = bytes.fromhex(digest(content)[7:]) + len(content).to_bytes(8, "big") + content
        api("POST", "/workspaces/dev/blobs/pack", content=frame)
    else:
        upload = api("POST", "/workspaces/dev/uploads").json()["id"]
        half = len(content) // 2
        for at, part in ((0, content[:half]), (half, content[half:])):
            api("PATCH", f"/workspaces/dev/uploads/{upload}?offset={at}", content=part)
        api("POST", f"/workspaces/dev/uploads/{upload}/commit", json={"digest": digest(content)})


def write(server, name, done, dice):
    """Make and promote versions until the server is gone."""
    api = Api(server)
    with suppress(httpx.TransportError):
        for number in range(10_000):
            files = {f"d/{n}": dice.randbytes(dice.choice([0, 10, 5_000, 300_000])) for n in range(dice.randint(1, 6))}
            for content in files.values():
                send(api, content, dice)
            entries = [
                {"path": path, "digest": digest(content), "size": len(content)} for path, content in files.items()
            ]
            model = f"{name}-{number}"
            api("POST", "/workspaces/dev/models", json={"name": model, "version": "1", "files": entries})
            done.made[model] = {path: digest(content) for path, content in files.items()}
            api("POST", f"/workspaces/dev/models/{model}/share", json={"registry": "far-away"})
            done.promoted.add(model)
    api.close()


@contextmanager
def serving(home):
    with running_server(home) as server:
        api = Api(server)
        try:
            yield server, api
        finally:
            api.close()


def check(api, done, scope, seen):
    """Every visible version is whole: each of its files has the bytes that its manifest promises."""
    for name in set(api.names(scope)) - seen:
        manifest = api("GET", f"{scope}/models/{name}/versions/1/manifest").json()
        found = {}
        for entry in manifest["files"]:
            content = api("GET", f"{scope}/models/{name}/versions/1/files/{entry['path']}").content
            assert digest(content) == entry["digest"]
            assert len(content) == entry["size"]
            found[entry["path"]] = entry["digest"]
        assert found
        if name in done.made:
            assert found == done.made[name]
        seen.add(name)


def settle(api, done, seen):
    """After a restart: look at everything, and promote what was not."""
    for scope, known in seen.items():
        check(api, done, scope, known)
    here, there = seen["/workspaces/dev"], seen["/registries/far-away"]
    assert done.made.keys() <= here
    assert done.promoted <= there
    for name in sorted(here - there) + sorted(done.promoted)[:3]:
        api("POST", f"/workspaces/dev/models/{name}/share", json={"registry": "far-away"})
    check(api, done, "/registries/far-away", there)
    assert there == here


def die_under_load(server, name, done, dice):
    """Let writers write, and kill the server in the middle."""
    seeds = [random.Random(dice.random()) for _ in range(WRITERS)]
    writers = [threading.Thread(target=write, args=(server, f"{name}-{n}", done, one)) for n, one in enumerate(seeds)]
    for writer in writers:
        writer.start()
    time.sleep(dice.uniform(0.3, 2.0))
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    for writer in writers:
        writer.join(60)


def test_what_was_acknowledged_is_there_and_nothing_is_half_there(tmp_path):
    home = tmp_path / "home"
    with serving(home) as (_, api):
        api("PUT", "/stores/far", json={"url": f"file://{tmp_path / 'far'}", "regions": ["elsewhere"]})
        api("POST", "/workspaces", json={"name": "dev"})
        api("POST", "/registries", json={"name": "far-away", "location": "elsewhere"})
    done, dice = Acknowledged(), random.Random(20261122)
    seen = {"/workspaces/dev": set(), "/registries/far-away": set()}
    for turn in range(ROUNDS):
        with serving(home) as (server, api):
            settle(api, done, seen)
            if turn < ROUNDS - 1:
                die_under_load(server, f"w{turn}", done, dice)
    assert len(done.promoted) > ROUNDS, "too little happened to say anything"
    for store in (home / "stores" / "default", tmp_path / "far"):
        for blob in (store / "blobs").rglob("*"):
            if blob.is_file():
                assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
