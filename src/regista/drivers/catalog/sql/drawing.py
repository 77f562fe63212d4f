"""How a table is drawn, so that it means the same on both databases."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text
from sqlalchemy.schema import SchemaItem

metadata = MetaData()

_Big = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER PRIMARY KEY numbers itself on SQLite
_Text = Text().with_variant(Text(collation="C"), "postgresql")  # byte order, whatever language the server speaks


def seq() -> Column[int]:
    """The number of a row."""
    return Column("seq", _Big, primary_key=True, autoincrement=True)


def words(name: str, *, primary_key: bool = False, unique: bool = False) -> Column[str]:
    """Text that compares by its bytes."""
    return Column(name, _Text, primary_key=primary_key, unique=unique, nullable=False)


def big(name: str, *, nullable: bool = False) -> Column[int]:
    """A number of 64 bits, such as a time."""
    return Column(name, BigInteger, nullable=nullable)


def flag(name: str) -> Column[int]:
    """0 or 1."""
    return Column(name, Integer, nullable=False)


def body() -> Column[str]:
    """The entity itself, as JSON."""
    return Column("body", Text, nullable=False)


def table(name: str, *items: SchemaItem, rowid: bool = True) -> Table:
    """A table; one without *rowid* is, on SQLite, kept inside its primary key."""
    return Table(name, metadata, *items, sqlite_with_rowid=rowid)
