"""Bytes between a connection and a store."""

import asyncio
import threading
import tracemalloc

import pytest

from regista.dialects.streaming import AHEAD, BATCH, LEAST, Arriving, read_ahead, send_all, write_all


async def run(work, *arguments):
    return await asyncio.to_thread(work, *arguments)


def messages(*told):
    waiting = list(told)

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    return receive


def body(*chunks, ended=True):
    last = len(chunks) - 1
    return [{"type": "http.request", "body": one, "more_body": not ended or at < last} for at, one in enumerate(chunks)]


class TestWriting:
    """A body on its way into a store."""

    def test_hands_all_on_in_order_and_small_ones_together(self):
        chunks = [bytes([number]) * (BATCH // 3) for number in range(100)]
        written = []
        arriving = Arriving(messages(*body(*chunks)))
        asyncio.run(write_all(arriving, written.append, run))
        assert arriving.ended
        assert b"".join(written) == b"".join(chunks)
        assert min(map(len, written[:-1])) >= BATCH
        assert max(map(len, written)) < AHEAD + len(chunks[0])

    def test_what_is_alone_is_not_copied(self):
        chunk, written = bytes(AHEAD), []
        asyncio.run(write_all(Arriving(messages(*body(chunk))), written.append, run))
        assert written[0] is chunk

    def test_nothing_is_held_twice_while_it_is_written(self):
        held = []

        async def chunks():
            for _ in range(64):
                yield bytes(BATCH // 64)

        tracemalloc.start()
        try:
            asyncio.run(write_all(chunks(), lambda _: held.append(tracemalloc.get_traced_memory()[0]), run))
        finally:
            tracemalloc.stop()
        assert BATCH <= max(held) < 1.5 * BATCH

    @pytest.mark.parametrize(("count", "most"), [(1, AHEAD + BATCH), (32, BATCH)])
    def test_bodies_that_come_together_share_what_is_received_while_others_are_written(self, count, most):
        received, disk = [0] * count, threading.Event()

        async def chunks(number):
            while not disk.is_set():
                await asyncio.sleep(0)
                received[number] += BATCH // 16
                yield bytes(BATCH // 16)

        async def main():
            writing = [
                asyncio.ensure_future(write_all(chunks(one), lambda _: disk.wait(), run)) for one in range(count)
            ]
            for _ in range(200):  # turns of the loop: more than each body may have
                await asyncio.sleep(0)
            disk.set()
            await asyncio.gather(*writing)

        asyncio.run(main())
        assert min(received) >= LEAST
        assert max(received) <= most + BATCH // 16

    def test_tells_that_the_client_is_gone(self):
        arriving = Arriving(messages(*body(b"half", ended=False), {"type": "http.disconnect"}))
        asyncio.run(write_all(arriving, lambda _: None, run))
        assert not arriving.ended

    @pytest.mark.parametrize(
        "chunks", [[b""], [b"a"], [b"ab", b"cd"], [b"abcd", b""], [b"abcde"], [b"ab", b"cd", b"e", b"f"]]
    )
    @pytest.mark.parametrize("ended", [True, False])
    def test_what_is_short_is_had_whole_and_nothing_is_lost_of_the_rest(self, chunks, ended):
        arriving = Arriving(messages(*body(*chunks, ended=ended), {"type": "http.disconnect"}))
        short = ended and len(b"".join(chunks)) <= 4
        assert asyncio.run(arriving.whole(4)) == (b"".join(chunks) if short else None)

        async def rest():
            return [chunk async for chunk in arriving]

        if not short:
            assert asyncio.run(rest()) == chunks
        assert arriving.ended is ended

    @pytest.mark.parametrize("at", [0, 3, 9])
    def test_stops_at_the_first_failure_with_nothing_under_way(self, at):
        written = []

        def write(chunk):
            if len(written) == at:
                raise OSError("full")
            written.append(chunk)

        chunks = [bytes(AHEAD)] * 10
        with pytest.raises(OSError, match="full"):
            asyncio.run(write_all(Arriving(messages(*body(*chunks))), write, run))
        assert len(written) == at


class TestSending:
    """A file on its way out."""

    def chunks(self, seen):
        try:
            for number in range(100):
                seen.append(number)
                yield bytes([number])
        finally:
            seen.append("closed")

    def sent(self, receive, seen):
        said = []

        async def send(message):
            said.append(message["body"])
            await asyncio.sleep(0)

        asyncio.run(send_all(send, Arriving(receive), self.chunks(seen), run))
        return b"".join(said)

    def test_is_whole_and_the_file_is_closed(self):
        seen = []
        assert self.sent(messages(*body(b"")), seen) == bytes(range(100))
        assert seen == [*range(100), "closed"]

    def test_ends_when_the_client_is_gone(self):
        seen = []
        assert len(self.sent(messages({"type": "http.disconnect"}), seen)) < 3
        assert len(seen) < 5
        assert seen[-1] == "closed"

    def test_reads_one_ahead_and_no_more(self):
        seen = []

        async def main():
            ahead = read_ahead(self.chunks(seen), run)
            await anext(ahead)
            await asyncio.sleep(0.05)
            before = [*seen]
            await ahead.aclose()
            return before

        assert asyncio.run(main()) == [0, 1]
        assert seen[-1] == "closed"
