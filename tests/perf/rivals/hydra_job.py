"""A job of Hydra that does nothing: ``python hydra_job.py --multirun number=range(0,9)``."""

import hydra
from omegaconf import DictConfig


@hydra.main(version_base=None, config_path=None)
def main(config: DictConfig) -> None:
    """Take the number that the sweep gives."""
    assert "number" in config


if __name__ == "__main__":
    main()
