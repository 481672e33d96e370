"""Work in other processes and in a Dask cluster: the same answers, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from distributed import KilledWorker

import kargo_model
from commands import cluster
from commands.fan_out import PlaceError, Processes, place

ROOT = Path(__file__).parents[1]
SMALL = ("--promotions", "1", "--freight", "1")
LOOPS = ("single", "lagging", "restarts")


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d+ s\b", "", re.sub(r'"seconds": [\d.e-]+', "", text))


def squared(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is below zero")
    return number * number


# Processes


def test_processes_do_every_portion_and_pass_on_what_goes_wrong() -> None:
    with place("processes") as there:
        assert sorted(there.each(squared, range(4))) == [0, 1, 4, 9]
        with pytest.raises(ValueError, match="-1 is below zero"):
            list(there.each(squared, [2, -1]))


def test_side_by_side_prints_what_one_after_the_other_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ["check", *LOOPS, *SMALL, "--kargo", "1.8.3"]
    assert kargo_model.main(call) == 1
    side_by_side = capsys.readouterr().out
    monkeypatch.setattr(Processes, "few", 99)
    assert kargo_model.main(call) == 1

    assert without_times(capsys.readouterr().out) == without_times(side_by_side)
    assert [line.split(" (")[0] for line in side_by_side.splitlines() if line.startswith(LOOPS)] == [*LOOPS]


@pytest.mark.slow
def test_ctrl_c_leaves_no_process() -> None:
    running = call("check", "holds", "auto", "match-upstream")
    deadline = time.monotonic() + 30
    while len(children := children_of(running.pid)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)

    assert (running.returncode, out, err) == (130, b"", b"kargo-model: interrupted; nothing was changed\n")
    while any(map(lives, children)):
        assert time.monotonic() < deadline + 30
        time.sleep(0.1)


def lives(process: int) -> bool:
    """Whether it runs; what has ended and is only remembered does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of(process: int) -> list[int]:
    """Its children, on Linux."""
    return [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def call(*words: str) -> subprocess.Popen[bytes]:
    """The command line in a process of its own."""
    command = [sys.executable, "kargo_model.py", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


# Families


def test_a_family_is_a_table_for_each_system(capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["check", "retry", "die-hard", "--kargo", "1.8.3", "--kargo", "main"]) == 1

    printed = capsys.readouterr().out
    assert re.match(r"violated: \d+ of \d+ properties of 3 systems, in 1 system ", printed)
    assert re.search(r"^  1\.8\.3  main  claim$", printed, re.M)
    assert re.search(r"^  12     22    states$", printed, re.M)
    assert re.search(r"^  NO     yes   a started step is never skipped by the engine$", printed, re.M)
    assert re.search(r"^die-hard .*\n(?:.*\n){3}  all 4 hold, or can arise, everywhere$", printed, re.M)


def test_a_family_may_differ_in_its_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    bounds = ("--promotions", "1", "--promotions", "2", "--freight", "1")
    assert kargo_model.main(["check", "single", *bounds, "--format", "json"]) == 1

    systems = json.loads(capsys.readouterr().out)["systems"]
    assert [(s["system"], s["kargo"], s["promotions"], s["freight"]) for s in systems] == [
        ("single", "1.11.2", 1, 1),
        ("single", "1.11.2", 2, 1),
    ]
    assert systems[0]["states"] < systems[1]["states"]


def test_what_was_not_seen_whole_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["check", "retry", "--kargo", "main", "--kargo", "1.11.2", "--depth", "2"]) == 3

    printed = capsys.readouterr().out
    assert re.search(r"^  \d+\+ ", printed, re.M)
    assert re.search(r"^  \?     \?       a finished step", printed, re.M)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "--all-releases", "--kargo", "main"], "--all-releases leaves nothing to choose with --kargo"),
        (["check", "retry", "nope"], "no system 'nope'; the systems are: "),
        (
            ["check", "single", "retry", "--freight", "1"],
            "--promotions and --freight go with the name of a control",
        ),
        (
            ["check", "retry", "--save", "there", "--on", "tcp://host:8786"],
            "--save and --resume write on this machine; leave out --on",
        ),
        (["check", "retry", "die-hard", "--size", "3"], "--size goes with the name of a toy"),
    ],
)
def test_a_family_that_does_not_exist_gets_one_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kargo_model.main(words) == 2

    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"kargo-model: {said}")


