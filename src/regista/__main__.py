"""The command ``regista``."""


def main() -> None:
    """Run the command line; imported late so that ``python -m regista`` starts fast."""
    from regista.cli.main import cli

    cli()


if __name__ == "__main__":
    main()
