"""Bodies, however their bytes happen to arrive."""

import asyncio

import pytest
from hypothesis import given, strategies as st

from regista.agent.gateway.channel import Channel
from regista.agent.gateway.faults import Fault
from regista.agent.gateway.framing import Body, Chunked, Sized, UntilEnd, chunk


async def _whole(body: Body) -> bytes:
    read = b""
    while block := await body.block():
        read += block
    return read


def _read(
    pieces: list[bytes], make: type[Chunked] | type[UntilEnd] | None = None, size: int = 0
) -> tuple[bytes, bytes]:
    """The body, and what is left after it, when *pieces* arrive one after another and then the end."""

    async def run() -> tuple[bytes, bytes]:
        channel = Channel()
        body = make(channel) if make else Sized(channel, size)
        reading = asyncio.ensure_future(_whole(body))
        for piece in pieces:
            await asyncio.sleep(0)
            channel.data_received(piece)
        await asyncio.sleep(0)
        channel.eof_received()
        read = await asyncio.wait_for(reading, 5)
        return read, bytes(channel.buffer)

    return asyncio.run(run())


def _cut(whole: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(whole) + 1) for cut in cuts})
    return [whole[start:end] for start, end in zip([0, *places], [*places, len(whole)], strict=True)]


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.lists(st.integers(0, 400), max_size=6))
def test_chunks_are_put_together_wherever_they_are_cut(blocks: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(map(chunk, blocks)) + chunk(b"")
    assert _read(_cut(wire + b"NEXT", cuts), Chunked) == (b"".join(blocks), b"NEXT")


@given(st.binary(max_size=80), st.lists(st.integers(0, 100), max_size=4))
def test_a_sized_body_takes_its_bytes_and_no_more(content: bytes, cuts: list[int]) -> None:
    assert _read(_cut(content + b"NEXT", cuts), size=len(content)) == (content, b"NEXT")


def test_a_body_may_last_until_the_end() -> None:
    assert _read([b"ab", b"c"], UntilEnd) == (b"abc", b"")


def test_extensions_and_trailers_are_dropped() -> None:
    assert _read([b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\nNEXT"], Chunked) == (b"abc", b"NEXT")


@pytest.mark.parametrize(
    "wire",
    [
        b"3\nabc\n0\n\n",
        b"x\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"+3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"\r\nabc\r\n0\r\n\r\n",
        b"2\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcX\r\n0\r\n\r\n",
        b"1000000000000000\r\nabc",
        b"3;" + b"a" * 2000 + b"\r\nabc\r\n0\r\n\r\n",
        b"3;a\nb\r\nabc\r\n0\r\n\r\n",
        b"0\r\nno trailer\r\n\r\n",
        b"0\r\n" + b"X: y\r\n" * 3000 + b"\r\n",
    ],
)
def test_chunks_that_could_be_read_in_two_ways_are_refused(wire: bytes) -> None:
    with pytest.raises(Fault) as refused:
        _read([wire], Chunked)
    assert refused.value.status == 400


@pytest.mark.parametrize("wire", [b"", b"3\r\nab", b"3\r\nabc\r\n", b"3\r\nabc\r\n0\r\n"])
def test_a_body_that_stops_early_is_no_body(wire: bytes) -> None:
    with pytest.raises(ConnectionResetError):
        _read([wire], Chunked)
    with pytest.raises(ConnectionResetError):
        _read([wire], size=100)
