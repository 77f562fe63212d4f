"""Answers leave in one write."""

import asyncio
import socket

import pytest
import uvicorn

from regista.bootstrap.one_write import OneWriteProtocol, OneWriteTransport


class Recorder:
    def __init__(self):
        self.writes, self.closed = [], False

    def write(self, data):
        self.writes.append(data)

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def get_extra_info(self, name):
        return name


def written(work):
    recorder = Recorder()

    async def main():
        work(OneWriteTransport(recorder, asyncio.get_running_loop()))
        await asyncio.sleep(0)

    asyncio.run(main())
    return recorder


def test_what_is_written_in_one_turn_leaves_together():
    def work(transport):
        for part in (b"head", b"body"):
            transport.write(part)

    assert written(work).writes == [b"headbody"]


def test_large_parts_leave_in_their_order_and_are_not_copied():
    large = bytes(1 << 20)

    def work(transport):
        for part in (b"head", large, b"tail"):
            transport.write(part)

    found = written(work).writes
    assert found == [b"head", large, b"tail"]
    assert found[1] is large


def test_closing_sends_what_waits_first():
    def work(transport):
        transport.write(b"last words")
        transport.close()

    recorder = written(work)
    assert (recorder.writes, recorder.closed) == ([b"last words"], True)


def test_nothing_is_written_to_a_transport_that_closes():
    def work(transport):
        transport.write(b"too late")
        transport._transport.close()

    assert written(work).writes == []


def test_the_rest_is_the_transport_s_own():
    assert OneWriteTransport(Recorder(), None).get_extra_info("peername") == "peername"


@pytest.mark.parametrize("size", [2, 3 << 20])
def test_a_real_server_answers_whole(size):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(3):
            await send({"type": "http.response.body", "body": bytes(size), "more_body": True})
        await send({"type": "http.response.body", "body": b"end"})

    async def main():
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(application, http=OneWriteProtocol, log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve([listening]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        server.should_exit = True
        await serving
        return answer

    answer = asyncio.run(main())
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"\0") == 3 * size
    assert answer.endswith(b"end\r\n0\r\n\r\n")
