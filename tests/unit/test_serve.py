"""The server of the site: what it never sends, whom it answers, and that nobody can hold it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest

from analysis.site import serve
from analysis.site.check.server import served
from analysis.site.serve import Handler, Server

SECRET = b"a secret of this machine"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "pictures").mkdir(parents=True)
    (site / "index.html").write_text("a page")
    (site / "pictures/a.txt").write_text("a picture")
    (site / ".env").write_bytes(SECRET)
    (site / ".git").mkdir()
    (site / ".git/config").write_bytes(SECRET)
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/index.html").write_bytes(SECRET)
    (site / "out.html").symlink_to(tmp_path / "secret")
    (site / "folder").symlink_to(tmp_path / "keys")
    (site / "own.html").symlink_to("index.html")
    (site / "linked").mkdir()
    (site / "linked/index.html").symlink_to(tmp_path / "secret")
    return site


@contextmanager
def serving(site: Path, handler: partial[Handler] | type[Handler] = Handler) -> Iterator[int]:
    server = Server(("127.0.0.1", 0), partial(handler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def raw(port: int, request: bytes) -> bytes:
    """The whole answer to what is sent; empty where the server hangs up without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(request)
        return b"".join(iter(partial(line.recv, 65536), b""))


def status(port: int, path: bytes, host: bytes = b"") -> int:
    given = b"Host: " + (host or b"127.0.0.1:%d" % port) + b"\r\n"
    answer = raw(port, b"GET " + path + b" HTTP/1.0\r\n" + given + b"\r\n")
    assert SECRET not in answer and b"Directory listing" not in answer
    return int(answer.split()[1])


def test_what_is_served_and_what_is_not(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(site) as port:
        for path in (b"/", b"/index.html", b"/own.html", b"/pictures/a.txt?x=%00", b"/./pictures/../own.html"):
            assert status(port, path) == 200, path
        for path in (
            b"/out.html", b"/folder/", b"/folder/index.html", b"/linked/", b"/.env", b"/.git/config", b"/%2egit/config",
            b"/pictures/", b"/pictures/../../secret", b"/%2e%2e/secret", b"/" + b"n" * 5000,
        ):  # fmt: skip
            assert status(port, path) == 404, path
        for path in (b"/%00", b"/a%0ab", b"/%ff", b"/%c3%28", b"/%e2%80%ae", b"http://elsewhere/", b"*", b"/%1b[2J"):
            assert status(port, path) == 400, path
    assert "Traceback" not in capsys.readouterr().err


def test_only_this_machine_by_name_is_answered(site: Path) -> None:
    with serving(site) as port:
        for name in (b"localhost", b"127.0.0.1", b"[::1]", b"LocalHost"):
            assert status(port, b"/", b"%s:%d" % (name, port)) == 200
        for host in (
            b"rebound.example:%d" % port,
            b"localhost",
            b"127.0.0.1:1",
            b"127.0.0.1.example:%d" % port,
            b"x@localhost:%d" % port,
        ):
            assert status(port, b"/", host) == 421, host
        assert b" 421 " in raw(port, b"GET / HTTP/1.0\r\n\r\n")
        both = b"Host: localhost:%d\r\nHost: elsewhere\r\n" % port
        assert b" 421 " in raw(port, b"GET / HTTP/1.1\r\n" + both + b"\r\n")


def test_many_that_say_nothing_take_neither_threads_nor_answers(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "CONNECTIONS", 5)
    before = threading.active_count()
    with serving(site) as port:
        silent = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(40)]
        for line in silent[::2]:
            line.sendall(b"GET /index.html HTTP/1.1\r\nHost:")
        assert status(port, b"/") == 200
        assert threading.active_count() - before < 15
        for line in silent:
            line.close()


def test_a_connection_has_an_end(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "SECONDS", 0.05)
    with serving(site) as port:
        assert raw(port, b"GET /index.html HTTP/1.0\r\nHost:") == b""


def test_the_check_serves_likewise(site: Path) -> None:
    with served(site, "/some/site/") as base:
        port = int(base.split(":")[2].split("/")[0])
        host = HTTPConnection("127.0.0.1", port, timeout=10)
        for path, code in (("", 200), ("out.html", 404), ("pictures/", 404), ("%00", 400), (".env", 404)):
            host.request("GET", f"/some/site/{path}")
            answer = host.getresponse()
            assert (answer.status, SECRET in answer.read()) == (code, False)
        host.close()


def test_a_preview_answers_names_that_no_file_has_and_pages_of_any_encoding(site: Path) -> None:
    (site / "old.html").write_bytes("<body>größer</body>".encode("latin-1"))
    with serving(site, partial(serve.PreviewHandler, version=lambda: 7)) as port:
        for name in (b"/" + b"b" * 400, b"/" + b"c" * 400 + b".html", b"/d/" + b"e" * 5000 + b"/index.html"):
            assert status(port, name) == 404
        host = b"Host: 127.0.0.1:%d\r\n\r\n" % port
        answer = raw(port, b"GET /old.html HTTP/1.0\r\n" + host)
        assert "größer".encode("latin-1") in answer and b"location.reload" in answer
