"""Hosts reach each other, and don't when they are cut; of what is lost, the chosen share is."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.faults import hosts
from tests.faults.hosts import Host, Network

PACKETS = 4_000
ECHO = """
import socket, sys
box = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
box.bind(("0.0.0.0", 9))
print("ready", flush=True)
while True:
    text, sender = box.recvfrom(99)
    box.sendto(text, sender)
"""
CALL = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))):
    sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    if reason := hosts.why_not():
        pytest.skip(reason)
    with hosts.network(), hosts.network() as made:
        yield made


@pytest.fixture(scope="module")
def echoing(network: Network) -> Iterator[Host]:
    """A host that sends back what it is sent."""
    host = network.add_host()
    argv = [*host.prefix, sys.executable, "-c", ECHO]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield host
        child.kill()


@pytest.fixture(autouse=True)
def healed(echoing: Host) -> Iterator[None]:
    yield
    echoing.heal()


def answered(host: Host, count: int, *, of: str = "") -> int:
    """How many of so many packets, sent from here or from one of our addresses, come back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        box.bind((of, 0))
        back = 0
        for number in range(count):
            box.sendto(str(number).encode(), (host.address, 9))
            back += _received(box, wait_seconds=0.001)
        return back + _received(box, wait_seconds=0.5)


def _received(box: socket.socket, *, wait_seconds: float) -> int:
    """How many have come, until none comes for a moment."""
    box.settimeout(wait_seconds)
    for number in range(PACKETS):
        try:
            box.recv(99)
        except TimeoutError:
            return number
    return PACKETS


def test_a_host_that_is_cut_answers_nobody_until_it_is_healed(echoing: Host) -> None:
    before = answered(echoing, 20)
    echoing.cut()
    cut = answered(echoing, 20)
    echoing.heal()

    assert (before, cut, answered(echoing, 20)) == (20, 0, 20)


def test_a_host_that_is_cut_from_some_addresses_answers_the_others(network: Network, echoing: Host) -> None:
    others = [network.add_address(last) for last in (97, 98, 99)]

    echoing.cut(*others)

    assert [answered(echoing, 20, of=each) for each in (*others, network.address)] == [0, 0, 0, 20]


def test_a_host_tells_with_whom_it_speaks(network: Network, echoing: Host) -> None:
    silent = network.add_address(96)
    with socket.create_server((network.address, 0)) as server:
        calling = [*echoing.prefix, sys.executable, "-c", CALL, network.address, str(server.getsockname()[1])]
        with subprocess.Popen(calling, stdin=subprocess.PIPE) as child:
            caller, _ = server.accept()

            found = [echoing.speaks_with(silent, network.address), echoing.speaks_with(silent)]

            child.communicate(b"\n")
            caller.close()

    assert found == [True, False]


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_of_what_is_lost_the_chosen_share_is(echoing: Host, share: float) -> None:
    echoing.lose(share)

    back = answered(echoing, PACKETS) / PACKETS

    assert abs(back - (1 - share) ** 2) < 0.04
