"""What the machine must offer before anything starts. Each failure is one line that says what to do."""

import errno
import shutil
import socket
import tempfile
from pathlib import Path

from casino_club.infra.ports import Unusable
from casino_club.infra.settings import Settings

MEGABYTE = 1024 * 1024


def make_data_dir(data_dir: Path) -> None:
    """Accounts of servers may pass through the folder; each secret in it is closed by itself."""
    try:
        if not data_dir.exists():
            data_dir.mkdir(mode=0o711, parents=True)
        for name in ("run", "logs"):
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as error:
        if has_no_room(error):
            raise Unusable(no_room(data_dir)) from error
        raise Unusable(
            f"{data_dir} can't be written ({error.strerror}); "
            "make it yours, or name another folder in CASINO_CLUB_DATA_DIR."
        ) from error


def has_no_room(error: OSError) -> bool:
    """Whether it is the disk that is full, or the account's share of it."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def no_room(data_dir: Path) -> str:
    """What to do about a full disk."""
    return f"{data_dir} has no room left; free some and start again, or name another folder in CASINO_CLUB_DATA_DIR."


def check_disk(data_dir: Path, free_mb_min: int) -> None:
    """A full disk is easier to deal with before the servers run."""
    free_mb = shutil.disk_usage(data_dir).free // MEGABYTE
    if free_mb < free_mb_min:
        raise Unusable(
            f"{data_dir} has {free_mb} MB free and {free_mb_min} MB are wanted; "
            "free some, or lower CASINO_CLUB_DISK_FREE_MB_MIN."
        )


def check_port(settings: Settings) -> None:
    """Asked without sharing the port, since our own server would share it with a stranger."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[
            0
        ]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise Unusable(
            f"{settings.host}:{settings.port} can't be used ({error.strerror}); "
            "stop what listens there, or choose another CASINO_CLUB_PORT."
        ) from error
