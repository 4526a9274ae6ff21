"""Where private servers keep data, programs and sockets. One that has to step down from root can't reach what lies
below a closed folder (`/root`, a `mktemp -d`): that then lies under `SHARED`, and a pointer in the data folder says so.
"""

import os
import shutil
import tempfile
from pathlib import Path
from secrets import token_hex

from casino_club.infra import leftovers
from casino_club.infra.machine import (
    account_of,
    is_private_folder,
    is_root,
    make_private_folder,
    may_pass,
    may_read,
    read_text,
    short_temp_folder,
    write_private_file,
)
from casino_club.infra.ports import Unusable
from casino_club.infra.server_process import Account

SHARED = Path("/var/lib/casino-club")


def data_place(data_dir: Path, name: str) -> Path | None:
    """Where this server's data lies, or None if it was never started here."""
    inside, elsewhere = data_dir / name, read_text(data_dir / f"{name}.place")
    if elsewhere:
        return Path(elsewhere)
    return inside if inside.exists() else None


def make_data_place(data_dir: Path, name: str, account: Account | None) -> Path:
    """The same, made now if need be: inside the data folder unless the account can't get there."""
    pointer = data_dir / f"{name}.place"
    if known := read_text(pointer):
        return _claimed(Path(known), data_dir, pointer)
    if account is None or may_pass(data_dir, account):
        return make_private_folder(data_dir / name, account)
    if (data_dir / name).exists():
        raise Unusable(
            f"Account {account.name} can't reach {data_dir / name} any more; open the folders above it to all."
        )
    place = make_private_folder(_shared() / token_hex(6), account)
    write_private_file(place / "owner", str(data_dir))
    write_private_file(pointer, str(place))
    return place


def _claimed(place: Path, data_dir: Path, pointer: Path) -> Path:
    """The place, if it is still ours: a moved data folder takes it along, a copied one must not share it."""
    if not place.is_dir():
        raise Unusable(
            f"{place} is gone, where {pointer} says the data is; bring it back, or delete {pointer} to start empty."
        )
    owner = Path(read_text(place / "owner") or "")
    if owner != data_dir and owner.exists():
        raise Unusable(f"{place} belongs to {owner}, of which {data_dir} is a copy; delete {pointer} to start empty.")
    if owner != data_dir:
        write_private_file(place / "owner", str(data_dir))
    return place


def sweep(program: str) -> None:
    """Removes the data of folders that lay in a temporary folder and are gone, unless a server still runs on it."""
    if not is_root() or not SHARED.is_dir():
        return
    for mark in SHARED.glob("*/owner"):
        owner = Path(read_text(mark) or "/")
        if _is_temporary(owner) and not owner.exists() and not _is_served(mark.parent / "data", program):
            shutil.rmtree(mark.parent, ignore_errors=True)  # Others may be sweeping the same just now.


def _is_served(cluster: Path, program: str) -> bool:
    return bool(leftovers.running(leftovers.of_program(program, cluster)))


def _is_temporary(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp"))  # noqa: S108 - by name


def reachable_programs(folder: Path, program: str, version: str, account: Account | None) -> Path:
    """The folder of programs itself, or a copy of its wheel that the account can reach, made once per version."""
    if account is None or may_read(folder / program, account, and_run=True):
        return folder
    wheel = folder.parents[1]
    copy = _shared() / f"{wheel.name}-{version}"
    if not copy.exists():
        _copy_wheel(wheel, copy)
    return copy / folder.relative_to(wheel.parent)


def _copy_wheel(wheel: Path, copy: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f".{copy.name}.", dir=copy.parent))
    for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        if part.exists():
            shutil.copytree(
                part, draft / part.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall", "*.py*", "include")
            )
    _open_to_all(draft)
    try:
        draft.rename(copy)
    except OSError:  # Somebody else was faster; theirs is as good.
        shutil.rmtree(draft)


def _open_to_all(root: Path) -> None:
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.stat().st_mode & 0o100 else 0o444))


def _shared() -> Path:
    try:
        if not SHARED.exists():
            SHARED.mkdir()
            SHARED.chmod(0o755)  # Whatever the umask: accounts must pass to what lies below.
    except OSError as error:
        raise Unusable(
            f"{SHARED} can't be made ({error.strerror}); run casino-club as another user than root."
        ) from error
    return SHARED


def socket_folder(data_dir: Path, name: str) -> Path | None:
    """Where this server's socket lies or lay, or None if it was never started here."""
    home, _, path = (read_text(data_dir / "run" / f"{name}.socket") or "").partition("\n")
    return Path(path) if path and home == str(data_dir) else None


def make_socket_folder(data_dir: Path, name: str, account: Account | None) -> Path:
    """A short private folder; the one of last time if it is free, so that addresses stay the same."""
    known = socket_folder(data_dir, name)
    if known and _made_again(known, account):
        return known
    folder = Path(tempfile.mkdtemp(prefix="casino-club-", dir=short_temp_folder()))
    if account:
        os.chown(folder, account.uid, account.gid)
    write_private_file(data_dir / "run" / f"{name}.socket", f"{data_dir}\n{folder}")
    return folder


def _made_again(folder: Path, account: Account | None) -> bool:
    if not is_private_folder(folder.parent) and not folder.parent.is_dir():
        return False
    try:
        make_private_folder(folder, account)
    except Unusable:
        return False
    return True


def remove_socket_folder(data_dir: Path, name: str) -> None:
    """After the server has ended, its socket folder is of no use."""
    if folder := socket_folder(data_dir, name):
        shutil.rmtree(folder, ignore_errors=True)


def owner_of(place: Path | None, otherwise: Account) -> Account:
    """Whoever the data belongs to already runs its server."""
    if place is None or not place.exists() or account_of(place).uid == 0:
        return otherwise
    return account_of(place)


def nothing_started(data_dir: Path) -> Unusable:
    """What to say when somebody asks for servers that never ran here."""
    return Unusable(
        f"Nothing has been started in {data_dir} yet; run `casino-club up` first, "
        "or set CASINO_CLUB_MODE=cluster and name the servers to use."
    )
