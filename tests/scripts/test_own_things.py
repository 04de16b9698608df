"""`investorbench run` of a user's own agents, tasks, models and memories, named from anywhere."""

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
import yaml

from investorbench import evaluate
from investorbench.agents.finding import find_agent
from investorbench.tasks.record.schema import without_nan
from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from tests.scripts.calling import Call, results

AGENTS = """
from helper import SELL

class Against:
    def __init__(self, sessions: int = 1, *, lots=(1, 2), on=None):
        self.sessions, self.lots = sessions, lots

    def act(self, observation, info):
        closes = observation["bars"][:, 3]
        return 2 if closes[-1] < closes[-1 - self.sessions] else SELL

class Needs:
    def __init__(self, hands):
        self.hands = hands

    def act(self, observation, info):
        return self.hands

class Asks:
    def __init__(self, model, memory, lines: int = 1):
        self.model, self.memory, self.lines = model, memory, lines

    def act(self, observation, info):
        return 1

def policy(observation, info, action=1):
    return action

def make(action: int = 2):
    return lambda observation, info: action
"""
TASK = {"id": "stock/sim", "data": "simulated", "start": "2020-10-01", "end": "2020-10-30"}
SHORT = ("warmup=false", "task.end=2020-10-30", "output=json")


@pytest.fixture
def folder(tmp_path: Path, call: Call) -> Path:
    """The working folder, with agents of a user's own in a module and beside it what it imports."""
    (tmp_path / "my_agents.py").write_text(AGENTS)
    (tmp_path / "helper.py").write_text("SELL = 0\n")
    (tmp_path / "my_task.yaml").write_text(yaml.safe_dump(TASK))
    return tmp_path


def config_of(folder: Path) -> dict[str, Any]:
    (path,) = folder.rglob("config.yaml")
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("my_agents:Against", None),
        ("./my_agents.py:Against", None),
        ("./my_agents.py:policy", 1),
        ("my_agents:make", 2),
    ],
)
def test_an_agent_of_ones_own_is_named_by_module_or_file(
    name: str, action: int | None, call: Call, folder: Path
) -> None:
    output = call(f"agent={name}", *SHORT, "folder=here")
    assert output.code == 0, output.err
    (result,) = results(output)
    assert result["agent"] == name.rpartition(":")[2]
    assert config_of(folder / "here")["agent_name"] == result["agent"]
    (decisions,) = (folder / "here").rglob("decisions.jsonl")
    taken = {json.loads(line).get("action") for line in decisions.read_text().splitlines()}
    assert action is None or taken - {None} == {action}


def test_settings_of_a_class_need_no_plus_and_can_be_swept(call: Call, folder: Path) -> None:
    output = call("-m", "agent=my_agents:Against", "agent.sessions=1,5", *SHORT)
    assert [result["agent"] for result in results(output)] == [
        "Against sessions=1", "Against sessions=5",
    ]  # fmt: skip


def test_a_record_says_what_an_agent_was_and_nothing_of_where_it_lay(
    call: Call, folder: Path
) -> None:
    call("agent=./my_agents.py:Against", "agent.on=never", *SHORT, "folder=here")
    agent = config_of(folder / "here")["agent"]
    found = find_agent("./my_agents.py:Against")
    assert len(found.sha256) == 64
    assert agent == {
        "_source_": "my_agents.py:Against", "_sha256_": found.sha256,
        "sessions": 1, "lots": [1, 2], "on": "never",
    }  # fmt: skip
    assert str(folder) not in json.dumps(config_of(folder / "here"))


def test_a_run_goes_on_with_the_same_file_elsewhere_and_not_with_another(
    call: Call, folder: Path
) -> None:
    command = ("agent=./my_agents.py:Against", *SHORT, "folder=here")
    first = call(*command)
    moved = folder / "moved"
    moved.mkdir()
    for name in ("my_agents.py", "helper.py"):
        (folder / name).rename(moved / name)
    again = call("agent=moved/my_agents.py:Against", *command[1:])
    assert (again.code, results(again)) == (0, results(first))
    (moved / "my_agents.py").write_text(AGENTS.replace("else SELL", "else 1"))
    changed = call("agent=moved/my_agents.py:Against", *command[1:])
    assert changed.code == 1
    assert "_sha256_" in changed.err


