"""The configuration of each job that a command line asks for, composed by Hydra."""

import contextlib
import itertools
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from investorbench.scripts.choices import CONF, CONFIG_DIR
from investorbench_env.errors import InvestorBenchError

MANY = ("-m", "--multirun")
QUESTIONS = (
    "-h", "--help", "--hydra-help", "--version", "-c", "--cfg", "-p", "--package", "--resolve",
    "-i", "--info", "-sc", "--shell-completion",
)  # fmt: skip
"""Flags to which Hydra answers without running anything, their values beside them."""
PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
NAME = "config"
VERSION = "1.3"


class Composed(NamedTuple):
    """The configuration of one job.

    Attributes:
        config: all settings, resolved.
        choices: what was chosen of each group, such as ``agent``.
        given: the settings of the command line, one value each.
    """

    config: DictConfig
    choices: Mapping[str, str]
    given: Sequence[str]


def composed(arguments: Sequence[str]) -> list[Composed] | None:
    """The configuration of each job; None where Hydra was asked for something else, such as help.

    Hydra's own sweeper composes every job twice, to see whether that can be done before any runs.

    Args:
        arguments: of the command line.

    Raises:
        InvestorBenchError: there is a flag that is not known, or a configuration that does not do.
    """
    if is_question(arguments):
        with contextlib.suppress(SystemExit):  # it has answered
            call_for_each(arguments, lambda config: None)
        return None
    overrides, is_sweep = _overrides_in(arguments)
    try:
        with hydra.initialize_config_dir(str(CONF), version_base=VERSION):
            jobs = _combinations(overrides) if is_sweep else [overrides]
            return [_composed(job) for job in jobs]
    except (HydraException, OmegaConfBaseException) as error:
        raise InvestorBenchError(f"configuration: {str(error).splitlines()[0]}") from error


def is_question(arguments: Sequence[str]) -> bool:
    """Whether Hydra is asked for something else than a run, such as help."""
    return any(each.partition("=")[0] in QUESTIONS for each in arguments)


def quoted(text: str) -> str:
    """A text as the value of a setting on a command line; in quotes where Hydra reads others."""
    return text if PLAIN.fullmatch(text) else QuotedString(text, Quote.single).with_quotes()


def unquoted(value: str) -> str:
    """The text that the value of a setting on a command line is, in quotes or not."""
    with contextlib.suppress(HydraException):
        if value.startswith(("'", '"')):
            return str(OverridesParser.create().parse_override(f"text={value}").value())
    return value


def call_for_each(arguments: Sequence[str], task: Callable[[DictConfig], None]) -> None:
    """Have Hydra do what a command line asks for, and call something for each job."""
    before, sys.argv = sys.argv, ["investorbench run", *arguments]
    try:
        hydra.main(version_base=VERSION, config_path=str(CONF), config_name=NAME)(task)()
    finally:
        sys.argv = before


def composed_here(config: DictConfig) -> Composed:
    """What Hydra has composed, in what it calls for a job."""
    own = HydraConfig.get()
    OmegaConf.resolve(config)
    return Composed(config, own.runtime.choices, own.overrides.task)


def _overrides_in(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The settings of a command line, and whether it is a sweep.

    Raises:
        InvestorBenchError: there is a flag that is neither ours nor Hydra's to answer.
    """
    overrides: list[str] = []
    rest, is_sweep = list(arguments), False
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        if flag in MANY:
            is_sweep = True
        elif flag.startswith("-"):
            raise InvestorBenchError(
                f"unknown flag {flag}; there are {MANY[0]} for sweeps, {CONFIG_DIR[0]} for a "
                "folder of configurations of your own, and --help"
            )
        else:
            overrides.append(flag + equals + value)
    return overrides, is_sweep


def _combinations(overrides: Sequence[str]) -> list[list[str]]:
    """Each value of each setting with each of the others, in the order of Hydra's sweeper."""
    hydra_used = GlobalHydra.instance()
    parser = OverridesParser.create(config_loader=hydra_used.config_loader())
    values: dict[str, list[str]] = {}
    for override in parser.parse_overrides(list(overrides)):
        key = override.get_key_element()
        if override.is_sweep_override():
            values[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            values[key] = [f"{key}={override.get_value_element_as_str()}"]
    return [list(job) for job in itertools.product(*values.values())]


def _composed(overrides: Sequence[str]) -> Composed:
    config = hydra.compose(NAME, list(overrides), return_hydra_config=True)
    own = config.hydra
    choices, given = dict(own.runtime.choices), list(own.overrides.task)
    with open_dict(config):
        del config["hydra"]
    OmegaConf.resolve(config)
    return Composed(config, choices, given)
