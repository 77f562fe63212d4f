"""What is looked at before something is started, and what to do where it would fail."""

import msgspec

from regista.errors import ERRORS, ErrorCode, InvalidError, RegistaError


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was looked at: *what* was found, and the *fix* where it is not ok. ``code`` is that of the error."""

    name: str
    ok: bool
    what: str
    fix: str = ""
    code: str = ""


def error_of(checks: list[Check], subject: str) -> RegistaError | None:
    """All failing checks as one error, of the kind of the first; None when all are ok."""
    failing = [check for check in checks if not check.ok]
    if not failing:
        return None
    kind = ERRORS.get(ErrorCode(failing[0].code), InvalidError) if failing[0].code else InvalidError
    return kind(f"{subject}: {'; '.join(check.what for check in failing)}", hint=failing[0].fix)