# A place that cannot be had


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.mark.parametrize("where", ["somewhere", "tcp://", "http://localhost:1", "tcp://host", "tcp://a b:1"])
def test_what_is_no_place_is_explained(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["check", "retry", "--on", where]) == 2

    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith(f"expected processes, or a scheduler such as tcp://host:8786, found {where!r}")


def test_without_the_library_the_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "commands.cluster")
    monkeypatch.setitem(sys.modules, "distributed", None)

    assert kargo_model.main(["check", "retry", "--on", "tcp://localhost:8786"]) == 2
    assert capsys.readouterr().err == (
        "kargo-model: --on tcp://localhost:8786 needs Dask, which is not installed; "
        "install kargo-model[dask] to have it\n"
    )


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_gets_one_sentence() -> None:
    where = f"tcp://127.0.0.1:{free_port()}"
    words = ["rules", "--no-cache", "--on", where]
    program = f"import commands.cluster as c, kargo_model; c.CONNECT_S = 0.5; exit(kargo_model.main({words!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == f"kargo-model: {where} cannot be reached: expected the scheduler of a Dask cluster there\n"
    )


# What a worker does


def for_ever(number: int) -> int:
    while True:
        number = -number


def begun(run: str) -> None:
    deadline = time.monotonic() + 10
    while run not in cluster._at_work.values():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_a_worker_is_at_is_stopped_and_nothing_more_begins_for_that_run() -> None:
    ended: list[BaseException] = []

    def work() -> None:
        try:
            cluster._done("mine", cluster.AS_LOADED, for_ever, 1)
        except cluster.Stopped as stopped:
            ended.append(stopped)

    thread = threading.Thread(target=work)
    thread.start()
    begun("mine")
    cluster._stop("another")
    assert thread.is_alive()
    cluster._stop("mine")
    assert cluster._done("yours", cluster.AS_LOADED, squared, 3) == 9  # once it is its turn
    thread.join(10)

    assert (len(ended), cluster._at_work) == (1, {})
    with pytest.raises(cluster.Stopped):
        cluster._done("mine", cluster.AS_LOADED, squared, 3)


def test_a_worker_does_nothing_for_a_call_of_another_version() -> None:
    with pytest.raises(PlaceError, match="a worker that joined has another version of kargo-model than this call"):
        cluster._done("mine too", "another", squared, 3)


def test_a_portion_that_ends_every_worker_gets_one_sentence() -> None:
    class Deadly:
        """A portion at which workers die."""

        def result(self, timeout: float) -> int:
            raise KilledWorker("portion", None, 3)

    there = cluster.Cluster.__new__(cluster.Cluster)
    there.address = "tcp://host:8786"
    with pytest.raises(PlaceError, match="tcp://host:8786: workers died one after the other at the same portion"):
        there._result(Deadly())


def where(portion: float) -> set[int]:
    """The threads at work, now and a little later."""
    found = set(cluster._at_work)
    time.sleep(portion)
    return found | set(cluster._at_work)


def test_the_threads_of_one_worker_take_turns() -> None:
    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(cluster._done, "turns", cluster.AS_LOADED, where, 0.02) for _ in range(8)]

    assert [len(each.result()) for each in done] == [1] * 8


# A cluster of this machine


