"""Measurements as columns: a table in Apache Arrow's streaming format or as a Parquet file, written while it is sent.

node       what measured it: the path of a step below the job, "" for the job itself
metric     its name
step       as logged
timestamp  as logged: milliseconds since 1970, in UTC
value      a double; NaN and the infinities are themselves
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from regista.entities.run import Metric
from regista.errors import InvalidError, UnsupportedError
from regista.services.tracking.histories import Block

MEDIA_TYPES = {"parquet": "application/vnd.apache.parquet", "arrow": "application/vnd.apache.arrow.stream"}
"""As registered with IANA, by the names that requests use."""

_ROWS = 65_536
"""Of a record batch and of a row group: what is in memory at once."""


def encoded(blocks: Iterable[Block], form: str) -> Iterator[bytes]:
    """The table of *blocks*, piece by piece. Raise ``InvalidError`` for a *form* that is none, ``UnsupportedError`` where
    pyarrow is not installed; both before the first piece."""
    if form not in MEDIA_TYPES:
        raise InvalidError(f"columns come as {' or '.join(MEDIA_TYPES)}, not as {form[:50]!r}")
    try:
        import pyarrow as pa
    except ImportError as missing:
        raise UnsupportedError(
            "columns need pyarrow, which the server has not installed",
            hint="Where the server runs: pip install 'regista[columns]'",
        ) from missing
    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        [
            pa.field("node", text, nullable=False),
            pa.field("metric", text, nullable=False),
            pa.field("step", pa.int64(), nullable=False),
            pa.field("timestamp", pa.timestamp("ms", tz="UTC"), nullable=False),
            pa.field("value", pa.float64(), nullable=False),
        ]
    )
    return _pieces(blocks, _opener(form), schema)


def _opener(form: str) -> Callable[[Any, Any], Any]:
    """What makes a writer on a sink."""
    if form == "parquet":
        from pyarrow.parquet import ParquetWriter

        return lambda sink, schema: ParquetWriter(sink, schema, compression="zstd")
    from pyarrow.ipc import IpcWriteOptions, new_stream

    options = IpcWriteOptions(emit_dictionary_deltas=True)
    return lambda sink, schema: new_stream(sink, schema, options=options)


def _pieces(blocks: Iterable[Block], opened: Callable[[Any, Any], Any], schema: Any) -> Iterator[bytes]:
    sink = _Sink()
    with opened(sink, schema) as writer:
        for some in _gathered(blocks):
            writer.write_batch(_batch(some, schema))
            yield from sink.taken()
    yield from sink.taken()


def _gathered(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Blocks together while they are short: a thousand metrics of ten values each are one batch."""
    some: list[Block] = []
    rows = 0
    for block in blocks:
        some.append(block)
        rows += len(block.metrics)
        if rows >= _ROWS:
            yield some
            some, rows = [], 0
    if rows:
        yield some


def _batch(blocks: list[Block], schema: Any) -> Any:
    import pyarrow as pa

    values: list[Metric] = [one for block in blocks for one in block.metrics]
    counts = [len(block.metrics) for block in blocks]
    return pa.record_batch(
        [
            _repeated([block.step for block in blocks], counts),
            _repeated([block.key for block in blocks], counts),
            pa.array([one.step for one in values], pa.int64()),
            pa.array([one.timestamp for one in values], schema.field("timestamp").type),
            pa.array([one.value for one in values], pa.float64()),
        ],
        schema=schema,
    )


def _repeated(names: list[str], counts: list[int]) -> Any:
    """Each name as often as its count says, as numbers into a list of the names."""
    import pyarrow as pa

    place = {name: index for index, name in enumerate(dict.fromkeys(names))}
    numbers = [place[name] for name, count in zip(names, counts, strict=True) for _ in range(count)]
    return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), pa.array([*place]))


class _Sink:
    """A file for a writer: what was written is taken out as it comes."""

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Keep *data*."""
        piece = bytes(data)
        self._written.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        """How much was written, taken out or not."""
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """What was written can still be taken."""
        self.closed = True

    def taken(self) -> Iterator[bytes]:
        """What has come since the last time."""
        written, self._written = self._written, []
        if written:
            yield b"".join(written)
