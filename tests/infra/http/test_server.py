"""One process serves: it ends in time when asked, and leaves nothing behind when killed."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from casino_club.infra.http.server import STOP_SECONDS_MAX, refuse_taken_port

START_SECONDS_MAX = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(port: int, *more: str) -> list[str]:
    return [sys.executable, "-m", "tests.infra.http.served", str(port), *more]


@contextmanager
def served(port: int, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command(port, *more), stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + START_SECONDS_MAX
            while not is_listening(port):
                assert process.poll() is None, "it ended while starting"
                assert time.monotonic() < deadline, "it did not start"
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def raw_request(port: int, *parts: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        return connection.recv(65_536)


def test_a_request_that_runs_is_finished_before_the_end() -> None:
    port = free_port()
    with served(port) as process, ThreadPoolExecutor() as pool:
        asking = pool.submit(httpx.get, f"http://127.0.0.1:{port}/slow/0.7")
        wait_until_in_flight(port)

        process.send_signal(signal.SIGTERM)

        assert asking.result().status_code == 200
        assert process.wait(STOP_SECONDS_MAX) == 0


def test_a_request_that_runs_too_long_does_not_delay_the_end() -> None:
    port = free_port()
    with served(port) as process, ThreadPoolExecutor() as pool:
        asking = pool.submit(httpx.get, f"http://127.0.0.1:{port}/slow/60", timeout=30)
        wait_until_in_flight(port)

        began = time.monotonic()
        process.send_signal(signal.SIGTERM)

        assert process.wait(10) == 0
        assert time.monotonic() - began < 5
        assert asking.exception() is not None or asking.result().is_server_error


def test_idle_connections_do_not_delay_the_end() -> None:
    port = free_port()
    with served(port) as process, socket.create_connection(("127.0.0.1", port)) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(4096)

        process.send_signal(signal.SIGTERM)

        assert process.wait(2) == 0


def test_a_killed_process_leaves_no_worker_and_no_port() -> None:
    port = free_port()
    with served(port) as process:
        assert Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text() == ""

        process.kill()
        process.wait()

        assert not is_listening(port)
        refuse_taken_port("127.0.0.1", port)


def test_a_port_that_is_served_already_is_not_shared() -> None:
    port = free_port()
    with served(port):
        second = subprocess.run(command(port), capture_output=True, text=True, timeout=20, check=False)

    assert second.returncode != 0
    assert f"127.0.0.1:{port} can't be used" in second.stderr


def test_a_thousand_idle_connections_do_not_shut_others_out() -> None:
    port = free_port()
    with served(port), ExitStack() as held:
        for _ in range(1000):
            held.enter_context(socket.create_connection(("127.0.0.1", port)))

        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200


def test_a_body_beyond_the_limit_is_refused_while_it_is_sent() -> None:
    port = free_port()
    head = b"POST /sink HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with served(port):
        promised = raw_request(port, head + b"Content-Length: 1000000000\r\n\r\n")
        chunked = raw_request(port, head + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 17)

    assert promised.startswith(b"HTTP/1.1 413")
    assert chunked.startswith(b"HTTP/1.1 413")


def wait_until_in_flight(port: int) -> None:
    deadline = time.monotonic() + 10
    while "casino_club_http_requests_in_flight 2.0" not in httpx.get(f"http://127.0.0.1:{port}/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.02)
