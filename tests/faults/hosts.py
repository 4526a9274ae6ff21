"""Hosts of their own on one machine: network namespaces on a bridge, between which packets are cut or lost.

Packets are dropped by the kernel, by a classic packet filter at each host's end of the cable, so that TCP does what
it does on a bad line. It needs root, `ip` and `tc`, and nothing else.
"""

import ipaddress
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

_NAME = "ccf{pid}"
_LETTERS = "abdefgh"
"""A process may have several networks. Names of links have 15 letters at most."""
_RANDOM = 0xFFFFF038
"""Where a packet filter finds a random number of 32 bits."""
_IP_SOURCE, _IP_TARGET = 26, 30
"""Places in a frame, behind the head of Ethernet."""
_OK, _SHOT = 0, 2

_numbers = count()


def why_not() -> str | None:
    """What this machine lacks, if it does."""
    if os.geteuid():
        return "hosts of their own need root"
    if not (shutil.which("ip") and shutil.which("tc")):
        return "hosts of their own need ip and tc"
    probe = f"{_NAME.format(pid=os.getpid())}x"
    done = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"no network namespaces here: {done.stderr.strip()}"
    _run("ip", "netns", "delete", probe)
    return None


@dataclass(frozen=True)
class Host:
    """One namespace. What is started with `prefix` runs there; `cable` is its end of the bridge."""

    name: str
    address: str
    cable: str

    @property
    def prefix(self) -> Sequence[str]:
        """Words in front of a command that shall run on this host."""
        return ("ip", "netns", "exec", self.name)

    def cut(self, *others: str) -> None:
        """Let nothing pass in either direction, or nothing to and from some addresses."""
        self.lose(1.0, *others)

    def heal(self) -> None:
        """Let everything pass again."""
        for direction in ("ingress", "egress"):
            _run("tc", "filter", "delete", "dev", self.cable, direction)

    def lose(self, share: float, *others: str) -> None:
        """Drop this share of packets in each direction, of all or of those of some addresses."""
        self.heal()
        for direction, place in (("ingress", _IP_TARGET), ("egress", _IP_SOURCE)):
            code = _dropping(share, place, others)
            words = ("protocol", "all", "bpf", "direct-action", "bytecode", code)
            _run("tc", "filter", "add", "dev", self.cable, direction, *words)

    def speaks_with(self, *others: str) -> bool:
        """Whether somebody here holds a connection with one of these addresses."""
        said = _run("ip", "netns", "exec", self.name, "ss", "-Htn", "state", "established")
        held = {line.split()[-1].rpartition(":")[0].removeprefix("[::ffff:").rstrip("]") for line in said.splitlines()}
        return not held.isdisjoint(others)


def _dropping(share: float, place: int, others: Sequence[str]) -> str:
    """A program that shoots packets: load the address and pass others; draw a number and pass those above the share."""
    program: list[tuple[int, int, int, int]] = [(0x20, 0, 0, place)] if others else []
    for left, other in reversed(list(enumerate(reversed(others)))):
        program.append((0x15, left, 0 if left else 3, int(ipaddress.ip_address(other))))
    threshold = min(round(share * 2**32), 2**32 - 1)
    program += [(0x20, 0, 0, _RANDOM), (0x35, 1, 0, threshold), (0x06, 0, 0, _SHOT), (0x06, 0, 0, _OK)]
    lines = [f"{code} {yes} {no} {value}" for code, yes, no, value in program]
    return ",".join((str(len(lines)), *lines))


@dataclass
class Network:
    """A bridge of this machine's own, with hosts on it."""

    name: str
    number: int
    hosts: list[Host] = field(default_factory=list)

    @property
    def address(self) -> str:
        """This machine's own."""
        return f"10.213.{self.number}.1"

    @property
    def range(self) -> str:
        """All addresses on it."""
        return f"10.213.{self.number}.0/24"

    def add_host(self) -> Host:
        """One more, which reaches this machine and every other host."""
        number = len(self.hosts) + 2
        host = Host(f"{self.name}h{number}", f"10.213.{self.number}.{number}", f"{self.name}c{number}")
        inner = f"{self.name}i{number}"
        _run("ip", "netns", "add", host.name)
        self.hosts.append(host)
        _run("ip", "link", "add", host.cable, "type", "veth", "peer", "name", inner, "netns", host.name)
        _run("ip", "link", "set", host.cable, "master", self.name, "up")
        _run("tc", "qdisc", "add", "dev", host.cable, "clsact")
        for words in (("addr", "add", f"{host.address}/24", "dev", inner), ("link", "set", inner, "up")):
            _run("ip", "-netns", host.name, *words)
        _run("ip", "-netns", host.name, "link", "set", "lo", "up")
        return host

    def add_address(self, last: int) -> str:
        """One more address of this machine, so that a server here can be told from the others."""
        address = f"10.213.{self.number}.{last}"
        _run("ip", "addr", "add", f"{address}/24", "dev", self.name)
        return address


@contextmanager
def network() -> Iterator[Network]:
    """An empty network, gone afterwards with all its hosts."""
    pid, nth = os.getpid(), next(_numbers)
    made = Network(_NAME.format(pid=pid) + _LETTERS[nth % len(_LETTERS)], (pid + nth) % 250 + 1)
    _run("ip", "link", "add", made.name, "type", "bridge")
    try:
        _run("ip", "addr", "add", f"{made.address}/24", "dev", made.name)
        _run("ip", "link", "set", made.name, "up")
        yield made
    finally:
        with suppress(subprocess.CalledProcessError):
            _run("ip", "link", "delete", made.name)
        for host in made.hosts:
            with suppress(subprocess.CalledProcessError):
                _run("ip", "netns", "delete", host.name)


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=20).stdout
