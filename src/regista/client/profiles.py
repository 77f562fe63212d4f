"""Which server, with which key: arguments, then the environment, then a profile, then the server on this machine.

~/.config/regista/profiles.toml      REGISTA_CONFIG names another
    default = "prod"
    [prod]
    url = "https://regista.example:8470"
    key_file = "~/.config/regista/prod.key"
    ca = "/etc/ssl/regista-ca.pem"
    workspace = "prod"
"""

import json
import os
import tomllib
from pathlib import Path

import msgspec

from regista.errors import InvalidError, NotFoundError, UnauthenticatedError


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One server as one principal. ``key`` stands in a file of its own, ``key_file``, wherever people can be seen typing."""

    url: str = ""
    key: str = ""
    key_file: str = ""
    ca: str = ""
    workspace: str = ""
    registry: str = ""

    def secret(self) -> str:
        """The key; raise ``UnauthenticatedError`` when there is none to be read."""
        if self.key:
            return self.key
        try:
            return Path(self.key_file).expanduser().read_text().strip() if self.key_file else ""
        except OSError as wrong:
            raise UnauthenticatedError(f"the key file {self.key_file} cannot be read: {wrong.strerror}") from wrong


def config_file() -> Path:
    """Where profiles are kept."""
    return Path(os.environ.get("REGISTA_CONFIG") or Path.home() / ".config" / "regista" / "profiles.toml")


def read_profiles() -> tuple[str, dict[str, Profile]]:
    """The default's name and all profiles; none when there is no file."""
    path = config_file()
    try:
        content = tomllib.loads(path.read_text())
        default = str(content.pop("default", ""))
        return default, {name: msgspec.convert(body, Profile) for name, body in content.items()}
    except FileNotFoundError:
        return "", {}
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError, UnicodeDecodeError) as wrong:
        raise InvalidError(
            f"{path} is not a file of profiles: {wrong}", hint="Mend it, or set REGISTA_URL and REGISTA_KEY."
        ) from wrong


def write_profiles(default: str, profiles: dict[str, Profile]) -> None:
    """Replace the file, readable by its owner alone."""
    lines = [f"default = {json.dumps(default)}"] if default else []
    for name, profile in profiles.items():
        lines.append(f"\n[{json.dumps(name)}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in msgspec.structs.asdict(profile).items() if value]
    path = config_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".tmp")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines).lstrip() + "\n")
    draft.replace(path)


def find_profile(name: str | None = None) -> Profile:
    """The profile to use; raise ``NotFoundError`` naming what there is, or how to begin."""
    default, profiles = read_profiles()
    wanted = name or os.environ.get("REGISTA_PROFILE") or ""
    if wanted and wanted not in profiles:
        raise NotFoundError(
            f"there is no profile {wanted!r}",
            hint=f"There is: {', '.join(profiles) or 'none'}. See: regista profile add",
        )
    if not wanted and (url := os.environ.get("REGISTA_URL")):
        key_file = os.environ.get("REGISTA_KEY_FILE", "")
        return Profile(
            url=url, key=os.environ.get("REGISTA_KEY", ""), key_file=key_file, ca=os.environ.get("REGISTA_CA", "")
        )
    chosen = profiles.get(wanted or default)
    return chosen or local_profile()


def local_profile() -> Profile:
    """The server that was started on this machine, with the owner's key; raise ``NotFoundError`` when there was none."""
    home = Path(os.environ.get("REGISTA_HOME") or Path.home() / ".regista")
    try:
        said = json.loads((home / "run" / "server.json").read_text())
        key = os.environ.get("REGISTA_KEY", "")
        return Profile(url=said["url"], ca=said["ca"], key=key, key_file=said["key_file"])
    except (OSError, ValueError, KeyError) as absent:
        raise NotFoundError(
            "no server is known: none was started on this machine and no profile names one",
            hint="Start one with 'regista up', or name one with 'regista profile add' or REGISTA_URL and REGISTA_KEY.",
        ) from absent
