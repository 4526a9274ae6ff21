"""Three brokers of Kafka, each on a host of its own, so that each can be cut from the others as well."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.builders.kafka import Brokers, running_brokers
from tests.faults.hosts import Host, Network

NODES = (1, 2, 3)
ANSWER_SECONDS_MAX = 90.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class HostedBrokers(Brokers):
    """Those that the script once started, started ever since on hosts."""

    hosts: Mapping[int, Host]
    commands: Mapping[int, Sequence[str]]
    _children: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def addresses(self) -> list[str]:
        return [self.hosts[node].address for node in NODES]

    def kill(self, *nodes: int) -> None:
        """They are gone when this returns, so that nobody takes them for alive."""
        super().kill(*nodes)
        for node in nodes:
            self._children[node].wait()

    def start_again(self) -> None:
        """Start those that do not run, and wait until all answer. Who ends meanwhile is started once more."""
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        for address in self.url.split(","):
            self._start_all()
            while not _is_reachable(address):
                assert time.monotonic() < deadline, f"the broker at {address} does not answer"
                time.sleep(LOOK_SECONDS)
                self._start_all()

    def _start_all(self) -> None:
        for node in NODES:
            if node not in self._children or self._children[node].poll() is not None:
                self._start(node)

    def end(self) -> None:
        for child in self._children.values():
            child.kill()
            child.wait()

    def _start(self, node: int) -> None:
        home = self.folder / f"node-{node}"
        with (home / "output.log").open("ab") as output:
            words = [*self.hosts[node].prefix, *self.commands[node]]
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        (home / "pid").write_text(str(child.pid))
        self._children[node] = child


@contextmanager
def hosted_brokers(folder: Path, network: Network) -> Iterator[HostedBrokers]:
    """The script makes their folders and knows their command lines; then each moves to a host."""
    with running_brokers(folder, len(NODES)) as made:
        commands = {node: Path(f"/proc/{made.pid(node)}/cmdline").read_bytes().split(b"\0")[:-1] for node in NODES}
        made.kill(*NODES)
        hosts = {node: network.add_host() for node in NODES}
        url = _move(folder, hosts)
        brokers = HostedBrokers(
            folder, url, hosts, {node: [os.fsdecode(word) for word in words] for node, words in commands.items()}
        )
        try:
            brokers.start_again()
            yield brokers
        finally:
            brokers.end()


def _move(folder: Path, hosts: Mapping[int, Host]) -> str:
    """Let everybody listen, and look for the others, where they are now; the new address of all."""
    nodes = json.loads((folder / "cluster.json").read_text())["nodes"]
    for node in NODES:
        file = folder / f"node-{node}" / "server.properties"
        text = file.read_text()
        for each in nodes:
            for port in (each["port"], each["controller_port"]):
                text = text.replace(f"127.0.0.1:{port}", f"{hosts[each['id']].address}:{port}")
        file.write_text(text)
    return ",".join(f"{hosts[each['id']].address}:{each['port']}" for each in nodes)


def _is_reachable(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
