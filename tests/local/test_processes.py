"""Children live and die with their starter, and what keeps dying is given up."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local.errors import PortTaken, ProcessFailed, ServerMissing
from deploy.local.logs import keep_small
from deploy.local.ports import choose_ports, free_port
from deploy.local.processes import Process
from deploy.local.servers import Server
from deploy.local.servers.server import required_program
from deploy.local.state import ProcessRecord, StackState, end_leftovers
from deploy.local.supervisor import Supervisor
from tests.servers.waiting import is_alive, until

_STARTER = """
import sys, time
from pathlib import Path
from deploy.local.processes import Process, RunAs
child = Process(name="child", program=["/bin/sleep", "600"], log=Path(sys.argv[1]), run_as=RunAs({run_as}))
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""
_IDENTITIES = {
    "the same user": "",
    "another user": 'user="nobody"',
    "a user namespace": "unprivileged=True",
}
if os.geteuid() != 0:  # only root has other identities to take
    _IDENTITIES = {"the same user": ""}


@pytest.mark.parametrize("identity", _IDENTITIES)
def test_a_child_dies_when_its_starter_is_killed(identity: str, tmp_path: Path):
    script = _STARTER.format(run_as=_IDENTITIES[identity])
    starter = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    child = psutil.Process(int(starter.stdout.readline()))
    until(lambda: child.name() == "sleep")

    starter.kill()
    starter.communicate()

    until(lambda: not is_alive(child))


def test_a_child_that_dies_is_started_again_and_its_log_is_shown(tmp_path: Path):
    said: list[str] = []
    supervisor = Supervisor(say=said.append, changed=lambda _: None)
    supervisor.start([_Sleeper(tmp_path)])
    (sleeper, _), *_ = supervisor.servers
    sleeper.log.write_text("my last words\n")

    first = sleeper.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: _watched(supervisor) and sleeper.is_running and sleeper.pid != first)
    supervisor.stop()

    assert "sleeper ended unexpectedly (code -9)" in said[0]
    assert "my last words" in said[0]


def test_what_dies_again_and_again_is_given_up(tmp_path: Path):
    supervisor = Supervisor(say=lambda _: None, changed=lambda _: None, first_pause_seconds=0.01)
    supervisor.start([_Sleeper(tmp_path, seconds="0")])

    with pytest.raises(ProcessFailed, match="6 times within ten minutes"):
        until(lambda: not _watched(supervisor), within_seconds=60)

    supervisor.stop()


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path):
    with pytest.raises(ProcessFailed, match="no such thing"):
        _Broken(tmp_path, port=1).start()


def test_a_missing_program_is_named_with_what_to_install():
    with pytest.raises(ServerMissing, match="no-such-server is not installed: apt-get install it"):
        required_program("no-such-server", "/nowhere/no-such-server", install="apt-get install it")


def test_ports_are_kept_and_a_taken_one_is_replaced_aloud():
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        said: list[str] = []
        before = {"gateway": taken, "redis": taken, "mongo": free_port()}

        ports = choose_ports(["gateway", "redis", "mongo"], before=before, gateway_port=None, say=said.append)

        assert ports["mongo"] == before["mongo"]
        assert taken not in ports.values()
        assert f"port {taken} is taken" in said[0]
        with pytest.raises(PortTaken, match=str(taken)):
            choose_ports(["gateway"], before={}, gateway_port=taken, say=said.append)


def test_a_port_that_another_process_has_chosen_is_left_to_it():
    gateway, redis = free_port(), free_port()
    script = (
        "from deploy.local.ports import choose_ports\n"
        f"before = {{'redis': {redis}}}\n"
        f"ports = choose_ports(['redis'], before=before, gateway_port={gateway}, say=print)\n"
        "print(ports['redis'])"
    )

    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert int(other.stdout) not in (gateway, redis)


def test_leftovers_of_a_killed_supervisor_are_ended_but_never_a_stranger(tmp_path: Path):
    mine = Process(name="mine", program=["/bin/sleep", "600"], log=tmp_path / "log")
    stranger = Process(name="stranger", program=["/bin/sleep", "600"], log=tmp_path / "log")
    mine.start()
    stranger.start()
    record = ProcessRecord.of(mine.pid, version="", log="")
    reused = ProcessRecord.of(stranger.pid, version="", log="").model_copy(update={"created": 1.0})

    ended = end_leftovers(StackState(processes={"mine": record, "reused": reused}))

    assert ended == 1
    assert not mine.is_running
    assert stranger.is_running
    stranger.stop()


def test_a_log_that_grew_is_moved_while_its_writer_goes_on(tmp_path: Path):
    log = tmp_path / "service.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 2000)
        keep_small(tmp_path, largest_bytes=1000)
        writer.write(b"after")

    assert log.read_bytes() == b"after"
    assert len((tmp_path / "service.log.1").read_bytes()) == 2000


class _Sleeper(Server):
    name = "sleeper"
    version = "1"

    def __init__(self, folder: Path, *, seconds: str = "600") -> None:
        super().__init__(folder, port=1)
        self._seconds = seconds

    def prepare(self) -> Process:
        return Process(name=self.name, program=["/bin/sleep", self._seconds], log=self.log)

    def is_ready(self) -> bool:
        return True


class _Broken(Server):
    name = "broken"
    version = "1"

    def prepare(self) -> Process:
        return Process(name=self.name, program=["/bin/sh", "-c", "echo no such thing"], log=self.log)

    def is_ready(self) -> bool:
        return False


def _watched(supervisor: Supervisor) -> bool:
    supervisor.watch()
    return True
