"""Settings in files of YAML, read as Hydra does: 2021-01-04 stays a text, 1e-3 is a number."""

from pathlib import Path
from typing import Any

from investorbench_env.errors import InvestorBenchError

SUFFIXES = (".yaml", ".yml")


def read_settings(path: str | Path) -> dict[str, Any]:
    """What a file of settings holds.

    Raises:
        InvestorBenchError: there is no such file, it is no YAML, or holds no table.
    """
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    file = Path(path).expanduser()
    if not file.is_file():
        raise InvestorBenchError(f"there is no file {path}")
    try:
        read = OmegaConf.load(file)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise InvestorBenchError(f"{path} is no YAML: {error}") from error
    if not isinstance(read, DictConfig):
        raise InvestorBenchError(f"{path} should hold settings, such as `name: value` on each line")
    settings: Any = OmegaConf.to_container(read)
    return {str(name): value for name, value in settings.items()}
