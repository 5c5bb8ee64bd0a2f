"""Files that are whole or not there: written under a name that nobody else can have, brought to the disk, renamed.

    with replacing(path) as temporary:
        temporary.write_text(...)  # when this raises, `path` stays as it was

The name holds the host's and random digits. A process id would not do: two machines on one folder have the same ones,
and so have two threads. Free of torch.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sae.errors import DataError, UnreadableError

MARK = ".tmp-"
LONGEST_HOST = 24
ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL)
"""What the system says where there is no such file, or something else in its place."""
NO_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES)
"""What file systems say that bring no folders to the disk by name: FUSE, SMB, mounted images."""


def host_name() -> str:
    """This machine's name, as far as it can stand in a file's name."""
    return re.sub(r"[^A-Za-z0-9]+", "", platform.node())[:LONGEST_HOST] or "host"


def temporary_name(path: Path) -> Path:
    """A hidden name beside `path` that no other thread, process or machine takes: `.NAME.tmp-HOST-RANDOM`."""
    return path.with_name(f".{path.name}{MARK}{host_name()}-{secrets.token_hex(6)}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file for what shall stand at `path`: readers see what was there before, or all that was written.

    Raises DataError naming `path` where it cannot be written: a full disk, a folder without the right to write.
    """
    temporary = temporary_name(path)
    try:
        yield temporary
        to_disk(temporary)
        temporary.replace(path)
    except OSError as error:
        raise DataError(unwritable(path, error)) from error
    finally:
        with suppress(OSError):  # renamed, or never written; what went wrong before is what is raised
            temporary.unlink()


def usual_rights(path: Path) -> None:
    """Give a file the rights of one that is made in the usual way: safetensors writes for its own user alone.

    Read from such a file, since the umask can only be read by setting it, for all threads. Raises OSError.
    """
    usual = temporary_name(path)
    try:
        usual.touch()
        path.chmod(usual.stat().st_mode & 0o777)
    finally:
        usual.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk: a rename may otherwise get there first.

    Raises OSError; of a folder not where its file system knows no such request.
    """
    folder = path.is_dir()
    if os.name == "nt" and folder:  # Windows opens no folders, and takes only what may be written to the disk
        return
    try:
        opened = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        if not folder or error.errno not in NO_FOLDERS:
            raise


def check_readable(path: Path, error: Exception | None = None) -> None:
    """Raises UnreadableError where the system refuses to read a file that is there; `error` is how reading it failed.

    What a library made of the refusal need not say so: then the file is opened here. What is missing, or holds
    something else than it should, is the caller's to tell.
    """
    if refused(error):
        raise UnreadableError(refusal(path, error)) from error
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as found:
        if refused(found):
            raise UnreadableError(refusal(path, found)) from found


def refused(error: Exception | None) -> bool:
    """Whether an error is the system's refusal: no right, a failing disk, a network that is away. Not what a library
    says of a file that is short or broken, which comes without the system's number."""
    return isinstance(error, OSError) and error.errno is not None and error.errno not in ABSENT


def refusal(path: Path, error: Exception | None) -> str:
    """What is said of it, with the remedy; one line."""
    why = (isinstance(error, OSError) and error.strerror) or str(error)
    return (
        f"{path} cannot be read: {why}; nothing is made again over it: make it readable (its rights, its disk), "
        "or delete it, then do it again"
    )


def unwritable(place: Path, error: Exception) -> str:
    """What is said of a file or folder that cannot be written, with the remedy; one line."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else " ".join(str(error).split())
    remedy = "free some space or make the folder writable"
    if isinstance(error, OSError) and error.errno == errno.EXDEV:
        remedy = "its parts lie in different file systems or layers of an image: copy it to one place"
    return f"{place} cannot be written: {reason}; {remedy}, then do it again"
