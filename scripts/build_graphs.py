"""Write networks with the cost of RTMDet and RTMPose and random weights, by name or all of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from hpe_volleyball.synthetic.nets import NETS, build_graph


def main() -> None:
    """Build what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NETS)}")
    parser.add_argument("--directory", type=Path, default=Path("output/random-weights"))
    options = parser.parse_args()
    for name in options.names or NETS:
        print(build_graph(name, options.directory / f"{name}.onnx"))


if __name__ == "__main__":
    main()
