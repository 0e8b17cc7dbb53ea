"""`python -m inference.simulator`: the simulator without Django, up in half a second."""

from __future__ import annotations

import argparse
import os

from inference.simulator.arguments import add_arguments, options_from, port_of
from inference.simulator.server import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m inference.simulator", description=__doc__)
    add_arguments(parser, default_port=port_of(os.environ.get("ASAHI_PROVIDERS_SIMULATOR_URL", "")))
    run(options_from(vars(parser.parse_args())))
