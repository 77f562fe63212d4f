"""``regista up`` and ``regista down``: the server on this machine."""

import click


@click.command(epilog="Example: regista up --port 8470")
@click.option(
    "--host",
    default=None,
    help="Address to listen on; beyond this machine only with --allow-remote.  [default: 127.0.0.1]",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="Port to listen on; 0 takes any.  [default: 8470]"
)
@click.option(
    "--home", type=click.Path(file_okay=False), default=None, help="Where everything is kept.  [default: ~/.regista]"
)
@click.option("--catalog", default=None, help="postgresql+psycopg://… instead of SQLite in the home.")
@click.option("--store", default=None, help="file:///… instead of a folder in the home.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=None,
    help="How many jobs run at a time; 0 for none on this server.  [default: 2]",
)
@click.option(
    "--allow-remote", is_flag=True, help="Listen for other machines too; every call needs a key in either case."
)
@click.option(
    "--new-owner-key",
    is_flag=True,
    help="Over PostgreSQL, where the owner's key is lost: make a new one and revoke the old one.",
)
def up(allow_remote: bool, new_owner_key: bool, **settings: object) -> None:
    """Start Regista on this machine: one process, HTTPS by its own small CA, the owner's key in a file of yours."""
    from regista.bootstrap.server import serve
    from regista.bootstrap.settings import load_settings

    loaded = load_settings(**settings)

    def ready(url: str) -> None:
        click.echo(f"Regista answers at {url}")
        click.echo(f"  the owner's key   {loaded.keys / 'owner.key'}")
        click.echo(f"  the CA            {loaded.tls / 'ca.pem'}")
        click.echo("Next, in another terminal (these find the server by themselves):")
        click.echo("  regista workspace create dev      where work runs")
        click.echo("  regista registry create central   the shelf that workspaces share")
        click.echo("  regista whoami                    who you are, and where")

    serve(loaded, ready=ready, allow_remote=allow_remote, new_owner_key=new_owner_key)


@click.command(epilog="Example: regista down --home ~/.regista")
@click.option(
    "--home", type=click.Path(file_okay=False), default=None, help="As for `regista up`.  [default: ~/.regista]"
)
@click.option("--catalog", default=None, help="As for `regista up`.")
@click.option("--jobs", is_flag=True, help="Cancel jobs that run, too.")
def down(jobs: bool, **settings: object) -> None:
    """End what runs here: the server, the gateway, and the workers behind endpoints, each after its requests under way.

    Nothing is lost: the next `regista up` starts deployments again. Jobs that run go on to their end, and the next
    `regista up` takes up what they leave; with --jobs they are ended and recorded as canceled. Jobs that wait go on
    waiting. Where nothing runs nothing is done."""
    from regista.bootstrap.settings import load_settings
    from regista.bootstrap.shutdown import shut_down

    shut_down(load_settings(**settings), lambda text: click.echo(text, err=True), jobs=jobs)
    click.echo("Regista is down.")
