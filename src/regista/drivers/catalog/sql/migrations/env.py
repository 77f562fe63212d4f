"""What Alembic runs: the revisions of ``versions/``, on the connection and in the transaction that ``schema`` hands over."""

from alembic import context

from regista.drivers.catalog.sql.drawing import metadata

connection = context.config.attributes["connection"]
if not connection.in_transaction():
    connection.begin()  # Alembic leaves a transaction alone only when SQLAlchemy knows of it

context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
