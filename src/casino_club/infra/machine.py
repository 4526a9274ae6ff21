"""Folders, accounts and small files on this machine. Nothing here changes a folder that is not ours."""

import os
import pwd
import stat
import tempfile
from pathlib import Path

from casino_club.infra.ports import Unusable
from casino_club.infra.server_process import Account


def absolute(folder: Path) -> Path:
    """The folder as every process of ours spells it, wherever it was started."""
    return folder.expanduser().absolute()


def is_root() -> bool:
    return os.geteuid() == 0


def unprivileged_account() -> Account:
    """The account for servers that refuse to run as root."""
    for name in ("nobody", "daemon", "postgres"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise Unusable(
        "PostgreSQL refuses to run as root and there is no account `nobody`; run casino-club as another user."
    )


def account_of(path: Path) -> Account:
    """The account that owns this path."""
    found = path.stat()
    try:
        name = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        name = str(found.st_uid)
    return Account(name, found.st_uid, found.st_gid)


def may_read(path: Path, account: Account, *, and_run: bool = False) -> bool:
    """Whether the account may pass every folder above this path and read (and run) what lies there."""
    wanted = stat.S_IROTH | (stat.S_IXOTH if and_run or path.is_dir() else 0)
    return _allows(path, account, wanted) and may_pass(path.resolve().parent, account)


def may_pass(folder: Path, account: Account) -> bool:
    """Whether the account may pass through this folder and all those above it."""
    resolved = folder.resolve()
    return all(_allows(each, account, stat.S_IXOTH) for each in (resolved, *resolved.parents))


def _allows(path: Path, account: Account, wanted: int) -> bool:
    found = path.stat()
    if found.st_uid == account.uid:
        wanted <<= 6
    elif found.st_gid == account.gid:
        wanted <<= 3
    return found.st_mode & wanted == wanted


def make_private_folder(path: Path, account: Account | None = None) -> Path:
    """A folder for one account only; one that exists must already be exactly that."""
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        pass
    else:
        if account:
            os.chown(path, account.uid, account.gid)
    if not is_private_folder(path, account):
        raise Unusable(f"{path} belongs to somebody else or is open to others; move it out of the way.")
    return path


def is_private_folder(path: Path, account: Account | None = None) -> bool:
    """Whether this is a real folder that only its account can look into."""
    try:
        found = path.lstat()
    except OSError:
        return False
    owner = account.uid if account else os.geteuid()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o077


def short_temp_folder() -> Path:
    """Where sockets may live: their whole path must fit in 103 bytes, and any account must be able to pass."""
    folder = Path(tempfile.gettempdir())
    is_open = not is_root() or may_pass(folder, unprivileged_account())
    return folder if len(os.fsencode(folder)) <= 64 and is_open else Path("/tmp")  # noqa: S108 - the one short folder


def write_private_file(path: Path, text: str, account: Account | None = None) -> None:
    """Replaces the file in one step; only this account (by default our own) may ever read it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            if account:
                os.fchown(file.fileno(), account.uid, account.gid)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def secret_in(path: Path, make: str) -> str:
    """The secret kept in this file, which is `make` if there was none yet."""
    if not path.exists():
        write_private_file(path, make)
    return path.read_text()


def read_text(path: Path) -> str | None:
    """The file's text, or None if there is no such file."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return None
