"""``python -m benchmark`` is ``swapbench``."""

from benchmark.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
