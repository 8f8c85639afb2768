"""Networks with the operators, shapes and cost of RTMDet and RTMPose, and random weights.

For timing and for conversion where the official weights are not at hand. They find nothing.
"""

from hpe_volleyball.synthetic.nets.build import NETS, NetSpec, build_graph, build_model

__all__ = ["NETS", "NetSpec", "build_graph", "build_model"]