class Dask:
    """A scheduler, and workers of one thread each, in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        self.address = f"tcp://127.0.0.1:{free_port()}"
        port = self.address.rpartition(":")[2]
        self.begin("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", "--no-show")
        deadline = time.monotonic() + 60
        while "Scheduler at" not in (self.folder / "scheduler-0.log").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def begin(self, what: str, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words]
        with (self.folder / f"{what}-{len(self.running)}.log").open("wb") as log:
            running = subprocess.Popen(command, stdout=log, stderr=log, **{"cwd": self.folder, **options})
        self.running.append(running)
        return running

    def worker(self, **options: Any) -> subprocess.Popen[bytes]:
        """A worker, once the scheduler knows it."""
        words = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
        running = self.begin("worker", self.address, *words, **options)
        log = self.folder / f"worker-{len(self.running) - 1}.log"
        deadline = time.monotonic() + 60
        while "Starting established connection" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        return running

    def ask(self, expression: str) -> Any:
        """What a client finds; in a process of its own, so that nothing of Dask is left in this one."""
        return self.watch(f"print({expression})")()

    def watch(self, program: str) -> Callable[[], Any]:
        """A client that is connected when this returns; what it calls for has the last line that it prints."""
        begin = f"import time; from distributed import Client; client = Client('{self.address}', timeout=60)"
        command = [sys.executable, "-c", f"{begin}; print('ready', flush=True)\n{program}"]
        # Without a buffer: what was read beyond the first line would be lost to what reads the rest.
        running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, bufsize=0)
        self.running.append(running)
        assert running.stdout
        assert running.stdout.readline() == b"ready\n"

        def result() -> Any:
            out, _ = running.communicate(timeout=120)
            assert running.returncode == 0
            return eval(out or b"None")

        return result

    def end(self) -> None:
        for running in self.running:
            running.kill()
        for running in self.running:
            running.communicate(timeout=30)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    """A scheduler of its own."""
    cluster = Dask(tmp_path)
    try:
        yield cluster
    finally:
        cluster.end()


BUSY = "while not any(client.processing().values()): time.sleep(0.02)"
IDLE = "while any(client.processing().values()): time.sleep(0.02)"


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_answers_what_processes_answer(dask: Dask) -> None:
    loops = (*LOOPS, "verification", "unwritten")
    words = ("check", *loops, "--promotions", "1", "--all-releases", "--format", "json")
    doomed, *_ = [dask.worker() for _ in range(3)]
    busy = dask.watch(BUSY)
    running = call(*words, "--on", dask.address)
    busy()
    doomed.kill()
    assert running.poll() is None
    out, err = running.communicate(timeout=120)
    here, _ = call(*words).communicate(timeout=120)

    assert (running.returncode, err) == (1, b"")
    assert without_times(out.decode()) == without_times(here.decode())
    assert len(json.loads(out)["systems"]) == 6 * len(loops)
    assert dask.ask("len(client.scheduler_info()['workers'])") == 2


@pytest.mark.slow
def test_rules_are_judged_in_a_cluster_as_in_processes(dask: Dask) -> None:
    dask.worker()
    words = ("rules", "--show", "8b", "--kargo", "1.9.9", "--kargo", "1.11.2", "--no-cache", "--format", "json")
    there, here = (call(*words, *more).communicate(timeout=120) for more in (("--on", dask.address), ()))

    assert there == here
    assert b'"verdict": "holds if"' in there[0]


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_running_in_the_cluster(dask: Dask) -> None:
    dask.worker()
    busy, idle = dask.watch(BUSY), dask.watch(f"{BUSY}\n{IDLE}")
    running = call("check", "holds", "auto", "match-upstream", "--on", dask.address)
    busy()
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)

    assert (running.returncode, out, err) == (130, b"", b"kargo-model: interrupted; nothing was changed\n")
    idle()
    at_work = dask.ask("client.run(lambda: len(__import__('sys').modules['commands.cluster']._at_work))")
    assert [*at_work.values()] == [0]
    out, err = call("check", "retry", "--on", dask.address).communicate(timeout=60)
    assert (out[:7], err) == (b"holds: ", b"")


def other(folder: Path) -> Path:
    """A copy of the project where one comment differs."""
    for name in ("model", "invariants", "commands", "diagrams"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "model" / "system.py").open("a") as changed:
        changed.write("# another version\n")
    return folder


def nothing(folder: Path) -> Path:
    """A project of somebody else."""
    (folder / "commands").mkdir(parents=True)
    (folder / "commands" / "__init__.py").write_text("")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("project", [other, nothing])
def test_workers_of_another_version_are_refused(
    dask: Dask, tmp_path: Path, project: Callable[[Path], Path]
) -> None:
    installed = project(tmp_path / "elsewhere")
    dask.worker()
    dask.worker(cwd=installed, env={**os.environ, "PYTHONPATH": str(installed)})
    running = call("check", "retry", "--on", dask.address)
    out, err = running.communicate(timeout=60)

    assert (running.returncode, out) == (2, b"")
    assert re.fullmatch(
        r"kargo-model: tcp://\S+ has another version of kargo-model than this call, .*\n", err.decode()
    )


@pytest.mark.slow
def test_a_cluster_without_workers_or_without_its_scheduler_is_no_place(dask: Dask) -> None:
    running = call("check", "retry", "--on", dask.address)
    assert b" has no workers; start some: dask worker " in running.communicate(timeout=60)[1]
    assert running.returncode == 2

    dask.worker()
    busy = dask.watch(BUSY)
    running = call("check", "holds", "auto", "--on", dask.address)
    busy()
    dask.running[0].kill()
    out, err = running.communicate(timeout=120)
    assert (running.returncode, out) == (2, b"")
    assert err.decode() == f"kargo-model: the scheduler at {dask.address} is gone; what was not done is lost\n"