def test_python_finds_the_same_agents_and_tasks(call: Call, folder: Path) -> None:
    (typed,) = results(
        call(
            "agent=./my_agents.py:Against",
            "task=./my_task.yaml",
            "output=json",
            "repeats=2",
            "seed=4",
        )
    )
    result = evaluate("./my_agents.py:Against", "./my_task.yaml", 2, seed=4)
    assert result.agent == typed["agent"] == "Against"
    assert without_nan(result.metrics) == typed["metrics"]
    assert [episode.seed for episode in result.episodes] == typed["seeds"]
    assert Task.of("./my_task.yaml") == Task(
        id="InvestorBench/Stock-SIM", data="simulated", start="2020-10-01", end="2020-10-30"
    )


def test_an_agent_is_handed_the_model_and_the_memory_that_it_cannot_be_made_without(
    call: Call, folder: Path
) -> None:
    output = call("agent=my_agents:Asks", "agent.lines=3", *SHORT, "folder=here")
    assert output.code == 0, output.err
    assert [result["agent"] for result in results(output)] == ["Asks model=offline"]
    assert config_of(folder / "here")["model"]["name"] == "offline"


def test_a_task_a_model_and_a_memory_of_ones_own_are_files_and_swept_like_ours(
    call: Call, folder: Path
) -> None:
    (folder / "tiny.yaml").write_text(
        "provider: offline\nid: reader\nword_list: vader\naccepts: {rungs: [text]}\n"
    )
    (folder / "brief.yaml").write_text(
        "boost: 9\nreflections: day\nlayers:\n"
        "  - {name: day, stability_steps: 5, decay: 0.9, initial: 50}\n"
    )
    output = call(
        "-m", "agent=finmem", "model=./tiny.yaml,offline", "memory=./brief.yaml",
        "memory.profile.boost=9,20", "task=./my_task.yaml", "output=json", "warmup=false",
        "folder=here",
    )  # fmt: skip
    assert output.code == 0, output.err
    assert [result["agent"] for result in results(output)] == [
        f"finmem model={model} boost={boost}" for model in ("tiny", "offline") for boost in (9, 20)
    ]
    path = folder / "here" / "stock-sim" / "task=my_task" / "finmem_model=tiny_boost=9"
    config = yaml.safe_load((path / "config.yaml").read_text())
    assert config["memory"]["profile"]["name"] == "brief"
    assert config["memory"]["profile"]["layers"][0]["initial"] == [[50, 1.0]]
    assert config["model"]["id"] == "reader"
    assert config["task"]["end"] == "2020-10-30"


def test_an_environment_of_others_is_a_task_by_the_module_that_registers_it(
    call: Call, folder: Path
) -> None:
    (folder / "registering.py").write_text(
        "import gymnasium as gym\n"
        "from tests.tasks.toys import MinutesEnv\n"
        "gym.register('Theirs/Minutes', entry_point=MinutesEnv, disable_env_checker=True)\n"
    )
    try:
        output = call(
            "agent=my_agents:policy", "agent.action=0", "task=registering:Theirs/Minutes",
            "output=json", "folder=here",
        )  # fmt: skip
    finally:
        gym.registry.pop("Theirs/Minutes", None)
    assert output.code == 0, output.err
    (result,) = results(output)
    assert (result["task"], result["agent"]) == ("registering:Theirs/Minutes", "policy")
    assert config_of(folder / "here")["protocol"] == {"name": None}


@pytest.mark.heavy
def test_a_launcher_runs_what_is_ones_own_in_processes_of_their_own(
    call: Call, folder: Path
) -> None:
    tasks = "task=./my_task.yaml,stock/sim"
    output = call(
        "-m", "agent=./my_agents.py:Against", tasks, "task.end=2020-10-30", "warmup=false",
        "launcher=joblib", "hydra.launcher.n_jobs=1", "output=json", "folder=here",
    )  # fmt: skip
    assert (output.code, len(results(output))) == (0, 2), output.err
    assert "stock-sim" in {path.name for path in (folder / "here").iterdir()}
    assert not list((folder / "here").glob(".choices*"))


@pytest.mark.parametrize(
    "where",
    [
        ("--config-dir", "mine"),
        pytest.param(("hydra.searchpath=[file://mine]",), marks=pytest.mark.heavy),
        (),
    ],
)
def test_configuration_in_a_folder_of_ones_own_is_found(
    where: tuple[str, ...], call: Call, folder: Path
) -> None:
    place = folder / ("mine" if where else "conf") / "agent"
    place.mkdir(parents=True)
    (place / "bold.yaml").write_text("_target_: my_agents.Against\nsessions: 2\n")
    output = call(*where, "-m", "agent=bold,cash", "agent.sessions=3", *SHORT)
    assert "agent=cash takes no sessions, unlike bold, momentum" in output.err.replace("\n", " ")
    output = call(*where, "-m", "agent=bold", "agent.sessions=3,4", *SHORT, "folder=here")
    assert [result["agent"] for result in results(output)] == ["bold sessions=3", "bold sessions=4"]
    (path, _) = sorted((folder / "here").rglob("config.yaml"))
    assert len(yaml.safe_load(path.read_text())["agent"]["_sha256_"]) == 64
    helped = call(*where, "--help")
    assert "agent, not ours: bold\n" in helped.out and "agent=./my_agent.py:MyAgent" in helped.out


def test_another_configuration_in_the_folder_is_no_hindrance(call: Call, folder: Path) -> None:
    for path in ("conf/config.yaml", "conf/protocol/standard.yaml", "conf/agent/cash.yaml"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("seed: of something else\n")
    assert call("agent=momentum", *SHORT).code == 0
    output = call("agent=cash", *SHORT)
    assert output.code == 1
    assert "agent=cash is a name of ours, too: rename conf/agent/cash.yaml" in output.err


@pytest.fixture
def package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of others is installed, which names an agent and three tasks."""
    place = folder / "installed"
    (place / "theirs-1.0.dist-info").mkdir(parents=True)
    (place / "theirs-1.0.dist-info" / "METADATA").write_text("Name: theirs\nVersion: 1.0\n")
    (place / "theirs-1.0.dist-info" / "entry_points.txt").write_text(
        "[investorbench.agents]\nalpha = theirs:Alpha\n"
        "[investorbench.tasks]\nweek = theirs:WEEK\nbare = theirs:ID\nmade = theirs:MADE\n"
    )
    (place / "theirs.py").write_text(
        "from investorbench import Task\n"
        "ID = 'InvestorBench/Stock-SIM'\n"
        "WEEK = {'id': ID, 'data': 'simulated', 'end': '2020-10-08'}\n"
        "MADE = Task(id=ID, end='2020-10-09')\n"
        "class Alpha:\n    def act(self, observation, info):\n        return 2\n"
    )
    monkeypatch.syspath_prepend(str(place))


@pytest.mark.heavy
@pytest.mark.usefixtures("package")
def test_packages_of_others_name_agents_and_tasks(call: Call) -> None:
    output = call("-m", "agent=alpha,cash", "task=week,made", "warmup=false", "output=json")
    assert output.code == 0, output.err
    found = [(result["agent"], result["window"][1]) for result in results(output)]
    assert found == [
        (agent, day) for agent in ("alpha", "cash") for day in ("2020-10-08", "2020-10-09")
    ]
    assert Task.of("bare").id == "InvestorBench/Stock-SIM"
    assert evaluate("alpha", "week", warmup=False).agent == "alpha"
    assert "agent, not ours: alpha\ntask, not ours: bare, made, week\n" in call("--help").out
    assert "nearest first: alpha, " in call("agent=alpa").err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["agent=my_agents:Agianst"], "unknown name in my_agents: 'Agianst'; valid, nearest first: "
         "Against,"),
        (["agent=my_agents"], "or name your own as my_module:MyAgent"),
        (["agent=my_agents:Against", "agent.sesions=2"], "nearest first: agent.sessions,"),
        (["agent=my_agents:Needs"], "Needs cannot be made without hands; on the command line: "
         "agent.hands=…"),
        (["agent=nowhere:Agent"], "looked for Agent in nowhere: there is no module 'nowhere'"),
        (["agent=./nowhere.py:Agent"], "there is no such file"),
        (["agent._target_=nowhere.Agent"], "there is no module 'nowhere'"),
        (["agent=./my_agents.py:Against,my_agents:Against", "-m"], "are both called Against"),
        (["agent=./named.py:momentum"], "has the name momentum, which is taken"),
        (["agent=cash,momentum"], "agent=cash,momentum names several: give -m, too"),
        (["repeats=1,2"], "repeats=1,2 names several: give -m, too"),
        (["agent=buy_and_hold", "agent.change_rate=0.5"], "agent=buy_and_hold takes no change_rate,"
         " unlike perpetuals/random_signals, random; it takes no settings"),
        (["-m", "agent=random,cash", "agent.change_rate=1"], "agent=cash takes no change_rate"),
        (["protocol=paper", "protocol.slippage_bps=1"], "protocol=paper takes no slippage_bps, "
         "unlike standard"),
        (["+task.cash_rate=.04"], "unknown setting 'task.cash_rate'; valid, nearest first: task."),
        (["++protocol.x=1"], "unknown setting 'protocol.x'; valid, nearest first: protocol"),
        (["+sede=1"], "unknown setting 'sede'; valid, nearest first: seed"),
        (["protocol.x=1"], "unknown setting 'protocol.x'; valid, nearest first: protocol"),
        (["+agent.sessions=1"], "unknown setting of BuyAndHold 'sessions'"),
        (["~seed"], "a setting of every run cannot be taken away"),
        (["task=./nowhere.yaml"], "there is no file ./nowhere.yaml"),
        (["task=./odd.yaml"], "unknown setting of task odd.yaml 'begin'; valid, nearest first: "),
        (["task=./empty.yaml"], "empty.yaml should hold settings"),
        (["task=./broken.yaml"], "broken.yaml is no YAML"),
        (["agent=finmem", "memory=./flat.yaml"], "profile flat: boost='much' should be a number"),
        (["task=nowhere:Other/Env"], "looked for task Other/Env in nowhere"),
        (["--config-dir", "nowhere"], "there is no folder nowhere"),
        (["agent=./odd.yaml"], "an agent's file names its class or function as `_target_: "),
        (["task=glob(bond/*)", "-m"], "unknown task 'glob(bond/*)'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_message(
    arguments: list[str], words: str, call: Call, folder: Path
) -> None:
    (folder / "named.py").write_text("def momentum(observation, info):\n    return 1\n")
    (folder / "odd.yaml").write_text("id: stock/sim\nbegin: 2020-10-01\n")
    (folder / "empty.yaml").write_text("- 1\n")
    (folder / "broken.yaml").write_text("id: [\n")
    (folder / "flat.yaml").write_text(
        "boost: much\nlayers: [{name: a, stability_steps: 1, decay: 1, initial: 1}]\n"
    )
    output = call(*arguments, *SHORT[2:])
    assert output.code == 1
    assert output.out == ""
    assert words in output.err
    assert "Traceback" not in output.err and "HYDRA" not in output.err
    assert not list(folder.glob("runs/*/*/*"))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "def helper():\n    import not_there\n\nhelper()\nclass A: pass\n",
            ['line 4, in <module>', 'line 2, in helper', "ModuleNotFoundError: No module named"],
        ),
        ("class A\n", ["line 1", "SyntaxError: expected ':'"]),
        ("import json\njson.loads('{')\n", ['line 2, in <module>', "JSONDecodeError: "]),
        ("raise SystemExit('no')\n", ['line 1, in <module>', "SystemExit: no"]),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_imported_shows_its_own_lines(
    text: str, lines: list[str], call: Call, folder: Path
) -> None:
    (folder / "mine.py").write_text(text)
    output = call("agent=./mine.py:A")
    assert output.code == 1
    head, *shown = output.err.splitlines()
    assert head == "error: looked for A in ./mine.py, which cannot be imported:"
    assert all(any(words in line for line in shown) for words in lines)
    places = [line.split('"')[1] for line in shown if line.lstrip().startswith("File ")]
    assert set(places) == {str(folder / "mine.py")}
    with pytest.raises(InvestorBenchError, match=r"looked for A in \./mine\.py"):
        find_agent("./mine.py:A")


def test_a_name_that_nobody_gave_is_answered_with_the_nearest_five() -> None:
    with pytest.raises(UnknownNameError) as refused:
        find_agent("momentun")
    assert str(refused.value).startswith("unknown agent 'momentun'; valid, nearest first: momentum")
    assert str(refused.value).split(";")[1].count(",") == 5
